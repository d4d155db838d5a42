using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Formats.Tokenizers;
using Hieno.Models;

namespace Hieno.Objectives;

/// <summary>Predicting the next token of plain text: adapting a language model to a domain, or pretraining one. Has no settings.</summary>
public sealed record CausalLanguageModelingOptions : ObjectiveOptions
{
    /// <inheritdoc/>
    public override IObjective Create() => new CausalLanguageModeling();
}

/// <summary>Predicting the next token of plain text. Texts are joined, an end-of-text token between them, and cut into pieces of equal length.</summary>
public sealed class CausalLanguageModeling : LanguageModeling
{
    /// <inheritdoc/>
    public override IReadOnlyList<Example> Encode(IReadOnlyList<DataRow> rows, ICollection<DatasetException> invalid)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(invalid);
        var stream = new List<int>();
        foreach (DataRow row in rows)
        {
            try
            {
                Encoding encoding = Context.Tokenizer.Tokenizer.Encode(TextOf(row, Context.Data), addSpecialTokens: false);
                stream.AddRange(encoding.Ids);
                if (Context.Tokenizer.EndId is { } end)
                {
                    stream.Add(end);
                }
            }
            catch (DatasetException fault)
            {
                invalid.Add(fault);
            }
        }

        return Cut(stream, Context.MaxLength, rows.Count > 0 ? Path.GetFileName(rows[0].File) : "no rows");
    }

    /// <summary>The text of a row: the columns that were named, else <c>text</c> or <c>sentence</c>.</summary>
    /// <exception cref="DatasetException">There is no such column, or nothing is in it.</exception>
    public static string TextOf(DataRow row, DataOptions options)
    {
        ArgumentNullException.ThrowIfNull(row);
        ArgumentNullException.ThrowIfNull(options);
        string[] present = [.. options.TextColumns.Where(column => row.TryGet(column, out _))];
        string usual = row.TryGet("text", out _) || !row.TryGet("sentence", out _) ? "text" : "sentence";
        string first = options.TextColumns.Count == 0 ? usual : options.TextColumns[0];
        string text = present.Length > 1 ? string.Join('\n', present.Select(row.Text).Where(part => part.Length > 0)) : row.Text(present.Length == 1 ? present[0] : first);
        return text.Length > 0 ? text : throw row.Error(ErrorCodes.DatasetRowInvalid, $"'{first}' is empty", "Fill it, or set 'data.skipInvalid: true'");
    }

    private static List<Example> Cut(List<int> stream, int length, string source)
    {
        var examples = new List<Example>();
        for (int start = 0; start + 1 < stream.Count; start += length)
        {
            int[] ids = [.. stream.GetRange(start, Math.Min(length, stream.Count - start))];
            examples.Add(new Example { Ids = ids, TokenLabels = ids, Source = $"{source}, tokens {start} to {start + ids.Length - 1}" });
        }

        return examples;
    }
}
