using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats.Text;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Objectives;

/// <summary>What all objectives that give each row numbers share: reading texts or pictures, and batches of whole rows.</summary>
public abstract class RowModeling : IObjective
{
    /// <summary>Reads texts.</summary>
    protected RowModeling()
        : this(new TextRows())
    {
    }

    private protected RowModeling(RowReader reader) => Reader = reader;

    /// <inheritdoc/>
    public abstract HeadChoice Head { get; }

    /// <inheritdoc/>
    public abstract IReadOnlyList<string> DefaultMetrics { get; }

    /// <summary>What <see cref="Prepare"/> was given.</summary>
    protected ObjectiveContext Context { get; private set; } = null!;

    /// <inheritdoc/>
    public bool ReadsRowsAsTheyAre => Reader.ReadsRowsAsTheyAre;

    /// <summary>How rows are read.</summary>
    private protected RowReader Reader { get; }

    /// <inheritdoc/>
    public virtual void Prepare(ObjectiveContext context, IReadOnlyList<DataRow> train)
    {
        Context = context;
        Reader.Begin(context);
    }

    /// <inheritdoc/>
    public IReadOnlyList<Example> Encode(IReadOnlyList<DataRow> rows, ICollection<DatasetException> invalid)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(invalid);
        var examples = new List<Example>(rows.Count);
        Reader.Begin(rows);
        foreach (DataRow row in rows)
        {
            try
            {
                examples.Add(Label(row, Reader.Read(row, examples.Count)));
            }
            catch (DatasetException fault)
            {
                invalid.Add(fault);
            }
        }

        Reader.End(rows.Count);
        return examples;
    }

    /// <inheritdoc/>
    public Batch Collate(IReadOnlyList<Example> examples, Rng rng, ulong draw) => Reader.Collate(examples, pass: null);

    /// <inheritdoc/>
    public Batch Collate(IReadOnlyList<Example> examples, Rng rng, ulong draw, int? pass) => Reader.Collate(examples, pass);

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
        return Context.Data.LabelColumn ?? Reader.LabelColumns.FirstOrDefault(column => row.TryGet(column, out _)) ?? "label";
    }
}
