namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Puts the rows of several tensors below each other.</summary>
    /// <param name="parts">At least one tensor, all with C columns.</param>
    /// <returns>[rows of all parts, C], a copy.</returns>
    /// <exception cref="ShapeException">There is no part, or the column numbers differ.</exception>
    public static Tensor Concatenate(params IReadOnlyList<Tensor> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        ShapeException.ThrowUnless(parts.Count > 0, "there are no tensors to put together.");
        int columns = parts[0].Columns;
        int rows = 0;
        foreach (Tensor part in parts)
        {
            DTypes.ThrowIfNotF32(part);
            ShapeException.ThrowIfLastIsNot(part, columns);
            rows = checked(rows + part.Rows);
        }

        Tensor y = Tensor.Create([rows, columns], parts[0].Backend);
        int start = 0;
        foreach (Tensor part in parts)
        {
            y.Backend.Copy(part, y.RowRange(start, part.Rows));
            start += part.Rows;
        }

        Tensor[] inputs = [.. parts];
        return Tape.Wants(inputs) ? Tape.Record(y, new ConcatenateBackward(inputs)) : y;
    }

    // Each part receives its rows of dy.
    private sealed class ConcatenateBackward(Tensor[] parts) : Backward(parts)
    {
        public override long FlopsFor(Tensor input) => 0;

        protected override void Run(Tensor dy)
        {
            int start = 0;
            foreach (Tensor part in parts)
            {
                if (Needs(part))
                {
                    PassGrad(part, dy.RowRange(start, part.Rows));
                }

                start += part.Rows;
            }
        }
    }
}
