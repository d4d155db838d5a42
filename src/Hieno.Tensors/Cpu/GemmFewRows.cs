using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Matrix multiplication with few rows, as in generating text: B is read once and hardly used, so its way through memory is the cost.</summary>
/// <remarks>
/// A task has some columns of C. B is taken in squares of eight of its rows by two vectors, held in registers while all rows of A pass by;
/// the sums of the task's columns stay in the first-level cache. A row-major B is read where it lies, a transposed one in registers (see
/// <see cref="MultiplyTransposedSquares"/>) or through a small panel that never leaves that cache. What is needed next is prefetched on
/// the way.
/// Each element is the same chain of fused multiply-adds, cut into the same slices, as in the other kernel: results are equal bit by bit.
/// </remarks>
public sealed unsafe partial class CpuBackend
{
    /// <summary>With more rows, arithmetic costs more than reading B, and the kernel of large products is faster.</summary>
    internal const int MostFewRows = 32;

    private const int FewRowsColumns = 192; // of a task: 24 KiB of sums for 32 rows
    private const int MostRowsBySlices = 4;
    private const int SumsBySlices = 6144; // of a task: the same 24 KiB
    private const int SmallestShared = 1 << 14; // a smaller B, 64 KiB, is read sooner than another thread begins

    private void MultiplyFewRows(Matrix a, Matrix b, float* bias, float* c, long stride, bool add)
    {
        // Eight numbers of every row are read together. Rows whose distance is a multiple of 4 KiB share the sets of
        // the first-level cache and would displace each other: many rows are copied a little apart.
        int apart = a.Columns + GemmPack.RowPadding;
        using Scratch copy = RentScratch(a.Rows >= 8 ? (long)a.Rows * apart : 0);
        if (a.Rows >= 8)
        {
            for (int row = 0; row < a.Rows; row++)
            {
                Unsafe.CopyBlockUnaligned(copy.Pointer + ((long)row * apart), a.Single + (row * a.Stride), (uint)(a.Columns * sizeof(float)));
            }

            a = new Matrix(copy.Pointer, DType.F32, a.Rows, a.Columns, apart, false);
        }

        int lanes = (int)Width;
        if (a.Rows <= MostRowsBySlices && !b.Transposed && b.Columns % (2 * lanes) == 0)
        {
            MultiplyBySlices(a, b, new FewRowsTarget(bias, c, stride, add));
            return;
        }

        int done = MultiplyTransposedSquares(a, b, new FewRowsTarget(bias, c, stride, add));
        if (done == b.Columns)
        {
            return;
        }

        b = b.ColumnRange(done, b.Columns - done);
        bias = bias == null ? null : bias + done;
        c += done;
        int panels = (b.Columns + (2 * lanes) - 1) / (2 * lanes);
        int panelsOfTask = Math.Clamp(panels / (2 * Threads), 1, Math.Max(1, FewRowsColumns / (2 * lanes)));
        int tasks = (panels + panelsOfTask - 1) / panelsOfTask;
        var target = new FewRowsTarget(bias, c, stride, add);
        switch (b.DType)
        {
            case DType.F32:
                For(tasks, 1, new FewRowsKernel<StoredF32>(this, a, b, target, panelsOfTask));
                break;
            case DType.BF16:
                For(tasks, 1, new FewRowsKernel<StoredBF16>(this, a, b, target, panelsOfTask));
                break;
            case DType.NF4:
                For(tasks, 1, new FewRowsKernel<StoredNF4>(this, a, b, target, panelsOfTask));
                break;
            default:
                For(tasks, 1, new FewRowsKernel<StoredF16>(this, a, b, target, panelsOfTask));
                break;
        }
    }

    // Memory is fastest read in long runs. Slices are independent sums, so a task takes one of them, and of its rows the whole or
    // large parts: its sums still fit the first-level cache where A has few rows. The slices are added at the end, in their order.
    private void MultiplyBySlices(Matrix a, Matrix b, FewRowsTarget target)
    {
        int width = 2 * (int)Width;
        int panels = b.Columns / width;
        (int slices, int slice) = GemmPlan.SlicesOf(a.Columns);
        bool isSmall = (long)b.Rows * b.Columns <= SmallestShared;
        int parts = isSmall ? 1 : Math.Max(((2 * Threads) + slices - 1) / slices, a.Rows * b.Columns / SumsBySlices);
        int panelsOfTask = Math.Max(1, (panels + parts - 1) / parts);
        int tasks = slices * ((panels + panelsOfTask - 1) / panelsOfTask);
        using Scratch sums = RentScratch((long)slices * a.Rows * b.Columns);
        var plan = new SlicesPlan(slices, slice, panels, panelsOfTask, sums.Pointer);
        long grain = isSmall ? tasks : 1;
        switch (b.DType)
        {
            case DType.F32:
                For(tasks, grain, new SliceKernel<StoredF32>(a, b, plan));
                break;
            case DType.BF16:
                For(tasks, grain, new SliceKernel<StoredBF16>(a, b, plan));
                break;
            case DType.NF4:
                For(tasks, grain, new SliceKernel<StoredNF4>(a, b, plan));
                break;
            default:
                For(tasks, grain, new SliceKernel<StoredF16>(a, b, plan));
                break;
        }

        For(1, 1, new SumSlicesKernel(a.Rows, plan, target));
    }

