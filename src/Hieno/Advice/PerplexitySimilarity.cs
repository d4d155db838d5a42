using Hieno.Data;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Tensors;
using Hieno.Training;

namespace Hieno.Advice;

/// <summary>How well the base model predicts a sample of the rows, beside the simplest model of the same tokens: their frequencies.</summary>
/// <remarks>
/// The score is 1 − loss / reference, at least 0. The reference is the loss of frequencies counted on the sample's other tokens, with one added
/// to each count: −Σ c/N·ln(c / (N − 1 + V)) for c occurrences of a token, N tokens and V entries of the vocabulary. Hieno's own rule.
/// </remarks>
internal static class PerplexitySimilarity
{
    private const int MostTokens = 16_384;
    private const int BatchSize = 4;

    /// <summary>Measures a sample of the rows.</summary>
    /// <param name="model">The base model, with its language head.</param>
    /// <param name="objective">Which tokens are learned.</param>
    /// <param name="train">The training rows; a sample of them is read.</param>
    /// <param name="seed">The seed of the sample.</param>
    public static Similarity Measure(TextModel model, IObjective objective, IReadOnlyList<Example> train, ulong seed)
    {
        List<Example> rows = Sample(train, seed);
        int[] learned = [.. Evaluation.Batches(objective, rows, BatchSize, seed).SelectMany(batch => batch.Labels).Where(label => label != Example.Ignore)];
        IMetric metric = BuiltInMetrics.Find("loss");
        double loss = Evaluation.Run(model, objective, rows, [metric], BatchSize, seed).Values[metric.Name];
        double reference = Reference(learned, model.Backbone.VocabularySize);
        return new Similarity(
            Math.Clamp(1 - (loss / reference), 0, 1),
            FormattableString.Invariant($"the base's perplexity on {learned.Length} tokens of the rows is {Math.Exp(loss):0.0}; that of the tokens' frequencies alone is {Math.Exp(reference):0.0}"));
    }

    /// <summary>The mean loss of each token under the frequencies of all others.</summary>
    internal static double Reference(IReadOnlyList<int> tokens, int vocabulary) => tokens.GroupBy(token => token)
        .Sum(group => -(double)group.Count() / tokens.Count * Math.Log(group.Count() / (tokens.Count - 1.0 + vocabulary)));

    private static List<Example> Sample(IReadOnlyList<Example> train, ulong seed)
    {
        var rows = new List<Example>();
        int tokens = 0;
        foreach (int i in new Rng(seed, RngStream.Split).Permutation(train.Count, 4))
        {
            tokens += train[i].Ids.Length;
            if (rows.Count > 0 && tokens > MostTokens)
            {
                break;
            }

            rows.Add(train[i]);
        }

        return rows;
    }
}
