using System.ComponentModel.DataAnnotations;
using Hieno.Advice;
using Hieno.Data;
using Hieno.Objectives;
using Hieno.Plugins;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Recipes;

/// <summary>How a base model starts.</summary>
public enum Start
{
    /// <summary>With its weights: fine-tuning.</summary>
    Pretrained,

    /// <summary>With random weights: pretraining, or the honest baseline of fine-tuning.</summary>
    Random,
}

/// <summary>Everything about one run: which model learns what, from which data, and how. It is the recipe file, and each property is also a flag.</summary>
public sealed record Recipe : IValidated
{
    /// <summary>The key under which <see cref="Plugins"/> are named; they are needed before the rest can be read.</summary>
    internal const string PluginsKey = "plugins";

    /// <summary>Assemblies (.dll) with kinds of your own, which the recipe can then name. Their code runs in this process. Default: none.</summary>
    public IReadOnlyList<string> Plugins { get; init; } = [];

    /// <summary>The folder of the base model.</summary>
    public required string Base { get; init; }

    /// <summary>How the base model starts: pretrained, or random. Default pretrained.</summary>
    public Start Start { get; init; } = Start.Pretrained;

    /// <summary>How the frozen base is stored in fewer bits while an adapter learns: nf4, as QLoRA does. Default: as in its file.</summary>
    public QuantizationOptions? Quantization { get; init; }

    /// <summary>What is learned: causal-lm, masked-lm, sft, classification, multi-label-classification, regression, multiple-choice.</summary>
    public required ObjectiveOptions Task { get; init; }

    /// <summary>What is learned from.</summary>
    public required DataOptions Data { get; init; }

    /// <summary>Tokens that are added to the base model's vocabulary. Default: none.</summary>
    public TokenOptions? Tokens { get; init; }

    /// <summary>What changes in the model: full, partial, preset, angle, bitfit, norms, fisher-norms, random-mask, head, lora, several of these together, and others. Default full.</summary>
    public TuningOptions Tuning { get; init; } = new FullOptions();

    /// <summary>How it is learned.</summary>
    public TrainingOptions Training { get; init; } = new();

    /// <summary>How it is judged.</summary>
    public EvaluationOptions Evaluation { get; init; } = new();

    /// <summary>The run's folder.</summary>
    [MinLength(1)]
    public required string Output { get; init; }

    /// <summary>The seed of everything random: the same recipe and seed give the same bytes. Default 42.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Warnings before the run that are not to be told, by name, e.g. random-head, no-validation: see docs/warnings.md. Default: none.</summary>
    public IReadOnlyList<string> Silence { get; init; } = [];

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (QuantizationCheck.Fault(this) is var (fact, advice))
        {
            yield return $"{fact}. {advice}.";
        }

        foreach (string name in Silence.Except(BuiltInWarnings.Ids, StringComparer.Ordinal))
        {
            yield return $"'silence' names '{name}', which is no warning. {NearestKey.Advice(name, BuiltInWarnings.Ids, "Warnings")}";
        }
    }

    /// <summary>Reads a recipe file, .yaml or .json.</summary>
    /// <param name="path">The file.</param>
    /// <param name="overrides">Settings of the command line that win over the file's, or null.</param>
    /// <param name="kinds">The kinds known; the built-in ones and those of the recipe's plugins when null.</param>
    /// <exception cref="RecipeException">All faults at once, each with file, line and column.</exception>
    public static Recipe Load(string path, RecipeOverrides? overrides = null, KindCatalog? kinds = null) =>
        kinds is null ? Bind(path, overrides).Value : RecipeFile.Load<Recipe>(path, kinds, overrides).Value;

    /// <summary>Reads a recipe file with the plugins it names, and says what was left out of it because a flag chose another kind.</summary>
    /// <param name="path">The file.</param>
    /// <param name="overrides">Settings of the command line that win over the file's, or null.</param>
    /// <exception cref="RecipeException">All faults at once, each with file, line and column.</exception>
    public static RecipeBinding<Recipe> Bind(string path, RecipeOverrides? overrides = null) => RecipeFile.LoadWithOwnKinds<Recipe>(path, Plugin.KindsFor, overrides);
}
