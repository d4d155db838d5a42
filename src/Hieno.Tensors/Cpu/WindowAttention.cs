using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of attention within windows: one task a head and a group of windows, whose numbers do not depend on the threads.</summary>
public sealed unsafe partial class CpuBackend
{
    private const int WindowGroups = 16; // at most so many partial sums of the bias's gradient

    /// <inheritdoc/>
    public override void WindowAttentionForward(
        Tensor q, Tensor k, Tensor v, Tensor bias, WindowSpans windows, AttentionOptions options, DropoutMask? dropout, Tensor y, Tensor logSums)
    {
        var problem = new WindowProblem(q, k, v, bias, windows, options, dropout, logSums);
        For((long)problem.Groups * options.Heads, 1, new WindowForwardKernel(this, problem, new StridedRows(y)));
        KeepAlive(q, k, v, bias, y, logSums);
    }

    /// <inheritdoc/>
    public override void WindowAttentionBackward(
        Tensor q,
        Tensor k,
        Tensor v,
        Tensor bias,
        WindowSpans windows,
        AttentionOptions options,
        DropoutMask? dropout,
        Tensor y,
        Tensor logSums,
        Tensor dy,
        AttentionGrad dq,
        AttentionGrad dk,
        AttentionGrad dv,
        AttentionGrad dbias)
    {
        var problem = new WindowProblem(q, k, v, bias, windows, options, dropout, logSums);
        int pairs = problem.Length * problem.Length;
        using Scratch partials = RentScratch(dbias.Tensor is null ? 0 : (long)problem.Groups * problem.Heads * pairs);
        var kernel = new WindowBackwardKernel(
            this,
            problem,
            (new StridedRows(y), new StridedRows(dy)),
            (new StridedRows(dq.Tensor), new StridedRows(dk.Tensor), new StridedRows(dv.Tensor)),
            (dq.Add, dk.Add, dv.Add),
            partials.Pointer);
        For((long)problem.Groups * problem.Heads, 1, kernel);
        if (dbias.Tensor is { } sum)
        {
            SumPartials(partials.Pointer, problem.Groups, problem.Heads * pairs, (float*)sum.Pointer, dbias.Add);
        }

        KeepAlive(q, k, v, bias, y, logSums, dy);
    }

    // The operands, and the sides of one window's matrices: rows are padded to whole blocks, columns to whole vectors and blocks.
    private readonly struct WindowProblem(
        Tensor q, Tensor k, Tensor v, Tensor bias, WindowSpans windows, AttentionOptions options, DropoutMask? dropout, Tensor logSums)
    {
        private readonly float* _bias = (float*)bias.Pointer;
        private readonly float* _logSums = (float*)logSums.Pointer;
        private readonly int _rows = q.Rows;
        private readonly int _windows = q.Rows / windows.Length;

        public readonly StridedRows Q = new(q);
        public readonly StridedRows K = new(k);
        public readonly StridedRows V = new(v);
        public readonly int Length = windows.Length;
        public readonly int Heads = options.Heads;
        public readonly int Width = q.Columns / options.Heads;
        public readonly float Scale = options.Scale!.Value;

        public int PerGroup => (_windows + WindowGroups - 1) / WindowGroups;

        public int Groups => (_windows + PerGroup - 1) / PerGroup;

        public int PaddedRows => AttentionTiles.RoundUpToBlock(Length);

        public (int First, int End) WindowsOf(long group) => ((int)group * PerGroup, Math.Min(_windows, ((int)group + 1) * PerGroup));

        public int PaddedColumns<T>()
            where T : unmanaged, ISimd<T>
        {
            int step = Math.Max(T.Count, AttentionProducts.RowBlock);
            return (Length + step - 1) / step * step;
        }

        public float* LogSumsOf(int head, int window) => _logSums + ((long)head * _rows) + ((long)window * Length);

        // Rows of one head become columns: [row][D] → [D][row], zeros behind the last.
        public void CopyColumns<T>(StridedRows source, int window, int head, float* destination)
            where T : unmanaged, ISimd<T>
        {
            int columns = PaddedColumns<T>();
            new Span<float>(destination, Width * columns).Clear();
            for (int row = 0; row < Length; row++)
            {
                float* from = source.At((window * Length) + row, head * Width);
                for (int d = 0; d < Width; d++)
                {
                    destination[(d * columns) + row] = from[d];
                }
            }
        }

        public void CopyRows<T>(StridedRows source, int window, int head, float scale, float* destination)
            where T : unmanaged, ISimd<T> =>
            AttentionTiles.CopyRows<T>(source.At(window * Length, head * Width), source.Stride, Length, Width, scale, destination, PaddedRows);

        // Scores of all pairs with the bias added; −∞ where a pair does not see each other, and behind the last key.
        public void Scores<T>(int window, int head, float* queries, float* keys, float* scores)
            where T : unmanaged, ISimd<T>
        {
            int columns = PaddedColumns<T>();
            AttentionProducts.Multiply<T>(PaddedRows, columns, Width, queries, AttentionTiles.PaddedWidth<T>(Width), 1, keys, columns, scores, columns, add: false);
            for (int row = 0; row < Length; row++)
            {
                float* line = scores + (row * columns);
                AddRow<T>(_bias + ((((long)head * Length) + row) * Length), line);
                if (windows.Regions is { } regions)
                {
                    ReadOnlySpan<int> own = regions.AsSpan(window * Length, Length);
                    for (int column = 0; column < Length; column++)
                    {
                        line[column] = own[column] == own[row] ? line[column] : float.NegativeInfinity;
                    }
                }

                new Span<float>(line + Length, columns - Length).Fill(float.NegativeInfinity);
            }
        }

        // The factor of each probability under dropout, drawn by head, query and key.
        public float DropoutOf(int head, int window, int row, int column)
        {
            DropoutMask mask = dropout!.Value;
            ulong place = ((((ulong)head * (ulong)_rows) + (ulong)((window * Length) + row)) * (ulong)Length) + (ulong)column;
            return mask.Rng.Bits(mask.Pass, mask.Position + place) < mask.Threshold ? 0f : mask.Scale;
        }

        public bool Drops => dropout is not null;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void AddRow<T>(float* row, float* line)
            where T : unmanaged, ISimd<T>
        {
            int c = 0;
            for (; c <= Length - T.Count; c += T.Count)
            {
                (T.Load(line + c) + T.Load(row + c)).Store(line + c);
            }

            for (; c < Length; c++)
            {
                line[c] += row[c];
            }
        }
    }

