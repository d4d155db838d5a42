using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Formats.Tokenizers;
using Hieno.Models;

namespace Hieno.Objectives;

/// <summary>Reads a text or a pair of texts.</summary>
internal sealed class TextRows : RowReader
{
    private int _cut;

    /// <inheritdoc/>
    public override HeadKind Head => HeadKind.Classification;

    /// <inheritdoc/>
    public override IReadOnlyList<string> LabelColumns => ["label", "category", "labels", "target", "score"];

    /// <inheritdoc/>
    public override void Begin(IReadOnlyList<DataRow> rows) => _cut = 0;

    /// <inheritdoc/>
    public override Example Read(DataRow row, int number)
    {
        Encoding encoding = ReadText(row);
        bool isCut = encoding.Length > Context.MaxLength;
        if (isCut)
        {
            _cut++;
            encoding = ReadShortened(row, specials: encoding.SpecialTokensMask.Sum());
        }

        return ToExample(row, encoding) with { IsCut = isCut };
    }

    /// <inheritdoc/>
    public override void End(int rows)
    {
        if (_cut > 0)
        {
            Context.Log($"{_cut} of {rows} rows were longer than {Context.MaxLength} tokens and were cut at their end");
        }
    }

    /// <inheritdoc/>
    public override Batch Collate(IReadOnlyList<Example> examples, int? pass) => new(examples);

    private Encoding ReadText(DataRow row)
    {
        string text = CausalLanguageModeling.TextOf(row, Context.Data);
        return Context.Data.PairColumn is { } pair
            ? Context.Tokenizer.Tokenizer.EncodePair(text, row.Text(pair))
            : Context.Tokenizer.Tokenizer.Encode(text);
    }

    // Special tokens such as [SEP] are kept, and of a pair the longer text is cut first.
    private Encoding ReadShortened(DataRow row, int specials)
    {
        if (specials >= Context.MaxLength)
        {
            throw row.Error(ErrorCodes.DatasetRowInvalid, $"'data.maxLength' is {Context.MaxLength}, which the {specials} special tokens fill alone", "Raise it");
        }

        Tokenizer tokenizer = Context.Tokenizer.Tokenizer;
        tokenizer.Truncation = new Truncation(Context.MaxLength);
        try
        {
            return ReadText(row);
        }
        finally
        {
            tokenizer.Truncation = null;
        }
    }

    private Example ToExample(DataRow row, Encoding encoding) => encoding.Length > 0
        ? new Example
        {
            Ids = encoding.Ids,
            TokenTypes = Array.TrueForAll(encoding.TypeIds, type => type == 0) ? null : encoding.TypeIds,
            Task = Context.TaskOf(row),
            Source = $"{Path.GetFileName(row.File)}, line {row.Line}",
        }
        : throw row.Error(ErrorCodes.DatasetRowInvalid, "the text has no token that the model knows", "Fill the text, or set 'data.skipInvalid: true'");
}
