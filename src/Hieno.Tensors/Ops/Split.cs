namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Cuts each row into consecutive parts without copying: part i has <paramref name="widths"/>[i] columns.</summary>
    /// <param name="x">
    /// [..., C]; while recording it may not be used by any other operation, because the parts' gradients are written straight into its gradient.
    /// </param>
    /// <param name="widths">Widths that add up to C, e.g. query, key and value of a fused projection.</param>
    /// <returns>Views of <paramref name="x"/>, [..., widths[i]].</returns>
    /// <exception cref="ShapeException">The widths do not add up to C.</exception>
    public static Tensor[] Split(Tensor x, params ReadOnlySpan<int> widths)
    {
        ArgumentNullException.ThrowIfNull(x);
        bool record = Tape.Wants(x);
        var parts = new Tensor[widths.Length];
        int start = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            ShapeException.ThrowUnless(start + widths[i] <= x.Columns, $"the widths {string.Join(" + ", widths.ToArray())} exceed the {x.Columns} columns of {x.Shape}.");
            parts[i] = new Tensor(x.Storage, x.Shape.WithLast(widths[i]), x.DType, x.Offset + start, x.RowStride) { GradOwner = record ? x : null };
            start += widths[i];
        }

        ShapeException.ThrowUnless(start == x.Columns, $"the widths {string.Join(" + ", widths.ToArray())} do not add up to the {x.Columns} columns of {x.Shape}.");
        if (record)
        {
            x.IsSplit = true;
            var node = new SplitBackward(x, parts);
            foreach (Tensor part in parts)
            {
                Tape.Record(part, node, register: ReferenceEquals(part, parts[0]));
            }
        }

        return parts;
    }

    // The parts' gradients were written straight into columns of dx; only parts that received none must still be set to zero.
    private sealed class SplitBackward(Tensor x, Tensor[] parts) : Backward(x)
    {
        internal override bool IsReached => Array.Exists(parts, part => part.Grad is not null);

        public override long FlopsFor(Tensor input) => 0;

        protected override void Run(Tensor dy)
        {
            foreach (Tensor part in parts)
            {
                if (part.Grad is null)
                {
                    dy.Backend.Fill(GradOf(part, out _), 0f);
                }
            }
        }

        internal override void ReleaseAll()
        {
            foreach (Tensor part in parts)
            {
                part.Grad = null; // the memory belongs to the gradient of x
            }
        }

        internal override void RunFromTape() => Run(Array.Find(parts, part => part.Grad is not null)!.Grad!);
    }
}
