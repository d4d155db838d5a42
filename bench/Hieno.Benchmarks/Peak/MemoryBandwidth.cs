using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Hieno.Benchmarks.Peak;

/// <summary>Bytes a second between the processor and main memory, the bound of everything that is not a matrix product.</summary>
internal static unsafe partial class MemoryBandwidth
{
    // 256 MiB in all, far above any last-level cache a step could hide in, shared out among the threads.
    private const long Bytes = 256L << 20;
    private const nuint HugePage = 2u << 20;
    private const int AdviseHugePages = 14; // MADV_HUGEPAGE of <sys/mman.h>

    /// <summary>Measures reading: every byte of a buffer once.</summary>
    public static double Read(int threads)
    {
        float* buffer = Allocate(Bytes);
        long part = PartOf(threads);
        try
        {
            double seconds = Together.BestOf(7, threads, id => Sum(buffer + (id * part), part));
            return threads * part * sizeof(float) / seconds;
        }
        finally
        {
            NativeMemory.AlignedFree(buffer);
        }
    }

    /// <summary>Measures copying one buffer into another; bytes read and bytes written both count.</summary>
    public static double Copy(int threads)
    {
        float* from = Allocate(Bytes), to = Allocate(Bytes);
        long part = PartOf(threads);
        try
        {
            double seconds = Together.BestOf(7, threads, id =>
            {
                long bytes = part * sizeof(float);
                Buffer.MemoryCopy(from + (id * part), to + (id * part), bytes, bytes);
                return to[id * part];
            });
            return 2.0 * threads * part * sizeof(float) / seconds;
        }
        finally
        {
            NativeMemory.AlignedFree(from);
            NativeMemory.AlignedFree(to);
        }
    }

    /// <summary>Floats for each thread: whole blocks of four 512-bit vectors.</summary>
    private static long PartOf(int threads) => Bytes / sizeof(float) / threads / 64 * 64;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Sum(float* data, long count)
    {
        // Four sums side by side: one alone would wait for the latency of its additions instead of the memory.
        Vector512<float> a = default, b = default, c = default, d = default;
        for (float* end = data + count; data < end; data += 64)
        {
            a += Vector512.Load(data);
            b += Vector512.Load(data + 16);
            c += Vector512.Load(data + 32);
            d += Vector512.Load(data + 48);
        }

        return Vector512.Sum(a + b + c + d);
    }

    /// <summary>Written memory on huge pages, as the engine's own: with 4 KiB pages the figures would be those of the page tables.</summary>
    private static float* Allocate(long bytes)
    {
        void* memory = NativeMemory.AlignedAlloc((nuint)bytes, HugePage);
        if (OperatingSystem.IsLinux())
        {
            _ = Advise(memory, (nuint)bytes, AdviseHugePages); // advice: a kernel without huge pages may decline it
        }

        new Span<byte>(memory, checked((int)bytes)).Fill(1);
        return (float*)memory;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
