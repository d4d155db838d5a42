using System.Runtime.InteropServices;

namespace Hieno.Tensors.Cpu;

/// <summary>
/// Native memory for step-owned tensors. Blocks are kept and handed out again, so that after the first step nothing is asked of the
/// operating system. Regions are offered to the kernel for huge pages: optimizer steps ran 1.6 times faster so, because ordinary 4 KiB
/// pages cost address translations.
/// </summary>
/// <remarks>
/// Large blocks are cut from regions and grow together again when they come back, so that what activations leave behind in the backward
/// pass can hold gradients. Memory of a region that was never handed out costs nothing: the kernel has not provided it yet. So a request
/// takes the smallest free range that fits, and new memory only where there is none.
/// </remarks>
internal sealed unsafe class NativePool : IDisposable
{
    private const long HugePage = 2L << 20;
    private const long RegionBytes = 256L << 20;
    private const long SlabBytes = 1L << 20;
    private const long LargeBlock = 32L << 10; // from here on, blocks are cut from regions
    private const int Alignment = 64; // one cache line, one 512-bit vector

    private readonly Lock _lock = new();
    private readonly Dictionary<long, Stack<nint>> _small = [];
    private readonly List<Region> _regions = [];
    private readonly List<FreeRange> _free = []; // by address; no two of them touch
    private nint _slab;
    private long _slabLeft;
    private long _live;
    private long _peak;
    private long _total;

    public PoolStatistics Statistics
    {
        get
        {
            lock (_lock)
            {
                return new PoolStatistics(_live, _peak, _total);
            }
        }
    }

    /// <summary>A block of at least <paramref name="bytes"/> bytes with undefined content; its true size is <see cref="SizeClass"/>.</summary>
    public nint Rent(long bytes)
    {
        long size = SizeClass(bytes);
        lock (_lock)
        {
            _live += size;
            _peak = Math.Max(_peak, _live);
            if (size >= LargeBlock)
            {
                return Cut(size);
            }

            return _small.TryGetValue(size, out Stack<nint>? blocks) && blocks.TryPop(out nint block) ? block : Carve(size);
        }
    }

    public void Return(nint block, long bytes)
    {
        long size = SizeClass(bytes);
        lock (_lock)
        {
            if (_regions.Count == 0)
            {
                return; // the pool has been disposed, and its memory with it
            }

            _live -= size;
            if (size >= LargeBlock)
            {
                Merge(new FreeRange(block, size));
                return;
            }

            if (!_small.TryGetValue(size, out Stack<nint>? blocks))
            {
                _small[size] = blocks = new Stack<nint>();
            }

            blocks.Push(block);
        }
    }

    /// <summary>
    /// Small requests are rounded up so that blocks fit again: to one of eight sizes between powers of two, at least a cache line, which
    /// loses at most 12.5 %. Large ones are rounded to cache lines.
    /// </summary>
    public static long SizeClass(long bytes)
    {
        bytes = Math.Max(bytes, 1);
        long step = bytes > LargeBlock ? Alignment : Math.Max(Alignment, (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)bytes) / 16);
        return (bytes + step - 1) / step * step;
    }

    /// <summary>Memory of its own for a long-lived tensor, filled with zeros.</summary>
    public static nint AllocateZeroed(long bytes)
    {
        nint block = AllocateAligned(Math.Max(bytes, 1));
        NativeMemory.Clear((void*)block, (nuint)Math.Max(bytes, 1));
        return block;
    }

    public static void FreeAligned(nint block) => NativeMemory.AlignedFree((void*)block);

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (Region region in _regions)
            {
                FreeAligned(region.Start);
            }

            _regions.Clear();
            _free.Clear();
            _small.Clear();
            (_slab, _slabLeft, _live, _total) = (0, 0, 0, 0);
        }
    }

    private static nint AllocateAligned(long bytes)
    {
        bool huge = bytes >= HugePage;
        long padded = (bytes + Alignment - 1) / Alignment * Alignment;
        void* block = NativeMemory.AlignedAlloc((nuint)padded, (nuint)(huge ? HugePage : Alignment));
        if (huge && OperatingSystem.IsLinux())
        {
            // Whole huge pages only: one for the rest would take up to 2 MiB for nothing. Advice: a refusal costs speed, nothing else.
            _ = MemoryAdvice(block, (nuint)(bytes / HugePage * HugePage), AdviseHugePages);
        }

        return (nint)block;
    }

    /// <summary>A block from the smallest free range that holds it, the first of several; else from memory that was never used.</summary>
    private nint Cut(long size)
    {
        int best = -1;
        for (int i = 0; i < _free.Count; i++)
        {
            long length = _free[i].Length;
            best = length >= size && (best < 0 || length < _free[best].Length) ? i : best;
        }

        if (best < 0)
        {
            return Extend(size);
        }

        FreeRange range = _free[best];
        if (range.Length == size)
        {
            _free.RemoveAt(best);
        }
        else
        {
            _free[best] = new FreeRange(range.Start + (nint)size, range.Length - size);
        }

        return range.Start;
    }

    private nint Extend(long size)
    {
        foreach (Region region in _regions)
        {
            // A free range at the border of what was used is a part of the new block.
            int last = _free.FindIndex(range => range.End == region.Used);
            nint start = last < 0 ? region.Used : _free[last].Start;
            if (start + (nint)size <= region.End)
            {
                if (last >= 0)
                {
                    _free.RemoveAt(last);
                }

                Use(region, start + (nint)size);
                return start;
            }
        }

        long bytes = Math.Max(RegionBytes, (size + HugePage - 1) / HugePage * HugePage);
        var added = new Region(AllocateAligned(bytes), bytes);
        _regions.Add(added);
        Use(added, added.Start + (nint)size);
        return added.Start;
    }

    private void Use(Region region, nint upTo)
    {
        _total += upTo - region.Used;
        region.Used = upTo;
    }

    /// <summary>Puts a range back between its neighbours and joins those that it touches.</summary>
    private void Merge(FreeRange range)
    {
        int at = ~_free.BinarySearch(range);
        if (at < _free.Count && _free[at].Start == range.End)
        {
            range = range with { Length = range.Length + _free[at].Length };
            _free.RemoveAt(at);
        }

        if (at > 0 && _free[at - 1].End == range.Start)
        {
            _free[at - 1] = new FreeRange(_free[at - 1].Start, _free[at - 1].Length + range.Length);
        }
        else
        {
            _free.Insert(at, range);
        }
    }

    private nint Carve(long size)
    {
        if (_slabLeft < size)
        {
            _slab = Cut(SlabBytes);
            _slabLeft = SlabBytes;
        }

        nint block = _slab;
        _slab += (nint)size;
        _slabLeft -= size;
        return block;
    }

    private readonly record struct FreeRange(nint Start, long Length) : IComparable<FreeRange>
    {
        public nint End => Start + (nint)Length;

        public int CompareTo(FreeRange other) => Start.CompareTo(other.Start);
    }

    /// <summary>Memory of the operating system; from <see cref="Used"/> on it was never handed out.</summary>
    private sealed class Region(nint start, long bytes)
    {
        public nint Start { get; } = start;

        public nint End { get; } = start + (nint)bytes;

        public nint Used { get; set; } = start;
    }

    private const int AdviseHugePages = 14; // MADV_HUGEPAGE

    [DllImport("libc", EntryPoint = "madvise", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int MemoryAdvice(void* address, nuint length, int advice);
}
