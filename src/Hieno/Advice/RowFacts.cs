using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Hieno.Data;
using Hieno.Formats.Tokenizers;
using Hieno.Objectives;

namespace Hieno.Advice;

/// <summary>What the rows of a run hold, in numbers.</summary>
internal sealed record RowFacts
{
    /// <summary>Rows to train on (pieces of text, where texts are cut into pieces).</summary>
    public required int Train { get; init; }

    /// <summary>Rows to watch.</summary>
    public int Validation { get; init; }

    /// <summary>Rows for the report.</summary>
    public int Test { get; init; }

    /// <summary>Tokens of each training row, longest first.</summary>
    public IReadOnlyList<int> Lengths { get; init; } = [];

    /// <summary>Tokens that are learned, of all training rows; 0 where rows and not tokens are learned.</summary>
    public long LearnedTokens { get; init; }

    /// <summary>Training rows that were longer than the model may read, and were cut.</summary>
    public int Cut { get; init; }

    /// <summary>Training rows of each label; empty where rows have no single label.</summary>
    public IReadOnlyDictionary<string, int> Labels { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal);

    /// <summary>Training rows that teach the model to stop: a token that ends texts or turns is among those that are learned.</summary>
    public int WithLearnedEnd { get; init; }

    /// <summary>Training rows that begin with the same special token twice.</summary>
    public int WithDoubleStart { get; init; }

    /// <summary>Validation and test rows that say what a training row says.</summary>
    public int Leaked { get; init; }

    /// <summary>The largest standard deviation of the numbers to predict; null where there are none.</summary>
    public double? Deviation { get; init; }

    /// <summary>All tokens of the training rows.</summary>
    public long Tokens => Lengths.Sum(length => (long)length);

    /// <summary>Looks through the rows.</summary>
    public static RowFacts Of(IObjective objective, ModelTokenizer? tokenizer, IReadOnlyList<Example> train, IReadOnlyList<Example> validation, IReadOnlyList<Example> test)
    {
        HashSet<string> seen = [.. train.Select(KeyOf)];
        return new RowFacts
        {
            Train = train.Count,
            Validation = validation.Count,
            Test = test.Count,
            Lengths = [.. train.Select(example => example.Ids.Length).OrderDescending()],
            LearnedTokens = train.Sum(example => (long)(example.TokenLabels ?? []).Count(label => label != Example.Ignore)),
            Cut = train.Count(example => example.IsCut),
            Labels = LabelsOf(objective, train),
            WithLearnedEnd = train.Count(example => (example.TokenLabels ?? []).Any(label => label == tokenizer?.EndId || IsSpecial(tokenizer, label))),
            WithDoubleStart = train.Count(example => example.Ids.Length > 1 && example.Ids[0] == example.Ids[1] && IsSpecial(tokenizer, example.Ids[0])),
            Leaked = validation.Concat(test).Count(example => seen.Contains(KeyOf(example))),
            Deviation = objective is Regression ? Deviations(train).Max() : null,
        };
    }

    private static bool IsSpecial(ModelTokenizer? tokenizer, int id) =>
        tokenizer is not null && tokenizer.Tokenizer.AddedTokens.TryGetValue(id, out AddedToken? token) && token.Special;

    private static string KeyOf(Example example) => example.Picture is { } picture ? picture.Source : Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(example.Ids.AsSpan())));

    private static Dictionary<string, int> LabelsOf(IObjective objective, IReadOnlyList<Example> train)
    {
        if (objective is not Classification classification)
        {
            return new Dictionary<string, int>(StringComparer.Ordinal);
        }

        int[] counts = new int[classification.Labels.Count];
        foreach (Example example in train)
        {
            counts[example.Class]++;
        }

        return classification.Labels.Names.Zip(counts).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);
    }

    // One for each of the numbers that a row has.
    private static IEnumerable<double> Deviations(IReadOnlyList<Example> train) => Enumerable.Range(0, train[0].Targets!.Length).Select(i =>
    {
        double[] values = [.. train.Select(example => (double)example.Targets![i])];
        double mean = values.Average();
        return Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / values.Length);
    });
}
