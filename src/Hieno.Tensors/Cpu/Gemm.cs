using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Matrix multiplication.</summary>
/// <remarks>
/// C is cut into blocks, one a task. A task walks over the whole depth in slices of at most <see cref="GemmPlan.Slice"/>: it packs its
/// columns of B into a private buffer that fits the second-level cache, multiplies, and adds to a private copy of its block of C,
/// which the last slice writes out once, with the bias. Row-major A is read where it lies, or a tile at a time from a copy where its rows
/// would displace each other in the first-level cache; a transposed or 16-bit A is packed first, once for all tasks. The slices depend
/// on the depth alone and each element adds them up in order, so a result depends neither on the number of threads nor on how C was cut.
/// </remarks>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void MatMul(Tensor a, bool transposeA, Tensor b, bool transposeB, Tensor? bias, Tensor c, bool add, MatMulPrecision precision = MatMulPrecision.Fp32)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        ArgumentNullException.ThrowIfNull(c);
        float* biasPointer = bias is null ? null : (float*)bias.Pointer;
        if (precision == MatMulPrecision.Bf16)
        {
            MultiplyBf16(Matrix.Of(a, transposeA), Matrix.Of(b, transposeB), biasPointer, (float*)c.Pointer, c.RowStride, add);
        }
        else
        {
            Multiply(Matrix.Of(a, transposeA), Matrix.Of(b, transposeB), biasPointer, (float*)c.Pointer, c.RowStride, add);
        }

        KeepAlive(a, b, bias, c);
    }

    /// <summary>C (+)= A · B (+ bias in each row), 32-bit C with <paramref name="stride"/> numbers from row to row.</summary>
    internal void Multiply(Matrix a, Matrix b, float* bias, float* c, long stride, bool add)
    {
        if (a.Rows == 0 || b.Columns == 0)
        {
            return;
        }

        if (a.Transposed && !b.Transposed && bias == null && b.Columns < GemmTile.Rows((int)Width) && a.Rows >= 4 * b.Columns)
        {
            MultiplyTurned(a, b, c, stride, add);
            return;
        }

        if (a.Rows <= MostFewRows && a.DType == DType.F32)
        {
            using Scratch rows = RentScratch(a.Transposed ? (long)a.Rows * a.Columns : 0);
            MultiplyFewRows(a.Transposed ? RowMajor(a, rows.Pointer) : a, b, bias, c, stride, add);
            return;
        }

        bool packA = a.Transposed || a.DType != DType.F32;
        int rowsAtOnce = packA ? GemmPlan.PackedRows(a.Columns, (int)Width) : a.Rows;
        for (int row = 0; row < a.Rows; row += rowsAtOnce)
        {
            var plan = new GemmPlan(Math.Min(rowsAtOnce, a.Rows - row), a.Columns, b.Columns, (int)Width, Threads);
            using Scratch packed = RentScratch(packA ? plan.PackedLength : 0);
            if (packA)
            {
                For((long)plan.PackGroups * plan.Slices, 1, new PackTilesKernel(plan, a, row, packed.Pointer));
            }

            For(plan.Tasks, 1, new MultiplyKernel(this, plan, a, b, row, packed.Pointer, bias, c + (row * stride), stride, add));
        }
    }

    /// <summary>A few rows that are stored as columns, copied as rows.</summary>
    private Matrix RowMajor(Matrix a, float* copy)
    {
        For(a.Rows, 1, new TurnKernel(a.Single, a.Stride, a.Columns, copy, a.Columns, add: false));
        return new Matrix(copy, DType.F32, a.Rows, a.Columns, a.Columns, false);
    }

    /// <summary>
    /// C (+)= (Bᵀ · Aᵀ)ᵀ: where C has few columns (the gradient of a low-rank B), packing all of a transposed A would cost more than the
    /// product itself. Turned over, A is read row by row and only the small factor is packed; each element is the same sum.
    /// </summary>
    private void MultiplyTurned(Matrix a, Matrix b, float* c, long stride, bool add)
    {
        using Scratch turned = RentScratch((long)a.Rows * b.Columns);
        Multiply(b.Transpose(), a.Transpose(), null, turned.Pointer, a.Rows, add: false);
        For(a.Rows, 1024, new TurnKernel(turned.Pointer, a.Rows, b.Columns, c, stride, add));
    }

    /// <summary>Item i writes row i of C from column i of its transpose, which has <paramref name="rowLength"/> numbers from row to row.</summary>
    private readonly struct TurnKernel(float* turned, long rowLength, int columns, float* c, long stride, bool add) : IKernel
    {
        private readonly float* _turned = turned;
        private readonly float* _c = c;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long row = start; row < end; row++)
            {
                float* to = _c + (row * stride);
                for (int column = 0; column < columns; column++)
                {
                    float value = _turned[(column * rowLength) + row];
                    to[column] = add ? to[column] + value : value;
                }
            }
        }
    }

    /// <summary>Item i packs one group of row tiles of one slice.</summary>
    private readonly struct PackTilesKernel(GemmPlan plan, Matrix a, int firstRow, float* packed) : IKernel
    {
        private readonly float* _packed = packed;

        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (int item = (int)start; item < end; item++)
            {
                (int slice, int group) = Math.DivRem(item, plan.PackGroups);
                int tile = group * plan.TilesAtOnce;
                int row = tile * plan.TileRows;
                int rows = Math.Min(plan.TilesAtOnce * plan.TileRows, plan.Rows - row);
                float* tiles = _packed + plan.PackedTile(slice, tile);
                GemmPack.Tiles<V>(a, firstRow + row, rows, slice * plan.Slice, plan.DepthOf(slice), plan.TileRows, plan.PackedTileLength, tiles);
            }
        }
    }

    /// <summary>Item i computes block i of C.</summary>
    private readonly struct MultiplyKernel(
        CpuBackend backend, GemmPlan plan, Matrix a, Matrix b, int firstRow, float* packed, float* bias, float* c, long stride, bool add) : IKernel
    {
        private readonly float* _packed = packed;
        private readonly float* _bias = bias;
        private readonly float* _c = c;

        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (int task = (int)start; task < end; task++)
            {
                Block<V>(plan.BlockOf(task));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Block<V>(GemmBlock block)
            where V : unmanaged, ISimd<V>
        {
            int width = 2 * V.Count;
            long panelLength = (long)plan.Slice * width;
            long tileLength = (long)plan.TileRows * width;
            int firstColumn = block.FirstPanel * width;
            int columns = Math.Min(block.Panels * width, plan.Columns - firstColumn);
            bool oneSlice = plan.Slices == 1; // then no sums must be kept from slice to slice, and one tile of C is enough
            bool aside = _packed == null && GemmPack.RowsCollide(a);
            using Scratch copy = backend.RentScratch(aside ? plan.PackedTileLength : 0);
            using Scratch panels = backend.RentScratch(block.Panels * panelLength);
            using Scratch sums = backend.RentScratch(oneSlice ? tileLength : (long)block.Tiles * block.Panels * tileLength);
            for (int slice = 0; slice < plan.Slices; slice++)
            {
                int depth = plan.DepthOf(slice);
                GemmPack.Panels<V>(b, slice * plan.Slice, depth, firstColumn, columns, panels.Pointer, panelLength);
                for (int t = 0; t < block.Tiles; t++)
                {
                    int row = (block.FirstTile + t) * plan.TileRows;
                    TileOfA(slice, depth, block.FirstTile + t, out float* tile, out nint rowStep, out nint depthStep);
                    TileOfA(slice, depth, block.FirstTile + Math.Min(t + 1, block.Tiles - 1), out float* nextTile, out _, out _);
                    int rows = Math.Min(plan.TileRows, plan.Rows - row);
                    if (aside)
                    {
                        GemmPack.Tiles<V>(a, firstRow + row, rows, slice * plan.Slice, depth, plan.TileRows, plan.PackedTileLength, copy.Pointer);
                        tile = nextTile = copy.Pointer;
                        rowStep = depth + GemmPack.RowPadding;
                    }

                    for (int p = 0; p < block.Panels; p++)
                    {
                        float* sum = sums.Pointer + (oneSlice ? 0 : (((long)t * block.Panels) + p) * tileLength);
                        if (add && slice == plan.Slices - 1)
                        {
                            PrefetchTile<V>(_c + (row * stride) + ((block.FirstPanel + p + plan.PanelsAhead) * width), rows, stride);
                        }

                        float* next = nextTile + (p % (plan.TileRows / 3) * 3 * rowStep); // three of the next tile's rows with each panel
                        GemmTile.Run<V>(
                            rows, columns - (p * width), depth, tile, rowStep, depthStep, panels.Pointer + (p * panelLength), sum, slice > 0, next);
                        if (slice == plan.Slices - 1)
                        {
                            WriteOut<V>(sum, rows, row, (block.FirstPanel + p) * width);
                        }
                    }
                }
            }
        }

        /// <summary>Where a tile of A begins and how it is laid out: in place, packed by columns, or copied row by row.</summary>
        private void TileOfA(int slice, int depth, int tile, out float* start, out nint rowStep, out nint depthStep)
        {
            if (_packed == null)
            {
                start = a.Single + a.Index(firstRow + ((long)tile * plan.TileRows), (long)slice * plan.Slice);
                (rowStep, depthStep) = ((nint)a.Stride, 1);
            }
            else
            {
                start = _packed + plan.PackedTile(slice, tile);
                (rowStep, depthStep) = a.Transposed ? (1, plan.TileRows) : (depth + GemmPack.RowPadding, 1);
            }
        }

        /// <summary>Asks for a tile's worth of memory that will be added to when the tile is done: a row of two vectors at each step of <paramref name="apart"/>.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void PrefetchTile<V>(float* from, int rows, long apart)
            where V : unmanaged, ISimd<V>
        {
            for (int r = 0; r < rows; r++, from += apart)
            {
                GemmTile.Prefetch(from);
                GemmTile.Prefetch(from + V.Count);
            }
        }

        /// <summary>C (+)= tile + bias.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void WriteOut<V>(float* tile, int rows, int row, int column)
            where V : unmanaged, ISimd<V>
        {
            int width = 2 * V.Count;
            int columns = Math.Min(width, plan.Columns - column);
            float* to = _c + (row * stride) + column;
            float* biases = _bias == null ? null : _bias + column;
            for (int r = 0; r < rows; r++, to += stride, tile += width)
            {
                int j = 0;
                for (; j <= columns - V.Count; j += V.Count)
                {
                    V value = V.Load(tile + j);
                    value = biases == null ? value : value + V.Load(biases + j);
                    value = add ? V.Load(to + j) + value : value;
                    value.Store(to + j);
                }

                for (; j < columns; j++)
                {
                    float value = biases == null ? tile[j] : tile[j] + biases[j];
                    to[j] = add ? to[j] + value : value;
                }
            }
        }
    }
}
