using Hieno.Tensors.Cpu;

namespace Hieno.Tensors.Tests.Cpu;

public sealed unsafe class NativePoolTests
{
    [Fact]
    public void Size_classes_hold_the_request_waste_an_eighth_at_most_and_are_their_own_class()
    {
        for (long bytes = 1; bytes < 10_000_000; bytes += 1 + (bytes / 7))
        {
            long size = NativePool.SizeClass(bytes);
            Assert.True(size >= bytes && size % 64 == 0, $"{bytes} → {size}");
            Assert.True(size <= Math.Max(64 + bytes, bytes * 1.125), $"{bytes} → {size}");
            Assert.Equal(size, NativePool.SizeClass(size));
        }

        Assert.Equal(64, NativePool.SizeClass(0));
    }

    [Fact]
    public void Blocks_are_aligned_do_not_overlap_and_are_handed_out_again()
    {
        using var pool = new NativePool();
        long[] sizes = [1, 64, 1000, 4096, 70_000, 1 << 20, 3 << 20, 20 << 20];
        var blocks = new List<(nint Start, long Size)>();
        foreach (long size in sizes.Concat(sizes))
        {
            nint block = pool.Rent(size);
            Assert.Equal(0, block % 64);
            *(byte*)block = 1;
            *(byte*)(block + (nint)NativePool.SizeClass(size) - 1) = 1;
            blocks.Add((block, NativePool.SizeClass(size)));
        }

        (nint Start, long Size)[] ordered = [.. blocks.OrderBy(block => block.Start)];
        Assert.All(ordered.Zip(ordered.Skip(1)), pair => Assert.True(pair.First.Start + pair.First.Size <= pair.Second.Start));
        PoolStatistics full = pool.Statistics;
        Assert.Equal(blocks.Sum(block => block.Size), full.LiveBytes);

        foreach ((nint start, long size) in blocks)
        {
            pool.Return(start, size);
        }

        Assert.Equal((0L, full.PeakBytes, full.ReservedBytes), (pool.Statistics.LiveBytes, pool.Statistics.PeakBytes, pool.Statistics.ReservedBytes));
        nint[] again = [.. sizes.Concat(sizes).Select(pool.Rent)];
        Assert.Equal(blocks.Select(block => block.Start).Order(), again.Order());
        Assert.Equal(full, pool.Statistics);
    }

    [Fact]
    public void Blocks_that_came_back_grow_together_and_hold_larger_ones()
    {
        using var pool = new NativePool();
        const long Size = 1 << 20;
        nint[] blocks = [.. Enumerable.Range(0, 8).Select(_ => pool.Rent(Size))];
        long reserved = pool.Statistics.ReservedBytes;
        foreach (int i in (int[])[1, 5, 3, 2, 4])
        {
            pool.Return(blocks[i], Size);
        }

        Assert.Equal(blocks[1], pool.Rent(5 * Size)); // blocks 1 to 5, whatever the order they came back in
        Assert.Equal(reserved, pool.Statistics.ReservedBytes);
        pool.Return(blocks[7], Size);
        Assert.Equal(blocks[7], pool.Rent(3 * Size)); // the border of what was used moves on by 2
        Assert.Equal(reserved + (2 * Size), pool.Statistics.ReservedBytes);
    }

    [Fact]
    public void The_smallest_free_range_that_fits_is_taken_first()
    {
        using var pool = new NativePool();
        long[] sizes = [4 << 20, 64 << 10, 1 << 20, 64 << 10, 2 << 20, 64 << 10];
        nint[] blocks = [.. sizes.Select(pool.Rent)];
        foreach (int i in (int[])[0, 2, 4])
        {
            pool.Return(blocks[i], sizes[i]);
        }

        Assert.Equal(blocks[2], pool.Rent(900 << 10));
        Assert.Equal(blocks[4], pool.Rent(900 << 10));
        Assert.Equal(blocks[0], pool.Rent(3 << 20));
    }

    [Fact]
    public void Random_traffic_never_hands_out_a_byte_twice_and_ends_as_it_began()
    {
        using var pool = new NativePool();
        var rng = new Rng(3, RngStream.DataOrder);
        var live = new List<(nint Start, long Bytes, byte Mark)>();
        for (ulong i = 0; i < 3000; i++)
        {
            if (live.Count > 0 && rng.Below(2, 0, i) == 0)
            {
                int at = rng.Below(live.Count, 1, i);
                (nint start, long bytes, byte mark) = live[at];
                Assert.Equal(-1, new ReadOnlySpan<byte>((void*)start, (int)bytes).IndexOfAnyExcept(mark));
                pool.Return(start, bytes);
                live.RemoveAt(at);
            }
            else
            {
                long bytes = 1 + rng.Below(rng.Below(4, 2, i) == 0 ? 400_000 : 40_000, 3, i);
                nint start = pool.Rent(bytes);
                new Span<byte>((void*)start, (int)bytes).Fill((byte)i);
                live.Add((start, bytes, (byte)i));
            }
        }

        live.ForEach(block => pool.Return(block.Start, block.Bytes));
        Assert.Equal(0, pool.Statistics.LiveBytes);
    }

    [Fact]
    public void Leased_memory_comes_back_when_it_is_freed_or_collected()
    {
        using var backend = new CpuBackend(threads: 1);
        Storage storage = backend.Lease(100_000);
        Assert.Equal(NativePool.SizeClass(100_000), backend.Pool.LiveBytes);
        storage.Free();
        storage.Free();
        Assert.Equal(0, backend.Pool.LiveBytes);

        Forget(backend);
        for (int i = 0; i < 10 && backend.Pool.LiveBytes > 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Equal(0, backend.Pool.LiveBytes);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static void Forget(CpuBackend backend) => backend.Lease(100_000);
    }

    [Fact]
    public void Long_lived_memory_is_zero_and_aligned()
    {
        using var backend = new CpuBackend(threads: 1);
        Storage storage = backend.Allocate(3 << 20);
        Assert.Equal(0, storage.Pointer % (2 << 20));
        Assert.Equal(-1, new ReadOnlySpan<byte>((void*)storage.Pointer, 3 << 20).IndexOfAnyExcept((byte)0));
        Assert.Equal(0, backend.Pool.LiveBytes);
        GC.KeepAlive(storage);
    }
}
