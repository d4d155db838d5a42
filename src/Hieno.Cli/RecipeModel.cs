using Hieno.Data;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Models.Vision.Clip;
using Hieno.Objectives;
using Hieno.Recipes;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Cli;

/// <summary>The model that a run would begin with, its method applied, without the run.</summary>
internal static class RecipeModel
{
    /// <summary>Reads the data (a classifier's outputs follow from its labels), opens the model and applies the method.</summary>
    /// <exception cref="HienoException">A fault of the recipe, the data or the model.</exception>
    public static TunedModel Open(Recipe recipe)
    {
        IObjective objective = recipe.Task.Create();
        ModelConfig config = ModelConfig.Read(recipe.Base);
        HeadKind kind = objective.Head.Kind;
        DataSplit data = DataSplit.Read(recipe.Data, recipe.Seed, kind is HeadKind.Pictures or HeadKind.PicturesAndTexts);
        ModelTokenizer? tokenizer = kind == HeadKind.Pictures ? null : ModelTokenizer.Load(recipe.Base);
        ImagePreparation? pictures = kind is HeadKind.Pictures or HeadKind.PicturesAndTexts ? ImagePreparation.Of(recipe.Base, VisionModel.FamilyOf(config), config) : null;
        objective.Prepare(ContextOf(recipe, config, tokenizer, pictures), data.Train);
        return recipe.Tuning.Create().Apply(BaseModel.Open(recipe, config, objective.Head), recipe.Seed, tokenizer?.Tokenizer);
    }

    private static ObjectiveContext ContextOf(Recipe recipe, ModelConfig config, ModelTokenizer? tokenizer, ImagePreparation? pictures) => (tokenizer, pictures) switch
    {
        ({ } texts, { } preparation) => new ObjectiveContext(texts, preparation, config, recipe.Data, ClipModel.TextPositions(config), recipe.Seed, _ => { }),
        ({ } texts, null) => new ObjectiveContext(texts, config, recipe.Data, recipe.Data.MaxLength ?? TextModel.FamilyOf(config).MaxPositions(config), _ => { }),
        _ => new ObjectiveContext(pictures!, config, recipe.Data, recipe.Seed, _ => { }),
    };
}