    private readonly struct WindowForwardKernel(CpuBackend backend, WindowProblem problem, StridedRows y) : IKernel
    {
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            int width = AttentionTiles.PaddedWidth<V>(problem.Width);
            (int rows, int columns) = (problem.PaddedRows, problem.PaddedColumns<V>());
            using Scratch scratch = backend.RentScratch((3L * rows * width) + ((long)problem.Width * columns) + ((long)rows * columns));
            float* queries = scratch.Pointer;
            float* values = queries + (rows * width);
            float* sums = values + (rows * width);
            float* keys = sums + (rows * width);
            float* scores = keys + (problem.Width * columns);
            for (long task = start; task < end; task++)
            {
                int head = (int)(task % problem.Heads);
                (int first, int last) = problem.WindowsOf(task / problem.Heads);
                for (int window = first; window < last; window++)
                {
                    problem.CopyRows<V>(problem.Q, window, head, problem.Scale, queries);
                    problem.CopyRows<V>(problem.V, window, head, 1f, values);
                    problem.CopyColumns<V>(problem.K, window, head, keys);
                    problem.Scores<V>(window, head, queries, keys, scores);
                    for (int row = 0; row < problem.Length; row++)
                    {
                        problem.LogSumsOf(head, window)[row] = Softmax<V>(scores + (row * columns), columns);
                        for (int column = 0; problem.Drops && column < problem.Length; column++)
                        {
                            scores[(row * columns) + column] *= problem.DropoutOf(head, window, row, column);
                        }
                    }

                    AttentionProducts.Multiply<V>(rows, width, problem.Length, scores, columns, 1, values, width, sums, width, add: false);
                    AttentionTiles.WriteRows<V>(sums, problem.Length, problem.Width, 1f, y.At(window * problem.Length, head * problem.Width), y.Stride, add: false);
                }
            }
        }

