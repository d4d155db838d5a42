using System.IO.Enumeration;
using Hieno.Models;

namespace Hieno.Tuning;

/// <summary>Which offsets BitFit trains.</summary>
public enum BitFitOffsets
{
    /// <summary>Those of all linear and normalisation layers.</summary>
    All,

    /// <summary>Those of the query projections and of the first feed-forward layers: half the numbers, the paper's second variant.</summary>
    QueryAndInner,
}

/// <summary>Settings of <see cref="BitFit"/>.</summary>
public sealed record BitFitOptions : TuningOptions
{
    /// <summary>Which offsets learn: all, or query-and-inner. Default all.</summary>
    public BitFitOffsets Offsets { get; init; } = BitFitOffsets.All;

    /// <summary>Whether the output layer learns as well. Default true; a new one always learns.</summary>
    public bool TrainHead { get; init; } = true;

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 1e-3;

    /// <inheritdoc/>
    public override ITuningMethod Create() => new BitFit(this);
}

/// <summary>Only offsets (biases) learn, and the output layer: less than a thousandth of a large model.</summary>
/// <remarks>Ben Zaken et al. 2021, <see href="https://arxiv.org/abs/2106.10199"/>, section 3: all offsets, or b_q and the offset b_m2 of the inner feed-forward layer.</remarks>
public sealed class BitFit(BitFitOptions options) : ITuningMethod
{
    // GPT-2 keeps the offsets of queries, keys and values in one vector, of which the first third is the queries'.
    private const string FusedOffset = "*.attn.c_attn.bias";

    private static readonly string[] s_query = ["*.query.bias", "*.q_proj.bias", FusedOffset];
    private static readonly string[] s_inner = ["*.intermediate.dense.bias", "*.mlp.c_fc.bias", "*.fc1.bias", "*.mlp.up_proj.bias", "*.mlp.gate_proj.bias"];

    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        TunedModel tuned = ChosenWeights.Train(
            model, "bitfit", Chooses, options.TrainHead,
            options.Offsets == BitFitOffsets.All ? "Choose 'norms', or 'partial' with 'parts'" : "Set 'tuning.offsets: all', or choose 'norms'");
        if (options.Offsets == BitFitOffsets.QueryAndInner)
        {
            tuned.Restrict([.. tuned.Trainable.Where(parameter => Matches([FusedOffset], parameter)).Select(OnlyQueries)]);
        }

        return tuned;
    }

    private bool Chooses(Parameter parameter) => options.Offsets == BitFitOffsets.All
        ? parameter.IsBias
        : (parameter.Kind == ParameterKind.Attention && Matches(s_query, parameter)) || (parameter.Kind == ParameterKind.FeedForward && Matches(s_inner, parameter));

    private static bool Matches(string[] patterns, Parameter parameter) =>
        Array.Exists(patterns, pattern => FileSystemName.MatchesSimpleExpression(pattern, parameter.Name, ignoreCase: false));

    private static ElementMask OnlyQueries(Parameter parameter)
    {
        bool[] learns = new bool[parameter.Count];
        Array.Fill(learns, true, 0, learns.Length / 3);
        return new ElementMask(parameter, learns);
    }
}
