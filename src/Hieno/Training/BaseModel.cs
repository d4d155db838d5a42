using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Models.Vision.Clip;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Training;

/// <summary>The model that a run begins with, before its method is applied.</summary>
public static class BaseModel
{
    /// <summary>Opens the base of <paramref name="recipe"/>: pretrained or random, quantised or not.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="config">The base's configuration.</param>
    /// <param name="head">The output layer.</param>
    /// <param name="models">The families known; the built-in ones when null.</param>
    /// <param name="backend">Where it computes; the CPU when null.</param>
    /// <param name="visionModels">The vision families known; the built-in ones when null.</param>
    /// <exception cref="CheckpointException">The files are missing or malformed.</exception>
    /// <exception cref="TrainingException">The recipe quantises a base that has to change.</exception>
    /// <exception cref="TuningException">A name in <see cref="QuantizationOptions.Keep"/> fits nothing.</exception>
    public static PretrainedModel Open(
        Recipe recipe, ModelConfig config, HeadChoice head, ModelCatalog? models = null, Backend? backend = null, VisionCatalog? visionModels = null) =>
        Open(recipe, config, head, tokens: null, models, backend, visionModels);

    /// <summary>As above, for a model that is to know new tokens.</summary>
    internal static PretrainedModel Open(
        Recipe recipe, ModelConfig config, HeadChoice head, NewTokens? tokens, ModelCatalog? models, Backend? backend, VisionCatalog? visionModels)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        if (QuantizationCheck.Fault(recipe) is var (fact, advice)) // a recipe made in code was not checked before
        {
            throw new TrainingException(ErrorCodes.RecipeSettingsConflict, "recipe", fact, advice);
        }

        if (recipe.Training.Dropout is { } rate)
        {
            config = DropoutRates.Override(config, rate);
        }

        if (head.Kind is HeadKind.Pictures or HeadKind.PicturesAndTexts)
        {
            return OpenVision(recipe, config, head, visionModels, backend);
        }

        TextModel model = recipe.Start == Start.Random
            ? TextModel.Create(config, head, recipe.Seed, models, backend, tokens?.Count)
            : TextModel.Load(recipe.Base, head, recipe.Seed, models, backend, config, tokens?.Count, recipe.Quantization?.Create());
        recipe.Quantization?.ThrowIfUnknown(model);
        tokens?.Initialize(model);
        return model;
    }

    private static PretrainedModel OpenVision(Recipe recipe, ModelConfig config, HeadChoice head, VisionCatalog? catalog, Backend? backend)
    {
        if (recipe.Quantization is not null)
        {
            throw new TrainingException(ErrorCodes.RecipeSettingsConflict, "quantization", "models that read pictures are not quantised", "Take it out of the recipe");
        }

        bool isRandom = recipe.Start == Start.Random;
        return (head.Kind == HeadKind.PicturesAndTexts, isRandom) switch
        {
            (true, true) => ClipModel.Create(config, recipe.Seed, backend),
            (true, false) => ClipModel.Load(recipe.Base, backend, config),
            (false, true) => VisionModel.Create(config, head.Outputs, recipe.Seed, catalog, backend),
            _ => VisionModel.Load(recipe.Base, head.Outputs, recipe.Seed, catalog, backend, config),
        };
    }
}
