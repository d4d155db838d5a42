using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.MachineCode;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Matrix multiplication of operands that are rounded to bf16, added up in 32 bits.</summary>
/// <remarks>
/// Cut as the 32-bit product is, with a pair of bf16 in the place of a single: so a slice is twice as deep. Both operands are packed, since
/// both are rounded. Where the machine code of <see cref="Bf16Tiles"/> cannot run, the operands are rounded into copies and the
/// 32-bit kernels multiply those: the same products, added up in the same order within a slice.
/// </remarks>
public sealed unsafe partial class CpuBackend
{
    // A deeper product is computed in parts that are added up, so that the packed A of many rows fits in 16 MiB: only a vocabulary is so long.
    private const int DeepestBf16 = 21 * 768;

    /// <summary>False keeps to C# where machine code made at run time would be faster. Default: unless the environment variable HIENO_MACHINE_CODE is 0.</summary>
    public bool AllowsMachineCode { get; init; } = Environment.GetEnvironmentVariable("HIENO_MACHINE_CODE") != "0";

    /// <inheritdoc/>
    public override string Describe(MatMulPrecision precision) =>
        precision == MatMulPrecision.Fp32 ? "matrix products: 32 bits"
        : Bf16TilesInUse is not null ? "matrix products: operands rounded to bf16, multiplied by the processor's bf16 instruction"
        : $"matrix products: operands rounded to bf16, multiplied in 32 bits, which is no faster: {WhyNoBf16Tiles()}";

    private Bf16Tiles? Bf16TilesInUse => AllowsMachineCode && Width == SimdWidth.Bits512 ? Bf16Tiles.Shared : null;

    private string WhyNoBf16Tiles() =>
        !AllowsMachineCode ? "machine code is switched off"
        : Width < SimdWidth.Bits512 ? $"only {(int)Width * 32}-bit vectors are in use"
        : Bf16Tiles.Refusal;

    /// <summary>C (+)= A · B (+ bias in each row), the operands rounded to bf16.</summary>
    private void MultiplyBf16(Matrix a, Matrix b, float* bias, float* c, long stride, bool add)
    {
        if (a.Columns == 0 || Bf16TilesInUse is not { } tiles)
        {
            MultiplyRounded(a, b, bias, c, stride, add);
            return;
        }

        for (int k = 0; k < a.Columns; k += DeepestBf16)
        {
            int depth = Math.Min(DeepestBf16, a.Columns - k);
            MultiplyPairs(tiles, a.ColumnRange(k, depth), b.Transpose().ColumnRange(k, depth), k == 0 ? bias : null, c, stride, add || k > 0);
        }
    }

    // Both given with the depth as columns.
    private void MultiplyPairs(Bf16Tiles tiles, Matrix a, Matrix b, float* bias, float* c, long stride, bool add)
    {
        int pairs = (a.Columns + 1) / 2;
        int rowsAtOnce = GemmPlan.PackedRows(pairs, (int)Width);
        for (int row = 0; row < a.Rows && b.Rows > 0; row += rowsAtOnce)
        {
            var plan = new GemmPlan(Math.Min(rowsAtOnce, a.Rows - row), pairs, b.Rows, (int)Width, Threads);
            using Scratch packed = RentScratch(plan.PackedLength);
            For((long)plan.PackGroups * plan.Slices, 1, new PackPairsKernel(plan, a, row, packed.Pointer));
            For(plan.Tasks, 1, new MultiplyPairsKernel(this, tiles, plan, b, packed.Pointer, new Result(bias, c + (row * stride), stride, add)));
        }
    }

    private void MultiplyRounded(Matrix a, Matrix b, float* bias, float* c, long stride, bool add)
    {
        using Scratch left = RentScratch(((long)a.Rows * a.Columns / 2) + 1);
        using Scratch right = RentScratch(((long)b.Rows * b.Columns / 2) + 1);
        Multiply(Rounded(a, (ushort*)left.Pointer), Rounded(b, (ushort*)right.Pointer), bias, c, stride, add);
    }

    private Matrix Rounded(Matrix matrix, ushort* copy)
    {
        if (matrix.DType == DType.BF16)
        {
            return matrix;
        }

        (int rows, int columns) = matrix.Transposed ? (matrix.Columns, matrix.Rows) : (matrix.Rows, matrix.Columns);
        For(rows, Math.Max(1, ElementsPerTask / Math.Max(1, columns)), new RoundKernel(matrix, columns, copy));
        return new Matrix(copy, DType.BF16, matrix.Rows, matrix.Columns, columns, matrix.Transposed);
    }

