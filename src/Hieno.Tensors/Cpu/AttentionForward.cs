using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>The forward kernel of attention.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void AttentionForward(
        Tensor q, Tensor k, Tensor v, Tensor? bias, AttentionSpans spans, AttentionOptions options, DropoutMask? dropout, Tensor y, Tensor logSums)
    {
        ArgumentNullException.ThrowIfNull(spans);
        ArgumentNullException.ThrowIfNull(options);
        var problem = new AttentionProblem(q, k, v, bias, spans, options, dropout, logSums);
        For((long)spans.Runs.Length * options.KvHeads, 1, new AttentionForwardKernel(this, problem, y));
        KeepAlive(q, k, v, y, logSums, bias);
    }

    /// <summary>What both kernels of attention read.</summary>
    private readonly struct AttentionProblem(
        Tensor q, Tensor k, Tensor v, Tensor? bias, AttentionSpans spans, AttentionOptions options, DropoutMask? dropout, Tensor logSums)
    {
        private const int MostSingleRows = 4;

        public readonly float* Q = (float*)q.Pointer;
        public readonly float* K = (float*)k.Pointer;
        public readonly float* V = (float*)v.Pointer;
        public readonly float* LogSums = (float*)logSums.Pointer;
        public readonly PairNumbers Bias = new(bias);
        public readonly long QStride = q.RowStride;
        public readonly long KStride = k.RowStride;
        public readonly long VStride = v.RowStride;
        public readonly int QueryCount = q.Rows;
        public readonly int KeyCount = k.Rows;
        public readonly int Width = q.Columns / options.Heads;
        public readonly float Scale = options.Scale!.Value;
        public readonly float Cap = options.SoftCap;
        public readonly IReadOnlyList<float>? Slopes = options.Slopes;
        public readonly int KvHeads = options.KvHeads;
        public readonly int HeadsPerKv = options.HeadsPerKv;
        public readonly AttentionSpans Spans = spans;
        public readonly DropoutMask? Dropout = dropout;

        public float* QueryAt(int query, int head) => Q + (query * QStride) + (head * Width);

        public float* KeyAt(int key, int kvHead) => K + (key * KStride) + (kvHead * Width);

        public float* ValueAt(int key, int kvHead) => V + (key * VStride) + (kvHead * Width);

        public float SlopeOf(int head) => Slopes is null ? 0f : Slopes[head];

        /// <summary>True for so few queries that a tile's empty lanes would cost more than taking the queries one by one.</summary>
        public bool GoesRowByRow(in AttentionTile tile) => tile.Queries <= MostSingleRows && Dropout is null;

        /// <summary>The run with the keys of those tiles only that do not go row by row: what is worth copying.</summary>
        public AttentionRun KeysOfTiles(AttentionRun run)
        {
            AttentionRun tiled = default;
            for (int t = run.FirstTile; t < run.EndTile; t++)
            {
                AttentionTile tile = Spans.Tiles[t];
                tiled = GoesRowByRow(tile) ? tiled : tiled.With(AttentionRun.Of(t, tile));
            }

            return tiled;
        }

        /// <summary>A head's query, counted over the queries of all heads before it.</summary>
        public ulong QueryOf(int head, int query) => ((ulong)head * (ulong)QueryCount) + (ulong)query;
    }

    /// <summary>One number for each head and each pair of a query and a key, or none at all.</summary>
    private readonly struct PairNumbers(Tensor? tensor)
    {
        private readonly float* _first = tensor is null ? null : (float*)tensor.Pointer;
        private readonly long _stride = tensor?.RowStride ?? 0;

        /// <summary>The number of a pair, or null.</summary>
        public float* At(int head, int pair) => _first == null ? null : _first + (head * _stride) + pair;
    }

    // Task: one key head and one run of tiles. For each of its query heads and tiles, keys are met block by block; the running maximum,
    // sum and output of each query are kept as in Dao 2023, algorithm 1.
    private readonly struct AttentionForwardKernel(CpuBackend backend, AttentionProblem problem, Tensor y) : IKernel
    {
        private readonly float* _y = (float*)y.Pointer;
        private readonly long _yStride = y.RowStride;

        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long task = start; task < end; task++)
            {
                // Later runs of a long causal text are the longest, so they go first.
                int kvHead = (int)(task % problem.KvHeads);
                AttentionRun run = problem.Spans.Runs[problem.Spans.Runs.Length - 1 - (int)(task / problem.KvHeads)];
                RunTiles<V>(run, kvHead);
            }
        }

        private void RunTiles<V>(AttentionRun run, int kvHead)
            where V : unmanaged, ISimd<V>
        {
            int padded = AttentionTiles.PaddedWidth<V>(problem.Width);
            AttentionRun tiled = problem.KeysOfTiles(run);
            int keys = tiled.KeyEnd - tiled.KeyStart;
            int keyRows = keys == 0 ? 0 : keys + AttentionProducts.RowBlock; // products may run over the end by less than one block of rows
            long keyFloats = (long)keyRows * padded;
            long rowFloats = (long)AttentionRow.Floats(problem.Width) * problem.HeadsPerKv;
            using Scratch scratch = backend.RentScratch((2 * keyFloats) + Math.Max(AttentionForwardTile.FloatsFor(padded), rowFloats));
            float* k = scratch.Pointer + Math.Max(AttentionForwardTile.FloatsFor(padded), rowFloats);
            float* v = k + keyFloats;
            AttentionTiles.CopyRows<V>(problem.KeyAt(tiled.KeyStart, kvHead), problem.KStride, keys, problem.Width, 1f, k, keyRows);
            AttentionTiles.CopyRows<V>(problem.ValueAt(tiled.KeyStart, kvHead), problem.VStride, keys, problem.Width, 1f, v, keyRows);

            var work = new AttentionForwardTile(scratch.Pointer, problem.Width, padded);
            for (int t = run.FirstTile; t < run.EndTile; t++)
            {
                AttentionTile tile = problem.Spans.Tiles[t];
                if (problem.GoesRowByRow(tile))
                {
                    for (int query = tile.Query; query < tile.Query + tile.Queries; query++)
                    {
                        RunRow<V>(query, kvHead, scratch.Pointer);
                    }

                    continue;
                }

                AttentionTiles.FillLimits(problem.Spans, tile, work.Starts, work.Ends);
                long firstKey = (long)(tile.KeyStart - tiled.KeyStart) * padded;
                for (int head = kvHead * problem.HeadsPerKv; head < (kvHead + 1) * problem.HeadsPerKv; head++)
                {
                    RunTile<V>(tile, head, work, k + firstKey, v + firstKey);
                }
            }
        }

        // The query heads that share the keys take turns at each block of them.
        private void RunRow<V>(int query, int kvHead, float* memory)
            where V : unmanaged, ISimd<V>
        {
            int width = problem.Width;
            int firstHead = kvHead * problem.HeadsPerKv;
            for (int h = 0; h < problem.HeadsPerKv; h++)
            {
                new AttentionRow(memory + (h * AttentionRow.Floats(width)), width).Begin(problem.QueryAt(query, firstHead + h), problem.Scale);
            }

            for (int key = problem.Spans.Start[query]; key < problem.Spans.End[query]; key += AttentionRow.KeyBlock)
            {
                int rows = Math.Min(AttentionRow.KeyBlock, problem.Spans.End[query] - key);
                for (int h = 0; h < problem.HeadsPerKv; h++)
                {
                    new AttentionRow(memory + (h * AttentionRow.Floats(width)), width).Meet<V>(
                        problem.KeyAt(key, kvHead),
                        problem.KStride,
                        problem.ValueAt(key, kvHead),
                        problem.VStride,
                        rows,
                        problem.Bias.At(firstHead + h, problem.Spans.PairStart[query] + key - problem.Spans.Start[query]),
                        (problem.SlopeOf(firstHead + h), key - problem.Spans.End[query] + 1),
                        problem.Cap);
                }
            }

            for (int h = 0; h < problem.HeadsPerKv; h++)
            {
                float logSum = new AttentionRow(memory + (h * AttentionRow.Floats(width)), width).Finish(
                    _y + (query * _yStride) + ((firstHead + h) * width));
                problem.LogSums[problem.QueryOf(firstHead + h, query)] = logSum;
            }
        }

        private void RunTile<V>(in AttentionTile tile, int head, AttentionForwardTile work, float* k, float* v)
            where V : unmanaged, ISimd<V>
        {
            int width = problem.Width;
            AttentionTiles.CopyRows<V>(problem.QueryAt(tile.Query, head), problem.QStride, tile.Queries, width, problem.Scale, work.Output, AttentionTiles.Queries);
            AttentionTiles.Transpose<V>(work.Output, work.Padded, work.Q);
            work.Clear();
            int keys = tile.KeyEnd - tile.KeyStart;
            for (int first = 0; first < keys; first += AttentionTiles.KeyBlock)
            {
                int rows = Math.Min(AttentionTiles.KeyBlock, keys - first);
                AttentionTiles.Scores<V>(
                    problem.Spans, tile, first, rows, k + ((long)first * work.Padded), work.Padded, width, work.Q, work.P);
                AttentionTiles.AddPairs(problem.Spans, tile, first, rows, problem.Bias.At(head, 0), work.P);
                AttentionTiles.AddSlopes<V>(work.P, rows, first, work.Ends, problem.SlopeOf(head));
                if (problem.Cap > 0f)
                {
                    AttentionTiles.Cap<V>(work.P, rows * AttentionTiles.Queries, problem.Cap);
                }

                AttentionTiles.Mask<V>(work.P, rows, first, tile, work.Starts, work.Ends);
                work.Softmax<V>(rows);
                if (problem.Dropout is { } dropout)
                {
                    AttentionDropout.Factors<V>(
                        dropout, problem.QueryOf(head, tile.Query), tile.KeyStart + first, rows, problem.KeyCount, work.Factors);
                    work.Drop<V>(rows);
                }

                AddValues<V>(tile, first, rows, work, v);
            }

            work.Finish<V>(
                tile.Queries, _y + (tile.Query * _yStride) + (head * width), _yStride, problem.LogSums + problem.QueryOf(head, tile.Query));
        }

        // Output += P · V, eight queries at a time, each over the keys that at least one of the eight sees.
        private void AddValues<V>(in AttentionTile tile, int first, int rows, AttentionForwardTile work, float* v)
            where V : unmanaged, ISimd<V>
        {
            for (int lane = 0; lane < tile.Queries; lane += AttentionProducts.RowBlock)
            {
                (int from, int to) = AttentionTiles.KeysOfBlock(problem.Spans, tile, lane, first, rows);
                if (to > from)
                {
                    AttentionProducts.Multiply<V>(
                        AttentionProducts.RowBlock,
                        work.Padded,
                        to - from,
                        work.P + (from * AttentionTiles.Queries) + lane,
                        1,
                        AttentionTiles.Queries,
                        v + ((long)(first + from) * work.Padded),
                        work.Padded,
                        work.Output + (lane * work.Padded),
                        work.Padded,
                        add: true);
                }
            }
        }
    }
}
