namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Multiplies each block of columns by a matrix of its own: part k of a row of the result is part k of the row times M_k.</summary>
    /// <param name="x">[..., D·b]: D blocks of b columns.</param>
    /// <param name="blocks">M_1 … M_D side by side, [b, D·b].</param>
    /// <returns>
    /// [..., D·b]. With <paramref name="x"/> of shape [b, D·b], D square matrices side by side, these are the products of the matrices, one by one.
    /// </returns>
    /// <exception cref="ShapeException"><paramref name="blocks"/> is not [b, D·b], or has another width than <paramref name="x"/>.</exception>
    public static Tensor BlockLinear(Tensor x, Tensor blocks)
    {
        ArgumentNullException.ThrowIfNull(x);
        ThrowUnlessBlocks(blocks);
        ShapeException.ThrowIfLastIsNot(x, blocks.Columns);
        DTypes.ThrowIfNotF32(x);
        Tensor y = Tensor.Create(x.Shape, x.Backend);
        ForEachBlock(blocks.Rows, blocks.Columns, (start, size) => x.Backend.MatMul(
            x.ColumnRange(start, size), false, blocks.ColumnRange(start, size), false, null, y.ColumnRange(start, size), add: false));
        Tape.Spend(2 * x.Count * blocks.Rows);
        return Tape.Wants(x, blocks) ? Tape.Record(y, new BlockLinearBackward(x, blocks)) : y;
    }

    private static void ThrowUnlessBlocks(Tensor blocks)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        ShapeException.ThrowUnless(
            blocks.Shape.Rank == 2 && blocks.Rows > 0 && blocks.Columns % blocks.Rows == 0, $"blocks has shape {blocks.Shape}, expected [b, D·b]: square matrices side by side.");
        DTypes.ThrowIfNotF32(blocks);
    }

    private static void ForEachBlock(int size, int columns, Action<int, int> body)
    {
        for (int start = 0; start < columns; start += size)
        {
            body(start, size);
        }
    }

    // In each block: dx += dy · Mᵀ, dM += xᵀ · dy.
    private sealed class BlockLinearBackward : Backward
    {
        private readonly Tensor _x;
        private readonly Tensor _blocks;

        public BlockLinearBackward(Tensor x, Tensor blocks)
            : base(x, blocks)
        {
            _x = Needs(blocks) ? Hold(x) : x;
            _blocks = Needs(x) ? Hold(blocks) : blocks;
        }

        public override long FlopsFor(Tensor input) => 2 * _x.Count * _blocks.Rows;

        protected override void Run(Tensor dy)
        {
            if (Needs(_x))
            {
                Tensor dx = GradOf(_x, out bool add);
                ForEachBlock(_blocks.Rows, _blocks.Columns, (start, size) => dy.Backend.MatMul(
                    dy.ColumnRange(start, size), false, _blocks.ColumnRange(start, size), true, null, dx.ColumnRange(start, size), add));
            }

            if (Needs(_blocks))
            {
                Tensor dm = GradOf(_blocks, out bool add);
                ForEachBlock(_blocks.Rows, _blocks.Columns, (start, size) => dy.Backend.MatMul(
                    _x.ColumnRange(start, size), true, dy.ColumnRange(start, size), false, null, dm.ColumnRange(start, size), add));
            }
        }
    }
}
