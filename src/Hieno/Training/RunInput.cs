using Hieno.Data;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Models.Vision.Clip;
using Hieno.Objectives;
using Hieno.Recipes;

namespace Hieno.Training;

/// <summary>With what a run's base model reads rows: a tokenizer, or the preparation of pictures.</summary>
internal sealed class RunInput
{
    private readonly Recipe _recipe;
    private readonly ModelConfig _config;

    /// <summary>Reads what lies beside the base model's weights.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="kind">The output layer of its task.</param>
    /// <param name="config">The base's configuration.</param>
    /// <param name="models">The text families known; the built-in ones when null.</param>
    /// <param name="visionModels">The vision families known; the built-in ones when null.</param>
    /// <exception cref="HienoException">A file is missing or malformed, or a setting is of no use to such a task.</exception>
    public RunInput(Recipe recipe, HeadKind kind, ModelConfig config, ModelCatalog? models, VisionCatalog? visionModels)
    {
        (_recipe, _config) = (recipe, config);
        if (kind is HeadKind.Pictures or HeadKind.PicturesAndTexts)
        {
            RefuseTextSettings();
            Pictures = ImagePreparation.Of(recipe.Base, VisionModel.FamilyOf(config, visionModels), config);
            if (kind == HeadKind.PicturesAndTexts)
            {
                Tokenizer = ModelTokenizer.Load(recipe.Base);
                MaxLength = ClipModel.TextPositions(config);
            }

            return;
        }

        if (recipe.Data.Augment.Count > 0)
        {
            throw new TrainingException(ErrorCodes.RecipeSettingsConflict, "data.augment", "it changes pictures, and this task learns texts", "Take it out, or set 'task: image-classification'");
        }

        Tokenizer = ModelTokenizer.Load(recipe.Base);
        Tokens = recipe.Tokens is { } added ? NewTokens.AddTo(Tokenizer, added) : null;
        MaxLength = RowLength.Of(recipe, config, models);
    }

    /// <summary>The tokenizer; null where rows are pictures.</summary>
    public ModelTokenizer? Tokenizer { get; }

    /// <summary>Tokens that the run adds, or null.</summary>
    public NewTokens? Tokens { get; }

    /// <summary>How pictures are made ready; null where rows are texts.</summary>
    public ImagePreparation? Pictures { get; }

    /// <summary>The longest row in tokens; 0 where rows are pictures.</summary>
    public int MaxLength { get; }

    /// <summary>Tokens in a pack of rows; null where rows stand for themselves.</summary>
    public int? PackLength => _recipe.Data.Packing ? MaxLength : null;

    /// <summary>What the objective is told.</summary>
    /// <param name="log">Where to say what a user should know.</param>
    public ObjectiveContext Context(Action<string> log) => (Tokenizer, Pictures) is ({ } reader, { } preparation) ? new ObjectiveContext(reader, preparation, _config, _recipe.Data, MaxLength, _recipe.Seed, log)
        : Tokenizer is { } tokenizer ? new ObjectiveContext(tokenizer, _config, _recipe.Data, MaxLength, log)
        : new ObjectiveContext(Pictures!, _config, _recipe.Data, _recipe.Seed, log);

    private void RefuseTextSettings()
    {
        string? setting = _recipe.Tokens is not null ? "tokens" : _recipe.Data.Packing ? "data.packing" : _recipe.Data.MaxLength is not null ? "data.maxLength" : null;
        if (setting is not null)
        {
            throw new TrainingException(ErrorCodes.RecipeSettingsConflict, setting, "it is about tokens of text, and this task learns pictures", "Take it out of the recipe");
        }
    }
}
