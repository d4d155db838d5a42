using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Text;

namespace Hieno.Scoring;

/// <summary>One of the texts between which a recogniser or translator could not decide.</summary>
/// <param name="Text">The text.</param>
/// <param name="Score">Its score in the first pass, a natural logarithm: higher is better.</param>
public sealed record Candidate(string Text, double Score);

/// <summary>The best candidates of a first pass for one utterance.</summary>
/// <param name="Candidates">At least one.</param>
/// <param name="Reference">What was said, or null where it is not known.</param>
public sealed record NBestList(IReadOnlyList<Candidate> Candidates, string? Reference)
{
    /// <summary>The column that tells such rows from others.</summary>
    public const string Column = "candidates";

    /// <summary>Reads a row <c>{"reference": "…", "candidates": [{"text": "…", "score": -12.3}, …]}</c>.</summary>
    /// <exception cref="DatasetException">The row has no candidates, or one has no text or no score.</exception>
    public static NBestList Read(DataRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        JsonElement list = row.Require(Column);
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
        {
            throw row.Error(ErrorCodes.DatasetColumnType, $"'{Column}' is not a list of candidates", "Give a list with at least one {\"text\": …, \"score\": …}");
        }

        var candidates = new List<Candidate>();
        foreach (JsonElement item in list.EnumerateArray())
        {
            string text = Property(item, "text", JsonValueKind.String)?.GetString() ?? string.Empty;
            JsonElement? score = Property(item, "score", JsonValueKind.Number);
            candidates.Add(score is { } number && !string.IsNullOrWhiteSpace(text)
                ? new Candidate(text, number.GetDouble())
                : throw row.Error(ErrorCodes.DatasetRowInvalid, $"candidate {candidates.Count + 1} has no 'text' with a word in it, or no number 'score'", "Give each candidate both"));
        }

        return new NBestList(candidates, row.TryGet("reference", out _) ? row.Text("reference") : null);
    }

    private static JsonElement? Property(JsonElement item, string name, JsonValueKind kind) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out JsonElement value) && value.ValueKind == kind ? value : null;
}