    /// <summary>Item i rounds stored row i.</summary>
    private readonly struct RoundKernel(Matrix matrix, int columns, ushort* copy) : IKernel
    {
        private readonly ushort* _copy = copy;

        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long row = start; row < end; row++)
            {
                for (int column = 0; column < columns; column++)
                {
                    _copy[(row * columns) + column] = DTypes.ToBF16(matrix.At(matrix.StoredIndex(row, column)));
                }
            }
        }
    }

    /// <summary>Item i packs one group of row tiles of one slice.</summary>
    private readonly struct PackPairsKernel(GemmPlan plan, Matrix a, int firstRow, float* packed) : IKernel
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
                var tiles = (uint*)(_packed + plan.PackedTile(slice, tile));
                GemmBf16Pack.Tiles(a, firstRow + row, rows, 2 * slice * plan.Slice, plan.DepthOf(slice), tiles, plan.PackedTileLength);
            }
        }
    }

    /// <summary>Item i computes block i of C.</summary>
    private readonly struct MultiplyPairsKernel(CpuBackend backend, Bf16Tiles tiles, GemmPlan plan, Matrix b, float* packed, Result result) : IKernel
    {
        private readonly float* _packed = packed;

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
            const int Width = Bf16TileCode.Columns;
            const int TileLength = Bf16TileCode.Rows * Width;
            long panelLength = (long)(plan.Slice + GemmBf16Pack.Padding) * Width;
            int firstColumn = block.FirstPanel * Width;
            int columns = Math.Min(block.Panels * Width, plan.Columns - firstColumn);
            bool oneSlice = plan.Slices == 1; // then no sums must be kept from slice to slice, and one tile of C is enough
            using Scratch panels = backend.RentScratch(block.Panels * panelLength);
            using Scratch sums = backend.RentScratch(oneSlice ? TileLength : (long)block.Tiles * block.Panels * TileLength);
            var work = default(Bf16TileWork);
            for (int slice = 0; slice < plan.Slices; slice++)
            {
                int pairs = plan.DepthOf(slice);
                GemmBf16Pack.Panels(b, firstColumn, columns, 2 * slice * plan.Slice, pairs, (uint*)panels.Pointer, panelLength);
                work.Pairs = pairs;
                for (int t = 0; t < block.Tiles; t++)
                {
                    int row = (block.FirstTile + t) * plan.TileRows;
                    int rows = Math.Min(plan.TileRows, plan.Rows - row);
                    work.A = (uint*)(_packed + plan.PackedTile(slice, block.FirstTile + t));
                    byte* next = (byte*)(_packed + plan.PackedTile(slice, block.FirstTile + Math.Min(t + 1, block.Tiles - 1)));
                    long share = (long)pairs * Bf16TileCode.Rows * sizeof(uint) / block.Panels; // each panel fetches its share of the next tile
                    work.NextStep = (nint)(share / pairs);
                    for (int p = 0; p < block.Panels; p++)
                    {
                        work.B = (uint*)(panels.Pointer + (p * panelLength));
                        work.Tile = sums.Pointer + (oneSlice ? 0 : (((long)t * block.Panels) + p) * TileLength);
                        work.Next = next + (p * share);
                        if (slice == plan.Slices - 1)
                        {
                            result.Prefetch(rows, row, firstColumn + (p * Width));
                        }

                        tiles.Run(rows, columns - (p * Width) > V.Count ? 2 : 1, slice > 0, &work);
                        if (slice == plan.Slices - 1)
                        {
                            result.Write<V>(work.Tile, rows, row, firstColumn + (p * Width), Math.Min(Width, columns - (p * Width)));
                        }
                    }
                }
            }
        }
    }

    /// <summary>Where a product goes.</summary>
    private readonly struct Result(float* bias, float* c, long stride, bool add)
    {
        private readonly float* _bias = bias;
        private readonly float* _c = c;

        /// <summary>Asks for the part of C that a tile will be added to when it is done.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Prefetch(int rows, int row, int column)
        {
            float* from = _c + (row * stride) + column;
            for (int r = 0; r < rows; r++, from += stride)
            {
                GemmTile.Prefetch(from);
                GemmTile.Prefetch(from + (Bf16TileCode.Columns / 2));
            }
        }

        /// <summary>C (+)= tile + bias.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Write<V>(float* tile, int rows, int row, int column, int columns)
            where V : unmanaged, ISimd<V>
        {
            float* to = _c + (row * stride) + column;
            float* biases = _bias == null ? null : _bias + column;
            for (int r = 0; r < rows; r++, to += stride, tile += Bf16TileCode.Columns)
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
