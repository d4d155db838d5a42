namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Puts the columns of several tensors beside each other: channels of pictures, where the last extent counts channels.</summary>
    /// <param name="parts">At least one tensor; all extents but the last are the same.</param>
    /// <returns>[..., columns of all parts], a copy.</returns>
    /// <exception cref="ShapeException">There is no part, or extents before the last differ.</exception>
    public static Tensor ConcatenateColumns(params IReadOnlyList<Tensor> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        ShapeException.ThrowUnless(parts.Count > 0, "there are no tensors to put together.");
        int columns = 0;
        foreach (Tensor part in parts)
        {
            ThrowUnlessSingle(part, nameof(ConcatenateColumns));
            ShapeException.ThrowUnless(
                part.Shape.WithLast(1) == parts[0].Shape.WithLast(1), $"{part.Shape} cannot stand beside {parts[0].Shape}: only the last extent may differ.");
            columns = checked(columns + part.Columns);
        }

        Tensor y = Tensor.Create(parts[0].Shape.WithLast(columns), parts[0].Backend);
        int start = 0;
        foreach (Tensor part in parts)
        {
            y.Backend.Copy(part, y.ColumnRange(start, part.Columns));
            start += part.Columns;
        }

        Tensor[] inputs = [.. parts];
        return Tape.Wants(inputs) ? Tape.Record(y, new ConcatenateColumnsBackward(inputs)) : y;
    }

    // Each part receives its columns of dy.
    private sealed class ConcatenateColumnsBackward(Tensor[] parts) : Backward(parts)
    {
        public override long FlopsFor(Tensor input) => 0;

        protected override void Run(Tensor dy)
        {
            int start = 0;
            foreach (Tensor part in parts)
            {
                if (Needs(part))
                {
                    PassGrad(part, dy.ColumnRange(start, part.Columns));
                }

                start += part.Columns;
            }
        }
    }
}
