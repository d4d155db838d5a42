using Hieno.Recipes;

namespace Hieno.Tests.Recipes;

// Recipes with any value in any setting.
internal static class RandomRecipe
{
    public static TestRecipe Next(Random r) => new()
    {
        Base = Text(r),
        Output = Text(r),
        Comment = r.Next(3) == 0 ? null : Text(r),
        Data = new DataGroup
        {
            Train = List(r, 0, Text),
            Validation = r.Next(2) == 0 ? Share.OfCount(r.Next()) : Share.OfFraction(r.NextDouble()),
            Columns = List(r, 0, Text).Distinct(StringComparer.Ordinal).ToDictionary(k => k, _ => Text(r)),
        },
        Tuning = r.Next(2) == 0
            ? new FullGroup { Embeddings = r.Next(2) == 0, Dropout = r.NextSingle() }
            : new LoraGroup { Rank = r.Next(1, 1025), Alpha = 0.001f + (r.NextSingle() * 1e5f), Targets = List(r, 1, Text) },
        Training = new TrainingGroup
        {
            Epochs = r.Next(1, 1001),
            BatchSize = r.Next(1, int.MaxValue),
            MaxSteps = r.Next(2) == 0 ? null : r.NextInt64(long.MinValue, long.MaxValue),
            Seed = (ulong)r.NextInt64() * 2,
            LearningRate = 1 - r.NextDouble(),
            Pooling = (Pooling)r.Next(4),
            Precision = "bf16",
            Decays = List(r, 0, x => x.NextSingle() * 0.1f),
            Schedule = r.Next(3) switch { 0 => null, 1 => new ConstantGroup(), _ => new CosineGroup { Warmup = Share.OfFraction(r.NextDouble()) } },
            EarlyStopping = r.Next(2) == 0 ? null : new StoppingGroup { Patience = r.Next(1, 101) },
        },
        Metrics = List(r, 0, x => x.Next(2) == 0 ? (MetricGroup)new PerplexityGroup() : new RougeGroup { Order = x.Next() }),
    };

    private static List<T> List<T>(Random r, int least, Func<Random, T> next) => [.. Enumerable.Range(0, r.Next(least, 4)).Select(_ => next(r))];

    // Texts that a careless writer or reader would take for something else.
    private static string Text(Random r)
    {
        string[] words =
        [
            "a", "null", "~", "", "true", "No", "1", "1e3", "0x10", ".nan", "- a", "a: b", "a #b", "#", "'", "\"", "\\", "[", "{a}", "&x", "*x", "!t", "%", "@", "`",
            " a ", "\t", "a\nb", "a\r\nb", "\n", "ä€𐍈", "\u0001", "\u0085", "\u2028", "\uFEFF", "---", "...", "?", ":", "|", ">", "<<", "=", "\0", "\ue000",
        ];
        return r.Next(2) == 0 ? words[r.Next(words.Length)] : string.Concat(Enumerable.Range(0, r.Next(1, 30)).Select(_ => words[r.Next(words.Length)]));
    }
}
