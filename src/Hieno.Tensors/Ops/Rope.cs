namespace Hieno.Tensors;

/// <summary>Which lanes of a head are rotated together.</summary>
public enum RopeLayout
{
    /// <summary>Lane i with lane i + width/2: checkpoints in the Hugging Face layout (Llama, Qwen, Gemma, Mistral, GPT-NeoX).</summary>
    HalfSplit,

    /// <summary>Lane 2i with lane 2i + 1: GPT-J, and the original formulation.</summary>
    Interleaved,
}

public static partial class Ops
{
    /// <summary>Rotary position embedding: turns pairs of lanes of each head by an angle proportional to the token's position.</summary>
    /// <param name="x">Queries or keys, [N, heads · D]; rows may be strided.</param>
    /// <param name="table">Cosines and sines; its width is the number of rotated lanes of each head, the others stay as they are.</param>
    /// <param name="positions">The position of each row; kept for the backward pass, so it must not be changed before.</param>
    /// <param name="headWidth">Lanes D of a head.</param>
    /// <param name="layout">Which lanes make a pair.</param>
    /// <returns>A rotated copy, [N, heads · D].</returns>
    /// <exception cref="ShapeException">
    /// The columns are not whole heads, heads are narrower than the table, or the positions are not one a row.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">A position is negative.</exception>
    /// <remarks>Su et al. 2021, <see href="https://arxiv.org/abs/2104.09864"/>, equation 34.</remarks>
    public static Tensor Rope(Tensor x, RopeTable table, int[] positions, int headWidth, RopeLayout layout = RopeLayout.HalfSplit)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(positions);
        ArgumentOutOfRangeException.ThrowIfLessThan(headWidth, 1);
        DTypes.ThrowIfNotF32(x);
        ShapeException.ThrowUnless(x.Columns % headWidth == 0, $"x {x.Shape} cannot be cut into heads of {headWidth}.");
        ShapeException.ThrowUnless(table.Width <= headWidth, $"the table rotates {table.Width} lanes, but heads have {headWidth}.");
        ShapeException.ThrowUnless(positions.Length == x.Rows, $"x has {x.Rows} rows, but there are {positions.Length} positions.");

        int last = -1;
        foreach (int position in positions)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(position, nameof(positions));
            last = Math.Max(last, position);
        }

        RopeTable.Values values = table.AtLeast(checked(last + 1));
        Tensor y = Tensor.Create(x.Shape, x.Backend);
        x.Backend.Rope(x, values.Cos, values.Sin, positions, headWidth, layout, inverse: false, y, add: false);
        Tape.Spend(6L * x.Rows * (x.Columns / headWidth) * values.Cos.Columns);
        return Tape.Wants(x) ? Tape.Record(y, new RopeBackward(x, values, positions, headWidth, layout)) : y;
    }

    // A rotation's derivative is the rotation by the opposite angle; the attention factor scales both alike.
    private sealed class RopeBackward(Tensor x, RopeTable.Values values, int[] positions, int headWidth, RopeLayout layout) : Backward(x)
    {
        public override long FlopsFor(Tensor input) => 6L * x.Rows * (x.Columns / headWidth) * values.Cos.Columns;

        protected override void Run(Tensor dy)
        {
            Tensor dx = GradOf(x, out bool add);
            dy.Backend.Rope(dy, values.Cos, values.Sin, positions, headWidth, layout, inverse: true, dx, add);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>
    /// Kernel of <see cref="Ops.Rope"/> and, with <paramref name="inverse"/>, of its derivative: y (+)= x rotated by ± the angles whose
    /// cosines and sines stand in the rows <paramref name="positions"/> of <paramref name="cos"/> and <paramref name="sin"/>.
    /// </summary>
    public abstract void Rope(
        Tensor x, Tensor cos, Tensor sin, int[] positions, int headWidth, RopeLayout layout, bool inverse, Tensor y, bool add);
}
