using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>The backward kernel of attention.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void AttentionBackward(
        Tensor q,
        Tensor k,
        Tensor v,
        Tensor? bias,
        AttentionSpans spans,
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
        ArgumentNullException.ThrowIfNull(spans);
        ArgumentNullException.ThrowIfNull(options);
        ClearUnseen(spans, dk);
        ClearUnseen(spans, dv);
        var problem = new AttentionProblem(q, k, v, bias, spans, options, dropout, logSums);
        var kernel = new AttentionBackwardKernel(
            this,
            problem,
            new StridedRows(y),
            new StridedRows(dy),
            new StridedRows(dq.Tensor),
            new StridedRows(dk.Tensor),
            new StridedRows(dv.Tensor),
            new PairNumbers(dbias.Tensor),
            (dq.Add, dk.Add, dv.Add, dbias.Add));
        For((long)spans.Groups.Length * options.KvHeads, 1, kernel);
        KeepAlive(q, k, v, y, logSums, dy);
        KeepAlive(bias, dbias.Tensor);
    }

    // Keys that no query sees have a gradient of zero, and no task comes past them.
    private static void ClearUnseen(AttentionSpans spans, AttentionGrad grad)
    {
        if (grad.Add || grad.Tensor is not { } tensor)
        {
            return;
        }

        int next = 0;
        foreach (AttentionRun group in spans.Groups)
        {
            if (!group.IsEmpty)
            {
                tensor.Backend.Fill(tensor.RowRange(next, Math.Max(0, group.KeyStart - next)), 0f);
                next = group.KeyEnd;
            }
        }

        tensor.Backend.Fill(tensor.RowRange(next, tensor.Rows - next), 0f);
    }

    private readonly struct StridedRows(Tensor? tensor)
    {
        private readonly float* _first = tensor is null ? null : (float*)tensor.Pointer;

        public readonly long Stride = tensor?.RowStride ?? 0;

        public bool IsWanted => _first != null;

        public float* At(int row, int column) => _first + (row * Stride) + column;
    }

    // Task: one key head and one group of queries whose keys nobody else sees, so that it alone writes their gradients and sums them in
    // one order. A block of keys stays in the cache while all tiles of queries that see some of it pass by.
    private readonly struct AttentionBackwardKernel(
        CpuBackend backend,
        AttentionProblem problem,
        StridedRows y,
        StridedRows dy,
        StridedRows dq,
        StridedRows dk,
        StridedRows dv,
        PairNumbers dbias,
        (bool Q, bool K, bool V, bool Bias) add) : IKernel
    {
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long task = start; task < end; task++)
            {
                RunGroup<V>(problem.Spans.Groups[task / problem.KvHeads], (int)(task % problem.KvHeads));
            }
        }

        private void RunGroup<V>(AttentionRun group, int kvHead)
            where V : unmanaged, ISimd<V>
        {
            int width = problem.Width;
            int padded = AttentionTiles.PaddedWidth<V>(width);
            int keys = group.KeyEnd - group.KeyStart;
            int keyRows = keys + AttentionProducts.RowBlock; // products may run over the end by less than one block of rows
            int tiles = group.EndTile - group.FirstTile;
            long tileFloats = AttentionBackwardTile.FloatsFor(padded);
            using Scratch scratch = backend.RentScratch((4L * keyRows * padded) + (tiles * tileFloats) + AttentionBackwardBlock.Floats);
            var block = new AttentionBackwardBlock(scratch.Pointer);
            float* k = scratch.Pointer + AttentionBackwardBlock.Floats;
            float* v = k + ((long)keyRows * padded);
            float* sumK = v + ((long)keyRows * padded);
            float* sumV = sumK + ((long)keyRows * padded);
            float* tileMemory = sumV + ((long)keyRows * padded);
            int column = kvHead * width;
            AttentionTiles.CopyRows<V>(problem.KeyAt(group.KeyStart, kvHead), problem.KStride, keys, width, 1f, k, keyRows);
            AttentionTiles.CopyRows<V>(problem.ValueAt(group.KeyStart, kvHead), problem.VStride, keys, width, 1f, v, keyRows);
            Clear(sumK, 2L * keyRows * padded);
            for (int head = kvHead * problem.HeadsPerKv; head < (kvHead + 1) * problem.HeadsPerKv; head++)
            {
                // Once even where no query sees a key, because the first round prepares the tiles.
                for (int first = 0; first == 0 || first < keys; first += AttentionTiles.KeyBlock)
                {
                    int end = Math.Min(keys, first + AttentionTiles.KeyBlock);
                    for (int t = 0; t < tiles; t++)
                    {
                        AttentionTile tile = problem.Spans.Tiles[group.FirstTile + t];
                        if (first == 0)
                        {
                            Prepare<V>(tile, head, new AttentionBackwardTile(tileMemory + (t * tileFloats), padded));
                            if (t + 1 < tiles)
                            {
                                PrefetchTile(problem.Spans.Tiles[group.FirstTile + t + 1], head);
                            }
                        }

                        int from = Math.Max(first, tile.KeyStart - group.KeyStart);
                        int rows = Math.Min(end, tile.KeyEnd - group.KeyStart) - from;
                        if (rows > 0)
                        {
                            long at = (long)from * padded;
                            var work = new AttentionBackwardTile(tileMemory + (t * tileFloats), padded);
                            RunBlock<V>(tile, head, from + group.KeyStart - tile.KeyStart, rows, work, block, k + at, v + at, sumK + at, sumV + at);
                        }
                    }
                }

                for (int t = 0; t < tiles && dq.IsWanted; t++)
                {
                    AttentionTile tile = problem.Spans.Tiles[group.FirstTile + t];
                    var work = new AttentionBackwardTile(tileMemory + (t * tileFloats), padded);
                    AttentionTiles.WriteRows<V>(work.SumQ, tile.Queries, width, problem.Scale, dq.At(tile.Query, head * width), dq.Stride, add.Q);
                }
            }

            if (dk.IsWanted)
            {
                AttentionTiles.WriteRows<V>(sumK, keys, width, 1f, dk.At(group.KeyStart, column), dk.Stride, add.K);
            }

            if (dv.IsWanted)
            {
                AttentionTiles.WriteRows<V>(sumV, keys, width, 1f, dv.At(group.KeyStart, column), dv.Stride, add.V);
            }
        }

        private static void Clear(float* memory, long count)
        {
            for (long i = 0; i < count; i += int.MaxValue)
            {
                new Span<float>(memory + i, (int)Math.Min(int.MaxValue, count - i)).Clear();
            }
        }

        // The next tile's rows arrive while this one is worked on. One head's rows lie a whole token apart, so that the processor does
        // not foresee them, and in short texts waiting for them takes a third of the time.
        private void PrefetchTile(in AttentionTile tile, int head)
        {
            int column = head * problem.Width;
            AttentionTiles.Prefetch(problem.QueryAt(tile.Query, head), problem.QStride, tile.Queries, problem.Width);
            AttentionTiles.Prefetch(dy.At(tile.Query, column), dy.Stride, tile.Queries, problem.Width);
            AttentionTiles.Prefetch(y.At(tile.Query, column), y.Stride, tile.Queries, problem.Width);
        }

        private void Prepare<V>(in AttentionTile tile, int head, AttentionBackwardTile work)
            where V : unmanaged, ISimd<V>
        {
            int width = problem.Width;
            int column = head * width;
            AttentionTiles.CopyRows<V>(problem.QueryAt(tile.Query, head), problem.QStride, tile.Queries, width, problem.Scale, work.Q, AttentionTiles.Queries);
            AttentionTiles.CopyRows<V>(dy.At(tile.Query, column), dy.Stride, tile.Queries, width, 1f, work.Dy, AttentionTiles.Queries);
            AttentionTiles.Transpose<V>(work.Q, work.Padded, work.QPacked);
            AttentionTiles.Transpose<V>(work.Dy, work.Padded, work.DyPacked);
            AttentionTiles.FillLimits(problem.Spans, tile, work.Starts, work.Ends);
            work.Clear();
            for (int lane = 0; lane < tile.Queries; lane++)
            {
                work.LogSums[lane] = problem.LogSums[problem.QueryOf(head, tile.Query + lane)];
                work.Deltas[lane] = AttentionProducts.Dot<V>(y.At(tile.Query + lane, column), dy.At(tile.Query + lane, column), width);
            }
        }

        // One tile of queries against the rows of one block of keys that it sees; firstKey counts from the tile's first key.
        private void RunBlock<V>(
            in AttentionTile tile,
            int head,
            int firstKey,
            int rows,
            AttentionBackwardTile work,
            AttentionBackwardBlock block,
            float* k,
            float* v,
            float* sumK,
            float* sumV)
            where V : unmanaged, ISimd<V>
        {
            const int Lanes = AttentionTiles.Queries;
            int padded = work.Padded;
            bool wantsScores = dq.IsWanted || dk.IsWanted || dbias.At(head, 0) != null;
            AttentionTiles.Scores<V>(problem.Spans, tile, firstKey, rows, k, padded, problem.Width, work.QPacked, block.P);
            AttentionTiles.AddPairs(problem.Spans, tile, firstKey, rows, problem.Bias.At(head, 0), block.P);
            AttentionTiles.AddSlopes<V>(block.P, rows, firstKey, work.Ends, problem.SlopeOf(head));
            if (problem.Cap > 0f)
            {
                AttentionTiles.Cap<V>(block.P, rows * Lanes, problem.Cap);
            }

            AttentionTiles.Mask<V>(block.P, rows, firstKey, tile, work.Starts, work.Ends);
            float* factors = null;
            if (problem.Dropout is { } dropout)
            {
                factors = block.Factors;
                AttentionDropout.Factors<V>(
                    dropout, problem.QueryOf(head, tile.Query), tile.KeyStart + firstKey, rows, problem.KeyCount, factors);
            }

            if (wantsScores)
            {
                AttentionProducts.Multiply<V>(rows, Lanes, problem.Width, v, padded, 1, work.DyPacked, Lanes, block.DS, Lanes, add: false);
            }

            block.Differentiate<V>(rows, work.LogSums, work.Deltas, factors, problem.Cap);
            AttentionTiles.WritePairs(problem.Spans, tile, firstKey, rows, block.DS, dbias.At(head, 0), add.Bias);
            if (dv.IsWanted)
            {
                AttentionTiles.AddToKeys<V>(problem.Spans, tile, firstKey, rows, block.P, work.Dy, padded, sumV);
            }

            if (dk.IsWanted)
            {
                AttentionTiles.AddToKeys<V>(problem.Spans, tile, firstKey, rows, block.DS, work.Q, padded, sumK);
            }

            for (int lane = 0; lane < tile.Queries && dq.IsWanted; lane += AttentionProducts.RowBlock)
            {
                (int from, int to) = AttentionTiles.KeysOfBlock(problem.Spans, tile, lane, firstKey, rows);
                if (to > from)
                {
                    AttentionProducts.Multiply<V>(
                        AttentionProducts.RowBlock,
                        padded,
                        to - from,
                        block.DS + (from * Lanes) + lane,
                        1,
                        Lanes,
                        k + ((long)from * padded),
                        padded,
                        work.SumQ + (lane * padded),
                        padded,
                        add: true);
                }
            }
        }
    }
}
