using Hieno.Formats;
using Hieno.Models;
using Hieno.Recipes;

namespace Hieno.Training;

/// <summary>How long a row may be in a run.</summary>
internal static class RowLength
{
    /// <summary>The longest row that a run reads, in tokens.</summary>
    /// <exception cref="TrainingException">The recipe asks for more than the model has positions for.</exception>
    public static int Of(Recipe recipe, ModelConfig config, ModelCatalog? models)
    {
        int virtuals = recipe.Tuning.AddedPositions;
        int positions = TextModel.FamilyOf(config, models).MaxPositions(config) - virtuals;
        if (positions < 1)
        {
            throw new TrainingException(ErrorCodes.RecipeValueOutOfRange, "tuning.virtualTokens", $"{virtuals} virtual tokens leave none of the {positions + virtuals} positions this model has for a text", "Give fewer");
        }

        if (recipe.Data.MaxLength is { } asked && asked > positions)
        {
            string left = virtuals > 0 ? $"{positions} positions that {virtuals} virtual tokens leave" : $"{positions} positions this model has";
            throw new TrainingException(ErrorCodes.RecipeValueOutOfRange, "data.maxLength", $"{asked} tokens are more than the {left}", $"Give {positions} or less");
        }

        return recipe.Data.MaxLength ?? Math.Min(positions, 1024);
    }
}
