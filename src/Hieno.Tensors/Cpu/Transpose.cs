using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of the transposition.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Transpose(Tensor x, Tensor y, bool add)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        int strips = (y.Rows + TransposeKernel.Edge - 1) / TransposeKernel.Edge;
        For(strips, Math.Max(1, ElementsPerTask / Math.Max(1, TransposeKernel.Edge * y.Columns)), new TransposeKernel(x, y, add));
        KeepAlive(x, y);
    }

    /// <summary>Goes through square tiles, so that the cache lines that one side reads across are used up before they are evicted. Items are strips of rows of y.</summary>
    private readonly struct TransposeKernel(Tensor x, Tensor y, bool add) : IKernel
    {
        public const int Edge = 16;

        private readonly Matrix _x = Matrix.Of(x);
        private readonly float* _y = (float*)y.Pointer;
        private readonly long _stride = y.RowStride;
        private readonly bool _add = add;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long strip = start; strip < end; strip++)
            {
                int first = (int)strip * Edge;
                int last = Math.Min(_x.Columns, first + Edge);
                for (int row = 0; row < _x.Rows; row += Edge)
                {
                    Tile(first, last, row, Math.Min(_x.Rows, row + Edge));
                }
            }
        }

        private void Tile(int firstColumn, int lastColumn, int firstRow, int lastRow)
        {
            for (int column = firstColumn; column < lastColumn; column++)
            {
                float* to = _y + (column * _stride);
                for (int row = firstRow; row < lastRow; row++)
                {
                    float value = _x[row, column];
                    to[row] = _add ? to[row] + value : value;
                }
            }
        }
    }
}
