using Hieno.Data;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Vision;
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
        DataSplit data = DataSplit.Read(recipe.Data, recipe.Seed, objective.Head.Kind == HeadKind.Pictures);
        ModelTokenizer? tokenizer = objective.Head.Kind == HeadKind.Pictures ? null : ModelTokenizer.Load(recipe.Base);
        objective.Prepare(ContextOf(recipe, config, tokenizer), data.Train);
        return recipe.Tuning.Create().Apply(BaseModel.Open(recipe, config, objective.Head), recipe.Seed, tokenizer?.Tokenizer);
    }

    private static ObjectiveContext ContextOf(Recipe recipe, ModelConfig config, ModelTokenizer? tokenizer)
    {
        if (tokenizer is null)
        {
            return new ObjectiveContext(ImagePreparation.Of(recipe.Base, VisionModel.FamilyOf(config), config), config, recipe.Data, recipe.Seed, _ => { });
        }

        int maxLength = recipe.Data.MaxLength ?? TextModel.FamilyOf(config).MaxPositions(config);
        return new ObjectiveContext(tokenizer, config, recipe.Data, maxLength, _ => { });
    }
}
