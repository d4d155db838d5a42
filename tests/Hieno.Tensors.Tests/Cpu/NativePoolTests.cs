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
            Assert.Equal(0, size >= 2 << 20 ? block % (2 << 20) : 0);
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