        // In place; returns the logarithm of the denominator. Each row sees itself, so that the largest score is a number.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static float Softmax<V>(float* line, int columns)
            where V : unmanaged, ISimd<V>
        {
            V largest = V.Load(line);
            for (int c = V.Count; c < columns; c += V.Count)
            {
                largest = V.Max(largest, V.Load(line + c));
            }

            float max = V.MaxLane(largest);
            V shift = V.All(max);
            V sums = V.Zero;
            for (int c = 0; c < columns; c += V.Count)
            {
                V value = SimdMath.Exp(V.Load(line + c) - shift);
                value.Store(line + c);
                sums += value;
            }

            float sum = V.Sum(sums);
            V factor = V.All(1f / sum);
            for (int c = 0; c < columns; c += V.Count)
            {
                (V.Load(line + c) * factor).Store(line + c);
            }

            return max + MathF.Log(sum);
        }
    }

    private readonly struct WindowBackwardKernel(
        CpuBackend backend,
        WindowProblem problem,
        (StridedRows Y, StridedRows Dy) output,
        (StridedRows Q, StridedRows K, StridedRows V) gradients,
        (bool Q, bool K, bool V) add,
        float* partials) : IKernel
    {
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            int width = AttentionTiles.PaddedWidth<V>(problem.Width);
            (int rows, int columns) = (problem.PaddedRows, problem.PaddedColumns<V>());
            using Scratch scratch = backend.RentScratch((4L * rows * width) + (2L * problem.Width * columns) + (2L * (rows + AttentionProducts.RowBlock) * columns));
            var work = new WindowScratch(scratch.Pointer, rows * width, problem.Width * columns, (rows + AttentionProducts.RowBlock) * columns);
            int pairs = problem.Length * problem.Length;
            for (long task = start; task < end; task++)
            {
                int head = (int)(task % problem.Heads);
                (int first, int last) = problem.WindowsOf(task / problem.Heads);
                float* sum = partials is null ? null : partials + (task * pairs);
                if (sum is not null)
                {
                    new Span<float>(sum, pairs).Clear();
                }

                for (int window = first; window < last; window++)
                {
                    RunWindow<V>(window, head, work, sum);
                }
            }
        }

        private void RunWindow<V>(int window, int head, WindowScratch work, float* sum)
            where V : unmanaged, ISimd<V>
        {
            (int rows, int columns, int length, int width) = (problem.PaddedRows, problem.PaddedColumns<V>(), problem.Length, AttentionTiles.PaddedWidth<V>(problem.Width));
            problem.CopyRows<V>(problem.Q, window, head, problem.Scale, work.Queries);
            problem.CopyRows<V>(problem.K, window, head, 1f, work.Keys);
            problem.CopyRows<V>(output.Dy, window, head, 1f, work.Dy);
            problem.CopyColumns<V>(problem.K, window, head, work.KeyColumns);
            problem.CopyColumns<V>(problem.V, window, head, work.ValueColumns);
            problem.Scores<V>(window, head, work.Queries, work.KeyColumns, work.P);
            AttentionProducts.Multiply<V>(rows, columns, problem.Width, work.Dy, width, 1, work.ValueColumns, columns, work.DS, columns, add: false);
            for (int row = 0; row < length; row++)
            {
                float* dy = output.Dy.At((window * length) + row, head * problem.Width);
                float delta = AttentionProducts.Dot<V>(output.Y.At((window * length) + row, head * problem.Width), dy, problem.Width);
                Differentiate<V>(head, window, row, problem.LogSumsOf(head, window)[row], delta, work.P + (row * columns), work.DS + (row * columns), columns);
                for (int column = 0; sum is not null && column < length; column++)
                {
                    sum[(row * length) + column] += work.DS[(row * columns) + column];
                }
            }

            int place = window * length;
            if (gradients.V.IsWanted)
            {
                AttentionProducts.Multiply<V>(rows, width, length, work.P, 1, columns, work.Dy, width, work.Sums, width, add: false);
                AttentionTiles.WriteRows<V>(work.Sums, length, problem.Width, 1f, gradients.V.At(place, head * problem.Width), gradients.V.Stride, add.V);
            }

            if (gradients.K.IsWanted)
            {
                AttentionProducts.Multiply<V>(rows, width, length, work.DS, 1, columns, work.Queries, width, work.Sums, width, add: false);
                AttentionTiles.WriteRows<V>(work.Sums, length, problem.Width, 1f, gradients.K.At(place, head * problem.Width), gradients.K.Stride, add.K);
            }

            if (gradients.Q.IsWanted)
            {
                AttentionProducts.Multiply<V>(rows, width, length, work.DS, columns, 1, work.Keys, width, work.Sums, width, add: false);
                AttentionTiles.WriteRows<V>(work.Sums, length, problem.Width, problem.Scale, gradients.Q.At(place, head * problem.Width), gradients.Q.Stride, add.Q);
            }
        }

        // Scores become probabilities as they multiply the values, and the gradient of these becomes that of the scores.
        private void Differentiate<V>(int head, int window, int row, float logSum, float delta, float* p, float* ds, int columns)
            where V : unmanaged, ISimd<V>
        {
            (V shift, V deltas) = (V.All(logSum), V.All(delta));
            for (int c = 0; c < columns; c += V.Count)
            {
                SimdMath.Exp(V.Load(p + c) - shift).Store(p + c);
            }

            if (!problem.Drops)
            {
                for (int c = 0; c < columns; c += V.Count)
                {
                    (V.Load(p + c) * (V.Load(ds + c) - deltas)).Store(ds + c);
                }

                return;
            }

            for (int c = 0; c < problem.Length; c++)
            {
                float factor = problem.DropoutOf(head, window, row, c);
                ds[c] = p[c] * ((ds[c] * factor) - delta);
                p[c] *= factor;
            }
        }
    }

    // Matrices of one window.
    private readonly struct WindowScratch(float* memory, int rowFloats, int columnFloats, int scoreFloats)
    {
        public float* Queries => memory;

        public float* Keys => memory + rowFloats;

        public float* Dy => memory + (2 * rowFloats);

        public float* Sums => memory + (3 * rowFloats);

        public float* KeyColumns => memory + (4 * rowFloats);

        public float* ValueColumns => KeyColumns + columnFloats;

        public float* P => ValueColumns + columnFloats;

        public float* DS => P + scoreFloats;
    }
}
