using Hieno.Formats;
using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Architecture.Tests.Examples;

/// <summary>Only the tables of tokens and positions learn: for text in words that the base model has hardly seen.</summary>
public sealed record EmbeddingOnlyOptions : TuningOptions
{
    /// <summary>Whether the output layer learns as well. Default true.</summary>
    public bool TrainHead { get; init; } = true;

    /// <inheritdoc/>
    public override ITuningMethod Create() => new EmbeddingOnly(this);
}

/// <summary>Only the tables of tokens and positions learn.</summary>
public sealed class EmbeddingOnly(EmbeddingOnlyOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        var fresh = model.NewlyInitialized.ToHashSet(StringComparer.Ordinal); // a new head always learns
        foreach (Parameter parameter in model.Parameters())
        {
            parameter.Trainable = fresh.Contains(parameter.Name)
                || parameter.Kind == ParameterKind.Embedding
                || (parameter.Kind == ParameterKind.Head && options.TrainHead);
        }

        var tuned = new TunedModel(model);
        return tuned.TrainableCount > 0
            ? tuned
            : throw new TuningException(ErrorCodes.TuningNothingTrains, "embedding-only", "this model has no tables", "Choose 'full' or 'partial'");
    }
}
