using Hieno.Tuning;

namespace Hieno.Recipes;

/// <summary>Whether a run can keep its base in few bits: only where the base stays as it is.</summary>
internal static class QuantizationCheck
{
    /// <summary>Why the base cannot be quantised in this run, and what to do; null where it can, or is not.</summary>
    public static (string Fact, string Advice)? Fault(Recipe recipe)
    {
        if (recipe.Quantization is null || (recipe.Start == Start.Pretrained && LeavesBase(recipe.Tuning)))
        {
            return null;
        }

        if (recipe.Start == Start.Random)
        {
            return ("'quantization' and 'start: random' exclude each other: random weights must be free to change", "Remove one of them");
        }

        if (recipe.Tuning is SeveralOptions several && several.Methods.OfType<AdapterOptions>().Any())
        {
            string names = string.Join(", ", several.Methods.Where(method => !LeavesBase(method) && !IsOfVectors(method)).Select(Several.NameOf));
            return ($"'quantization' stores matrices of the base in few bits, where they cannot change, but of the several methods these train them: {names}",
                "Take them out of 'tuning.methods', or remove 'quantization'");
        }

        string kind = BuiltIns.Kinds().KindsOf(typeof(TuningOptions)).FirstOrDefault(known => known.Value == recipe.Tuning.GetType()).Key ?? recipe.Tuning.GetType().Name;
        return ($"'quantization' stores the base in few bits, where it cannot change, but 'tuning: {kind}' trains and saves the base itself",
            "Choose a method that trains an adapter, such as lora, or remove 'quantization'");
    }

    // Beside an adapter, gains, offsets and the output layer are trained as copies that the adapter holds; they are not quantised.
    private static bool LeavesBase(TuningOptions tuning) => tuning is AdapterOptions
        || (tuning is SeveralOptions several && several.Methods.OfType<AdapterOptions>().Any() && several.Methods.All(method => LeavesBase(method) || IsOfVectors(method)));

    private static bool IsOfVectors(TuningOptions tuning) => tuning is NormsOptions or FisherNormsOptions or BitFitOptions or HeadOptions;
}
