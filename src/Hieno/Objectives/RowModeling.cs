using System.Text.Json.Nodes;
using Hieno.Data;
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
                cut += encoding.Length > Context.MaxLength ? 1 : 0;
                examples.Add(Label(row, Shorten(encoding, row)));
            }
            catch (DatasetException fault)
            {
                invalid.Add(fault);
            }
        }

        if (cut > 0)
        {
            Context.Log($"{cut} of {rows.Count} rows were longer than {Context.MaxLength} tokens and were cut at the end");
        }

        return examples;
    }

    /// <inheritdoc/>
    public Batch Collate(IReadOnlyList<Example> examples, Rng rng, ulong draw) => new(examples);

    /// <inheritdoc/>
    public abstract double TargetWeight(Batch batch);

    /// <inheritdoc/>
    public abstract Tensor Loss(TextModel model, Batch batch, float scale);

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

    // Special tokens at the end, such as [SEP], are kept when a long row is cut.
    private Example Shorten(Encoding encoding, DataRow row)
    {
        (int[] ids, int[] types) = (encoding.Ids, encoding.TypeIds);
        if (ids.Length > Context.MaxLength)
        {
            int tail = 0;
            while (tail < ids.Length && encoding.SpecialTokensMask[ids.Length - 1 - tail] == 1)
            {
                tail++;
            }

            int kept = Context.MaxLength - tail;
            (ids, types) = ([.. ids[..kept], .. ids[^tail..]], [.. types[..kept], .. types[^tail..]]);
        }

        if (ids.Length == 0)
        {
            throw row.Error(Formats.ErrorCodes.DatasetRowInvalid, "the text has no token that the model knows", "Fill the text, or set 'data.skipInvalid: true'");
        }

        return new Example { Ids = ids, TokenTypes = Array.TrueForAll(types, type => type == 0) ? null : types, Source = $"{Path.GetFileName(row.File)}, line {row.Line}" };
    }
}
