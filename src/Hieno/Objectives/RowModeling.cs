using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Formats.Tokenizers;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Objectives;

/// <summary>What all objectives that give each row numbers share: reading a text or a pair, and batches of whole rows.</summary>
public abstract class RowModeling : IObjective
{
    /// <inheritdoc/>
    public abstract HeadChoice Head { get; }

    /// <inheritdoc/>
    public abstract IReadOnlyList<string> DefaultMetrics { get; }

    /// <summary>What <see cref="Prepare"/> was given.</summary>
    protected ObjectiveContext Context { get; private set; } = null!;

    /// <inheritdoc/>
    public virtual void Prepare(ObjectiveContext context, IReadOnlyList<DataRow> train) => Context = context;

    /// <inheritdoc/>
    public IReadOnlyList<Example> Encode(IReadOnlyList<DataRow> rows, ICollection<DatasetException> invalid)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(invalid);
        var examples = new List<Example>(rows.Count);
        int cut = 0;
        foreach (DataRow row in rows)
        {
            try
            {
                Encoding encoding = ReadText(row);
                bool isCut = encoding.Length > Context.MaxLength;
                if (isCut)
                {
                    cut++;
                    encoding = ReadShortened(row, specials: encoding.SpecialTokensMask.Sum());
                }

                examples.Add(Label(row, ToExample(row, encoding) with { IsCut = isCut }));
            }
            catch (DatasetException fault)
            {
                invalid.Add(fault);
            }
        }

        if (cut > 0)
        {
            Context.Log($"{cut} of {rows.Count} rows were longer than {Context.MaxLength} tokens and were cut at their end");
        }

        return examples;
    }

    /// <inheritdoc/>
    public Batch Collate(IReadOnlyList<Example> examples, Rng rng, ulong draw) => new(examples);

    /// <inheritdoc/>
    public abstract double TargetWeight(Batch batch);

    /// <inheritdoc/>
    public abstract Tensor Loss(PretrainedModel model, Batch batch, float scale);

    /// <inheritdoc/>
    public abstract IPredictionCollector Collect();

    /// <inheritdoc/>
    public abstract void Describe(JsonObject config);

    /// <summary>Adds what the row is to teach.</summary>
    /// <exception cref="DatasetException">The label is missing or unknown.</exception>
    protected abstract Example Label(DataRow row, Example example);

    /// <summary>The column with the label: the one that was named, else the first of the usual names that the row has.</summary>
    protected string LabelColumn(DataRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return Context.Data.LabelColumn ?? Array.Find(["label", "category", "labels", "target", "score"], column => row.TryGet(column, out _)) ?? "label";
    }

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
