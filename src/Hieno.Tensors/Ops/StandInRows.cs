namespace Hieno.Tensors;

/// <summary>Rows that stand in for some rows of a matrix, such as those of tokens that are new to a table.</summary>
public sealed class StandInRows
{
    private readonly int[] _ids;

    /// <summary>Names the rows.</summary>
    /// <param name="values">The rows, [n, C].</param>
    /// <param name="ids">Which rows of the matrix they stand in for, rising.</param>
    /// <exception cref="ArgumentException">There is not one id for each row, or the ids do not rise.</exception>
    public StandInRows(Tensor values, IReadOnlyList<int> ids)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(ids);
        if (values.Rows != ids.Count || Enumerable.Range(1, Math.Max(0, ids.Count - 1)).Any(i => ids[i] <= ids[i - 1]))
        {
            throw new ArgumentException($"{values.Rows} rows need as many ids that rise; given were [{string.Join(", ", ids)}].", nameof(ids));
        }

        (Values, _ids) = (values, [.. ids]);
    }

    /// <summary>The rows, [n, C].</summary>
    public Tensor Values { get; }

    /// <summary>The rows in runs whose ids follow one another, each with its first id.</summary>
    internal IEnumerable<(Tensor Values, int Id)> Runs()
    {
        for (int start = 0, end; start < _ids.Length; start = end)
        {
            end = start + 1;
            while (end < _ids.Length && _ids[end] == _ids[end - 1] + 1)
            {
                end++;
            }

            yield return (Values.RowRange(start, end - start), _ids[start]);
        }
    }

    internal void ThrowUnlessFit(Tensor matrix) => ShapeException.ThrowUnless(
        Values.Columns == matrix.Columns && (_ids.Length == 0 || (_ids[0] >= 0 && _ids[^1] < matrix.Rows)),
        $"rows {Values.Shape} with ids up to {(_ids.Length == 0 ? -1 : _ids[^1])} cannot stand in for rows of {matrix.Shape}.");
}
