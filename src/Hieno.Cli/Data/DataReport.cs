using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats.Text;

namespace Hieno.Cli.Data;

/// <summary>What a <see cref="DataCheck"/> found, for people and for programs.</summary>
internal static class DataReport
{
    private const int ShownRepeats = 10;

    public static void Write(DataCheck check, TextWriter output)
    {
        foreach (DatasetException fault in check.Faults)
        {
            output.WriteLine($"error {fault.Code}: {fault.Message}");
        }

        if (check.Rows.Count > 0)
        {
            int[] lengths = Lengths(check);
            output.WriteLine($"rows      {Figures.Count(check.Rows.Count)} to learn from, {Figures.Count(check.Faults.Count)} with faults");
            output.WriteLine($"tokens    {Figures.Count(lengths.Sum(length => (long)length))} in all; a row has {lengths[0]} to {lengths[^1]}, median {Quantile(lengths, 0.5)}, 95 % at most {Quantile(lengths, 0.95)}");
            output.WriteLine($"cut       {Figures.Count(lengths.Count(length => length > check.MaxLength))} rows are longer than {check.MaxLength} tokens");
            if (Learned(check) is { } learned)
            {
                output.WriteLine($"learned   {Figures.Count(learned.Learned)} of {Figures.Count(learned.All)} tokens ({Figures.Share(learned.Learned, learned.All)})");
            }

            WriteLabels(check, output);
            WriteNumbers(check, output);
        }

        WriteRepeated(check, output);
        output.WriteLine(check.Faults.Count == 0 ? "no faults" : $"{Figures.Count(check.Faults.Count)} faults");
    }

    /// <summary>Rows as the model reads them: «learned tokens» between angle quotes. Masks are drawn anew each time, so none are shown.</summary>
    public static void Preview(DataCheck check, ModelTokenizer tokenizer, int rows, TextWriter output)
    {
        foreach (CheckedRow row in check.Rows.Take(rows))
        {
            output.WriteLine();
            output.WriteLine($"{row.Row.File}, line {row.Row.Line}: {row.Tokens} tokens{(row.Tokens > check.MaxLength ? $", cut to {check.MaxLength}" : string.Empty)}{Target(check, row.Examples[0])}");
            foreach (Example example in row.Examples)
            {
                output.WriteLine("  " + string.Join(' ', example.Ids.Select((id, i) => IsLearned(example, i) ? $"«{Token(tokenizer, id)}»" : Token(tokenizer, id))));
            }
        }
    }

    public static JsonObject ToJson(DataCheck check)
    {
        int[] lengths = Lengths(check);
        return new JsonObject
        {
            ["rows"] = check.Rows.Count,
            ["faults"] = new JsonArray([.. check.Faults.Select(fault => new JsonObject
            {
                ["code"] = fault.Code, ["file"] = fault.File, ["line"] = fault.Line, ["column"] = fault.Column, ["message"] = fault.Message,
            })]),
            ["tokens"] = lengths.Length == 0 ? null : new JsonObject
            {
                ["total"] = lengths.Sum(length => (long)length),
                ["least"] = lengths[0],
                ["median"] = Quantile(lengths, 0.5),
                ["share95"] = Quantile(lengths, 0.95),
                ["most"] = lengths[^1],
                ["maxLength"] = check.MaxLength,
                ["rowsCut"] = lengths.Count(length => length > check.MaxLength),
                ["learned"] = Learned(check)?.Learned,
            },
            ["labels"] = new JsonObject(LabelCounts(check).Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Label, pair.Count))),
            ["repeated"] = new JsonArray([.. check.Repeated.Select(repeated => new JsonObject
            {
                ["line"] = repeated.Row.Line, ["first"] = repeated.First.Line, ["contradicts"] = repeated.IsContradiction,
            })]),
        };
    }

    private static void WriteLabels(DataCheck check, TextWriter output)
    {
        if (check.Labels.Count > 0)
        {
            output.WriteLine($"labels    {check.Labels.Count}");
            var table = new TextColumns("label", ">rows", ">share");
            foreach ((string label, int count) in LabelCounts(check))
            {
                table.Add(label, Figures.Count(count), Figures.Share(count, check.Rows.Count));
            }

            table.Write(output, "  ");
        }
    }

    private static void WriteNumbers(DataCheck check, TextWriter output)
    {
        float[] targets = [.. check.Rows.SelectMany(row => row.Examples).Where(_ => check.Labels.Count == 0).SelectMany(example => example.Targets ?? [])];
        if (targets.Length > 0)
        {
            output.WriteLine($"numbers   {Figures.Number(targets.Min(), 4)} to {Figures.Number(targets.Max(), 4)}, mean {Figures.Number(targets.Average(), 4)}");
        }
    }

    private static void WriteRepeated(DataCheck check, TextWriter output)
    {
        if (check.Repeated.Count > 0)
        {
            int contradictions = check.Repeated.Count(repeated => repeated.IsContradiction);
            output.WriteLine($"repeated  {Figures.Count(check.Repeated.Count)} rows say what an earlier row says{(contradictions > 0 ? $", {Figures.Count(contradictions)} of them with another label" : string.Empty)}");
            foreach (RepeatedRow repeated in check.Repeated.OrderByDescending(repeated => repeated.IsContradiction).Take(ShownRepeats))
            {
                output.WriteLine($"  line {repeated.Row.Line} as line {repeated.First.Line}{(repeated.IsContradiction ? ", with another label" : string.Empty)}");
            }

            if (check.Repeated.Count > ShownRepeats)
            {
                output.WriteLine($"  and {check.Repeated.Count - ShownRepeats} more");
            }
        }
    }

    private static int[] Lengths(DataCheck check) => [.. check.Rows.Select(row => row.Tokens).Order()];

    private static int Quantile(int[] sorted, double share) => sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];

    private static IEnumerable<(string Label, int Count)> LabelCounts(DataCheck check) => check.Labels.Select((label, i) =>
        (label, check.Rows.Count(row => row.Examples[0].Class == i || row.Examples[0].Targets?[i] > 0.5f)));

    // Null where rows and not tokens are learned, or where the tokens are drawn anew each time.
    private static (long Learned, long All)? Learned(DataCheck check)
    {
        Example[] examples = [.. check.Rows.SelectMany(row => row.Examples).Where(example => example.TokenLabels is not null)];
        return examples.Length == 0 ? null
            : (examples.Sum(example => example.Ids.Index().LongCount(token => IsLearned(example, token.Index))), examples.Sum(example => (long)example.Ids.Length));
    }

    // A row's first token is never predicted: nothing stands before it.
    private static bool IsLearned(Example example, int i) => i > 0 && example.TokenLabels is { } labels && labels[i] != Example.Ignore;

    private static string Token(ModelTokenizer tokenizer, int id) => (tokenizer.Tokenizer.IdToToken(id) ?? $"<{id}>").Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Target(DataCheck check, Example example) =>
        example.Class != Example.Ignore ? $", label {check.Labels[example.Class]}"
        : example.Targets is not { } targets ? string.Empty
        : check.Labels.Count > 0 ? $", labels {string.Join(", ", check.Labels.Where((_, i) => targets[i] > 0.5f))}"
        : $", numbers {string.Join(", ", targets.Select(target => Figures.Number(target, 4)))}";
}
