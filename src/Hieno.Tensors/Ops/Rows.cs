namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Picks rows: row i of the result is row <paramref name="rows"/>[i] of <paramref name="x"/>. A row may be picked more than once.</summary>
    /// <param name="x">[..., C], seen as rows of C numbers; any storage type.</param>
    /// <param name="rows">Numbers of rows.</param>
    /// <returns>[rows.Length, C], 32-bit.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative or not below the number of rows of <paramref name="x"/>.</exception>
    public static Tensor Rows(Tensor x, int[] rows)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(rows);
        for (int i = 0; i < rows.Length; i++)
        {
            if ((uint)rows[i] >= (uint)x.Rows)
            {
                throw new ArgumentOutOfRangeException(nameof(rows), rows[i], $"Rows: row {rows[i]} was asked for at position {i}, but x {x.Shape} has {x.Rows} rows.");
            }
        }

        return Gather(x, rows, "Rows");
    }

    /// <summary>The picked rows, recorded; <paramref name="rows"/> were checked.</summary>
    private static Tensor Gather(Tensor x, int[] rows, string op)
    {
        ThrowIfTrainedBelow32Bits(x, op);
        Tensor y = Tensor.Create([rows.Length, x.Columns], x.Backend);
        x.Backend.GatherRows(x, rows, y);
        return Tape.Wants(x) ? Tape.Record(y, new RowsBackward(x, (int[])rows.Clone())) : y; // the caller may reuse its array
    }

    // Each row of dy is added to the row it came from; rows that were not picked receive zero.
    private sealed class RowsBackward(Tensor x, int[] rows) : Backward(x)
    {
        public override long FlopsFor(Tensor input) => (long)rows.Length * x.Columns;

        protected override void Run(Tensor dy)
        {
            Tensor dx = GradOf(x, out bool add);
            if (!add)
            {
                dy.Backend.Fill(dx, 0f);
            }

            dy.Backend.ScatterAddRows(dy, rows, dx);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>y[i] = x[rows[i]], expanded to 32 bits.</summary>
    public abstract void GatherRows(Tensor x, ReadOnlySpan<int> rows, Tensor y);

    /// <summary>destination[rows[i]] += source[i], for equal rows in order of i.</summary>
    public abstract void ScatterAddRows(Tensor source, ReadOnlySpan<int> rows, Tensor destination);
}
