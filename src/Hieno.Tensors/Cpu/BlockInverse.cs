using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of the inverses of small square matrices.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void BlockInverse(Tensor x, Tensor y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        For(x.Columns / x.Rows, 1, new BlockInverseKernel(x, y));
        KeepAlive(x, y);
    }

    /// <summary>Gauss and Jordan with exchanges of rows, in double precision; items are matrices.</summary>
    private readonly struct BlockInverseKernel(Tensor x, Tensor y) : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly long _xStride = x.RowStride;
        private readonly float* _y = (float*)y.Pointer;
        private readonly long _yStride = y.RowStride;
        private readonly int _size = x.Rows;

        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            double[] rows = new double[_size * 2 * _size]; // the matrix, and beside it the unit matrix that becomes the inverse
            for (long block = start; block < end; block++)
            {
                Load(rows, block * _size);
                for (int column = 0; column < _size; column++)
                {
                    Eliminate(rows, column);
                }

                Store(rows, block * _size);
            }
        }

        private void Load(double[] rows, long first)
        {
            Array.Clear(rows);
            for (int r = 0; r < _size; r++)
            {
                for (int c = 0; c < _size; c++)
                {
                    rows[(r * 2 * _size) + c] = _x[(r * _xStride) + first + c];
                }

                rows[(r * 2 * _size) + _size + r] = 1;
            }
        }

        private void Store(double[] rows, long first)
        {
            for (int r = 0; r < _size; r++)
            {
                for (int c = 0; c < _size; c++)
                {
                    _y[(r * _yStride) + first + c] = (float)rows[(r * 2 * _size) + _size + c];
                }
            }
        }

        // Brings the row with the largest number of the column up, makes that number 1 and the others of the column 0.
        private void Eliminate(double[] rows, int column)
        {
            int width = 2 * _size;
            int pivot = column;
            for (int r = column + 1; r < _size; r++)
            {
                pivot = Math.Abs(rows[(r * width) + column]) > Math.Abs(rows[(pivot * width) + column]) ? r : pivot;
            }

            Span<double> row = rows.AsSpan(column * width, width);
            Span<double> largest = rows.AsSpan(pivot * width, width);
            double factor = 1 / largest[column];
            for (int c = 0; c < width; c++)
            {
                (row[c], largest[c]) = (largest[c] * factor, pivot == column ? largest[c] * factor : row[c]);
            }

            for (int r = 0; r < _size; r++)
            {
                double share = rows[(r * width) + column];
                if (r == column || share == 0)
                {
                    continue;
                }

                Span<double> other = rows.AsSpan(r * width, width);
                for (int c = column; c < width; c++)
                {
                    other[c] -= share * row[c];
                }
            }
        }
    }
}
