namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Inverts square matrices.</summary>
    /// <param name="blocks">M_1 … M_D side by side, [b, D·b]; meant for small b, since it costs b³ for each.</param>
    /// <returns>Their inverses in the same places, [b, D·b], computed in double precision; numbers that are not finite where a matrix has none.</returns>
    /// <exception cref="ShapeException"><paramref name="blocks"/> is not [b, D·b].</exception>
    public static Tensor BlockInverse(Tensor blocks)
    {
        ThrowUnlessBlocks(blocks);
        Tensor y = Tensor.Create(blocks.Shape, blocks.Backend);
        blocks.Backend.BlockInverse(blocks, y);
        Tape.Spend(2 * blocks.Count * blocks.Rows);
        return Tape.Wants(blocks) ? Tape.Record(y, new BlockInverseBackward(blocks, y)) : y;
    }

    // In each block, with Y = M⁻¹: dM += −Yᵀ · dY · Yᵀ. The result is kept, not M.
    private sealed class BlockInverseBackward : Backward
    {
        private readonly Tensor _blocks;
        private readonly Tensor _y;

        public BlockInverseBackward(Tensor blocks, Tensor y)
            : base(blocks) => (_blocks, _y) = (blocks, Hold(y));

        public override long FlopsFor(Tensor input) => 4 * _blocks.Count * _blocks.Rows;

        protected override void Run(Tensor dy)
        {
            Tensor dm = GradOf(_blocks, out bool add);
            Tensor right = Tensor.CreateLongLived([_blocks.Rows, _blocks.Rows], DType.F32, dy.Backend);
            Tensor both = Tensor.CreateLongLived([_blocks.Rows, _blocks.Rows], DType.F32, dy.Backend);
            ForEachBlock(_blocks.Rows, _blocks.Columns, (start, size) =>
            {
                Tensor y = _y.ColumnRange(start, size);
                dy.Backend.MatMul(dy.ColumnRange(start, size), false, y, true, null, right, add: false);
                dy.Backend.MatMul(y, true, right, false, null, both, add: false);
                dy.Backend.Scale(both, -1f, dm.ColumnRange(start, size), add);
            });
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.BlockInverse"/>: y_k = x_k⁻¹ for square matrices side by side.</summary>
    public abstract void BlockInverse(Tensor x, Tensor y);
}