    /// <summary>How a product is cut for <see cref="MultiplyBySlices"/>; its sums are [slice][panel][row][two vectors].</summary>
    private readonly struct SlicesPlan(int slices, int slice, int panels, int panelsOfTask, float* sums)
    {
        public readonly int Slices = slices;
        public readonly int Slice = slice;
        public readonly int Panels = panels;
        public readonly int PanelsOfTask = panelsOfTask;
        public readonly float* Sums = sums;
    }

    /// <summary>Item i computes one slice's sums of some columns; slices of the same columns follow each other.</summary>
    private readonly struct SliceKernel<TStored>(Matrix a, Matrix b, SlicesPlan plan) : IKernel
        where TStored : struct, IStored
    {
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            long panelLength = 2L * V.Count * a.Rows;
            for (long task = start; task < end; task++)
            {
                (long part, long slice) = Math.DivRem(task, plan.Slices);
                int first = (int)part * plan.PanelsOfTask;
                int panels = Math.Min(plan.PanelsOfTask, plan.Panels - first);
                float* sums = plan.Sums + (((slice * plan.Panels) + first) * panelLength);
                int k = (int)slice * plan.Slice;
                SumSlice<V, TStored>(a, b, k, Math.Min(k + plan.Slice, a.Columns), first * 2 * V.Count, panels, sums);
            }
        }
    }

    /// <summary>Adds up the slices and writes C: a single item.</summary>
    private readonly struct SumSlicesKernel(int rows, SlicesPlan plan, FewRowsTarget target) : IKernel
    {
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            int width = 2 * V.Count;
            long length = (long)plan.Panels * rows * width;
            for (int slice = 1; slice < plan.Slices; slice++)
            {
                Add<V>(plan.Sums + (slice * length), plan.Sums, length);
            }

            for (int panel = 0; panel < plan.Panels; panel++)
            {
                target.Write<V>(plan.Sums + ((long)panel * rows * width), rows, panel * width, width);
            }
        }
    }

    /// <summary>Where C lies and what is done to it.</summary>
    private readonly struct FewRowsTarget(float* bias, float* c, long stride, bool add)
    {
        private readonly float* _bias = bias;
        private readonly float* _c = c;

        /// <summary>The same as <see cref="Write"/> for one vector of columns, whose sums are [row][lane].</summary>
        public void WriteVector(float* sums, int rows, int column)
        {
            float* to = _c + column;
            Simd512 biases = _bias == null ? Simd512.Zero : Simd512.Load(_bias + column);
            for (int row = 0; row < rows; row++, to += stride, sums += Simd512.Count)
            {
                Simd512 value = Simd512.Load(sums);
                value = _bias == null ? value : value + biases;
                value = add ? Simd512.Load(to) + value : value;
                value.Store(to);
            }
        }

        /// <summary>C (+)= sums (+ bias), where row r's sums of these columns lie at sums[r · width].</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Write<V>(float* sums, int rows, int column, int columns)
            where V : unmanaged, ISimd<V>
        {
            float* biases = _bias == null ? null : _bias + column;
            float* to = _c + column;
            for (int row = 0; row < rows; row++, to += stride, sums += 2 * V.Count)
            {
                int j = 0;
                for (; j <= columns - V.Count; j += V.Count)
                {
                    V value = V.Load(sums + j);
                    value = biases == null ? value : value + V.Load(biases + j);
                    value = add ? V.Load(to + j) + value : value;
                    value.Store(to + j);
                }

                for (; j < columns; j++)
                {
                    float value = biases == null ? sums[j] : sums[j] + biases[j];
                    to[j] = add ? to[j] + value : value;
                }
            }
        }
    }

    /// <summary>Item i computes some panels of C, each two vectors wide.</summary>
    private readonly struct FewRowsKernel<TStored>(CpuBackend backend, Matrix a, Matrix b, FewRowsTarget target, int panelsOfTask) : IKernel
        where TStored : struct, IStored
    {
        private const int PanelDepth = 16; // of a transposed B: 2 KiB of AVX-512 panel
        private const int Ahead = 64; // numbers of each of its rows are prefetched before they are packed

        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long task = start; task < end; task++)
            {
                int first = (int)task * panelsOfTask * 2 * V.Count;
                Columns<V>(first, Math.Min(panelsOfTask * 2 * V.Count, b.Columns - first));
            }
        }

        private void Columns<V>(int first, int columns)
            where V : unmanaged, ISimd<V>
        {
            int width = 2 * V.Count;
            long panelLength = (long)a.Rows * width; // one panel's sums: [row][two vectors]
            int inPlace = b.Transposed ? 0 : columns / width;
            int panels = (columns + width - 1) / width;
            using Scratch scratch = backend.RentScratch((2 * panels * panelLength) + (PanelDepth * width));
            float* sums = scratch.Pointer;
            float* chains = sums + (panels * panelLength);
            float* packed = chains + (panels * panelLength);
            if (inPlace > 0)
            {
                InPlace<V>(first, inPlace, sums, chains);
            }

            for (int panel = inPlace; panel < panels; panel++)
            {
                int column = first + (panel * width);
                Packed<V>(column, Math.Min(width, first + columns - column), packed, sums + (panel * panelLength), chains);
            }

            for (int panel = 0; panel < panels; panel++)
            {
                target.Write<V>(sums + (panel * panelLength), a.Rows, first + (panel * width), Math.Min(width, columns - (panel * width)));
            }
        }

        // The first slice sums where the result is wanted; each further one beside it, and is added.
        private void InPlace<V>(int column, int panels, float* sums, float* chains)
            where V : unmanaged, ISimd<V>
        {
            long length = (long)panels * a.Rows * 2 * V.Count;
            (int slices, int slice) = GemmPlan.SlicesOf(a.Columns);
            for (int s = 0; s < slices; s++)
            {
                int k = s * slice;
                int end = Math.Min(k + slice, a.Columns);
                SumSlice<V, TStored>(a, b, k, end, column, panels, s == 0 ? sums : chains);
                if (s > 0)
                {
                    Add<V>(chains, sums, length);
                }
            }
        }

        private void Packed<V>(int column, int columns, float* packed, float* sums, float* chains)
            where V : unmanaged, ISimd<V>
        {
            int width = 2 * V.Count;
            long length = (long)a.Rows * width;
            (int slices, int slice) = GemmPlan.SlicesOf(a.Columns);
            for (int s = 0; s < slices; s++)
            {
                int end = Math.Min((s + 1) * slice, a.Columns);
                float* chain = s == 0 ? sums : chains;
                Unsafe.InitBlockUnaligned(chain, 0, (uint)(length * sizeof(float)));
                for (int k = s * slice; k < end; k += PanelDepth)
                {
                    int depth = Math.Min(PanelDepth, end - k);
                    PrefetchNext(k, depth, column, columns);
                    GemmPack.Panels<V>(b, k, depth, column, columns, packed, 0);
                    var panel = new Matrix(packed, DType.F32, depth, width, width, false);
                    int i = 0;
                    for (; i <= depth - 8; i += 8)
                    {
                        Eight<V, StoredF32>(a, panel, (long)i * width, width, k + i, 1, chain, ahead: false);
                    }

                    for (; i < depth; i++)
                    {
                        One<V, StoredF32>(a, panel, (long)i * width, k + i, 1, chain);
                    }
                }

                if (s > 0)
                {
                    Add<V>(chains, sums, length);
                }
            }
        }

        /// <summary>Asks for what is packed after this part of a transposed B: the same columns further on, or the next columns' beginning.</summary>
        private void PrefetchNext(int k, int depth, int column, int columns)
        {
            if (!b.Transposed || b.DType == DType.NF4 || !Sse.IsSupported) // of NF4 a cache line holds 128 numbers
            {
                return;
            }

            bool goesOn = k + Ahead < a.Columns;
            int size = b.DType == DType.F32 ? sizeof(float) : sizeof(ushort);
            byte* from = (byte*)b.Single + (b.Index(goesOn ? k + Ahead : k + Ahead - a.Columns, goesOn ? column : column + columns) * size);
            for (int c = 0; c < columns; c++, from += b.Stride * size)
            {
                for (int at = 0; at < PanelDepth * size; at += 64)
                {
                    Sse.Prefetch0(from + at);
                }
            }
        }
    }

    /// <summary>sums = A · B over the depth [k, end), for whole panels from <paramref name="column"/> on.</summary>
    private static void SumSlice<V, TStored>(in Matrix a, in Matrix b, int k, int end, int column, int panels, float* sums)
        where V : unmanaged, ISimd<V>
        where TStored : struct, IStored
    {
        Unsafe.InitBlockUnaligned(sums, 0, (uint)(2L * V.Count * panels * a.Rows * sizeof(float)));
        for (; k <= end - 8; k += 8)
        {
            Eight<V, TStored>(a, b, b.Index(k, column), b.Stride, k, panels, sums, ahead: a.Rows >= 6);
        }

        for (; k < end; k++)
        {
            One<V, TStored>(a, b, b.Index(k, column), k, panels, sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchEight(void* first, long stride, int bytes)
    {
        if (Sse.IsSupported)
        {
            byte* at = (byte*)first;
            for (int row = 0; row < 8; row++, at += stride)
            {
                Sse.Prefetch0(at);
                if (bytes > 64)
                {
                    Sse.Prefetch0(at + 64);
                }
            }
        }
    }

    // Sixteen vectors of B, eight rows by two, against each row of A: eight numbers of it are broadcast one after the other. Panels lie
    // side by side in B; the sums of each are [row][two vectors].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Eight<V, TStored>(in Matrix a, in Matrix b, long index, long stride, int k, int panels, float* sums, bool ahead)
        where V : unmanaged, ISimd<V>
        where TStored : struct, IStored
    {
        Matrix from = b;
        float* firstX = a.Single + k;
        long rowStep = a.Stride;
        int rows = a.Rows;
        for (int panel = 0; panel < panels; panel++, index += 2 * V.Count)
        {
            long at = index;
            V w0l = TStored.Load<V>(from, at), w0r = TStored.Load<V>(from, at + V.Count);
            at += stride;
            V w1l = TStored.Load<V>(from, at), w1r = TStored.Load<V>(from, at + V.Count);
            at += stride;
            V w2l = TStored.Load<V>(from, at), w2r = TStored.Load<V>(from, at + V.Count);
            at += stride;
            V w3l = TStored.Load<V>(from, at), w3r = TStored.Load<V>(from, at + V.Count);
            at += stride;
            V w4l = TStored.Load<V>(from, at), w4r = TStored.Load<V>(from, at + V.Count);
            at += stride;
            V w5l = TStored.Load<V>(from, at), w5r = TStored.Load<V>(from, at + V.Count);
            at += stride;
            V w6l = TStored.Load<V>(from, at), w6r = TStored.Load<V>(from, at + V.Count);
            at += stride;
            V w7l = TStored.Load<V>(from, at), w7r = TStored.Load<V>(from, at + V.Count);
            if (ahead)
            {
                TStored.PrefetchRows<V>(from, index + (8 * stride), stride);
            }

            float* x = firstX;
            for (int row = 0; row < rows; row++, x += rowStep, sums += 2 * V.Count)
            {
                V left = V.Load(sums);
                V right = V.Load(sums + V.Count);
                V y = V.All(x[0]);
                left = V.Fma(y, w0l, left);
                right = V.Fma(y, w0r, right);
                y = V.All(x[1]);
                left = V.Fma(y, w1l, left);
                right = V.Fma(y, w1r, right);
                y = V.All(x[2]);
                left = V.Fma(y, w2l, left);
                right = V.Fma(y, w2r, right);
                y = V.All(x[3]);
                left = V.Fma(y, w3l, left);
                right = V.Fma(y, w3r, right);
                y = V.All(x[4]);
                left = V.Fma(y, w4l, left);
                right = V.Fma(y, w4r, right);
                y = V.All(x[5]);
                left = V.Fma(y, w5l, left);
                right = V.Fma(y, w5r, right);
                y = V.All(x[6]);
                left = V.Fma(y, w6l, left);
                right = V.Fma(y, w6r, right);
                y = V.All(x[7]);
                left = V.Fma(y, w7l, left);
                right = V.Fma(y, w7r, right);
                left.Store(sums);
                right.Store(sums + V.Count);
            }
        }
    }

    // The same for one row of B: what is left of a slice.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One<V, TStored>(in Matrix a, in Matrix b, long index, int k, int panels, float* sums)
        where V : unmanaged, ISimd<V>
        where TStored : struct, IStored
    {
        for (int panel = 0; panel < panels; panel++, index += 2 * V.Count)
        {
            V wl = TStored.Load<V>(b, index);
            V wr = TStored.Load<V>(b, index + V.Count);
            float* x = a.Single + k;
            for (int row = 0; row < a.Rows; row++, x += a.Stride, sums += 2 * V.Count)
            {
                V y = V.All(*x);
                V.Fma(y, wl, V.Load(sums)).Store(sums);
                V.Fma(y, wr, V.Load(sums + V.Count)).Store(sums + V.Count);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add<V>(float* chains, float* sums, long length)
        where V : unmanaged, ISimd<V>
    {
        for (long i = 0; i < length; i += V.Count)
        {
            (V.Load(sums + i) + V.Load(chains + i)).Store(sums + i);
        }
    }
}
