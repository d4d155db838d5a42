using System.Text.Json.Nodes;
using Hieno.Formats;

namespace Hieno.Cli.Data;

/// <summary>What a <see cref="PictureCheck"/> found, for people and for programs.</summary>
internal static class PictureReport
{
    private const int ShownPairs = 10;

    public static void Write(PictureCheck check, TextWriter output)
    {
        foreach (HienoException fault in check.Faults)
        {
            output.WriteLine($"error {fault.Code}: {fault.Message}");
        }

        if (check.Pictures.Count > 0)
        {
            int all = check.Pictures.Count;
            int grey = check.Pictures.Count(picture => picture.IsGrey);
            int alpha = check.Pictures.Count(picture => picture.HasAlpha);
            output.WriteLine($"pictures  {Figures.Count(all)} to learn from, {Figures.Count(check.Faults.Count)} with faults");
            output.WriteLine($"width     {Spread(check.Pictures.Select(picture => picture.Width))}");
            output.WriteLine($"height    {Spread(check.Pictures.Select(picture => picture.Height))}");
            output.WriteLine($"colours   {Figures.Count(all - grey)} with colours, {Figures.Count(grey)} grey, {Figures.Count(alpha)} with alpha{(alpha > 0 ? ", which is left out" : string.Empty)}");
            WriteLabels(check, output);
        }

        WritePairs("repeated", "pictures show what an earlier picture shows, pixel by pixel", check.Repeated, output);
        WritePairs("leaks", "pictures are in the other set as well: a test with them measures memory", check.Leaks, output);
        output.WriteLine(check.Faults.Count == 0 ? "no faults" : $"{Figures.Count(check.Faults.Count)} faults");
    }

    public static JsonObject ToJson(PictureCheck check) => new()
    {
        ["pictures"] = check.Pictures.Count,
        ["faults"] = new JsonArray([.. check.Faults.Select(fault => new JsonObject { ["code"] = fault.Code, ["message"] = fault.Message })]),
        ["width"] = SpreadJson(check.Pictures.Select(picture => picture.Width)),
        ["height"] = SpreadJson(check.Pictures.Select(picture => picture.Height)),
        ["grey"] = check.Pictures.Count(picture => picture.IsGrey),
        ["alpha"] = check.Pictures.Count(picture => picture.HasAlpha),
        ["labels"] = new JsonObject(Counts(check).Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Label, pair.Count))),
        ["repeated"] = PairsJson(check.Repeated),
        ["leaks"] = PairsJson(check.Leaks),
    };

    private static void WriteLabels(PictureCheck check, TextWriter output)
    {
        (string Label, int Count)[] counts = [.. Counts(check)];
        output.WriteLine($"labels    {counts.Length}{(check.Pictures.Any(picture => picture.Row.Label is null) ? ", and pictures without one" : string.Empty)}");
        var table = new TextColumns("label", ">pictures", ">share");
        foreach ((string label, int count) in counts)
        {
            table.Add(label, Figures.Count(count), Figures.Share(count, check.Pictures.Count));
        }

        table.Write(output, "  ");
    }

    private static void WritePairs(string name, string fact, IReadOnlyList<SamePicture> pairs, TextWriter output)
    {
        if (pairs.Count == 0)
        {
            return;
        }

        int contradictions = pairs.Count(pair => pair.IsContradiction);
        output.WriteLine($"{name,-8}  {Figures.Count(pairs.Count)} {fact}{(contradictions > 0 ? $"; {Figures.Count(contradictions)} of them with another label" : string.Empty)}");
        foreach (SamePicture pair in pairs.OrderByDescending(pair => pair.IsContradiction).Take(ShownPairs))
        {
            output.WriteLine($"  {pair.Row.Source} as {pair.Other.Source}{(pair.IsContradiction ? $", labels {pair.Row.Label} and {pair.Other.Label}" : string.Empty)}");
        }

        if (pairs.Count > ShownPairs)
        {
            output.WriteLine($"  and {pairs.Count - ShownPairs} more");
        }
    }

    private static IEnumerable<(string Label, int Count)> Counts(PictureCheck check)
    {
        Dictionary<string, int> counts = check.Pictures.Where(picture => picture.Row.Label is not null).CountBy(picture => picture.Row.Label!).ToDictionary(StringComparer.Ordinal);
        return check.Classes.Select(label => (label, counts.GetValueOrDefault(label)));
    }

    private static string Spread(IEnumerable<int> sizes)
    {
        int[] sorted = [.. sizes.Order()];
        return sorted[0] == sorted[^1] ? $"{sorted[0]} pixels" : $"{sorted[0]} to {sorted[^1]} pixels, median {sorted[sorted.Length / 2]}";
    }

    private static JsonObject? SpreadJson(IEnumerable<int> sizes)
    {
        int[] sorted = [.. sizes.Order()];
        return sorted.Length == 0 ? null : new JsonObject { ["least"] = sorted[0], ["median"] = sorted[sorted.Length / 2], ["most"] = sorted[^1] };
    }

    private static JsonArray PairsJson(IReadOnlyList<SamePicture> pairs) => new([.. pairs.Select(pair => new JsonObject
    {
        ["picture"] = pair.Row.Source, ["other"] = pair.Other.Source, ["contradicts"] = pair.IsContradiction,
    })]);
}
