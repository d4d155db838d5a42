using Hieno.Data;
using Hieno.Formats.Text;
using Hieno.Models;

namespace Hieno.Objectives;

/// <summary>How rows become what a model reads, whatever is learned of them: texts or pictures.</summary>
internal abstract class RowReader
{
    /// <summary>The output layer that gives such rows numbers.</summary>
    public abstract HeadKind Head { get; }

    /// <summary>Columns that a label may be in unless one is named.</summary>
    public abstract IReadOnlyList<string> LabelColumns { get; }

    /// <summary>True where a row is read the same way in every pass.</summary>
    public virtual bool ReadsRowsAsTheyAre => true;

    /// <summary>What it was begun with.</summary>
    protected ObjectiveContext Context { get; private set; } = null!;

    /// <summary>Makes ready.</summary>
    public virtual void Begin(ObjectiveContext context) => Context = context;

    /// <summary>Looks at rows before they are read one by one.</summary>
    public virtual void Begin(IReadOnlyList<DataRow> rows)
    {
    }

    /// <summary>Reads a row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="number">Its place among the examples.</param>
    /// <exception cref="DatasetException">It cannot be read.</exception>
    public abstract Example Read(DataRow row, int number);

    /// <summary>Says what a user should know of the rows that were read.</summary>
    public virtual void End(int rows)
    {
    }

    /// <summary>Puts rows together.</summary>
    /// <param name="examples">The rows.</param>
    /// <param name="pass">The pass over the data; null in an evaluation.</param>
    public abstract Batch Collate(IReadOnlyList<Example> examples, int? pass);
}
