using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Lanes of a vector register: which version of each kernel runs.</summary>
public enum SimdWidth
{
    /// <summary>No vectors: one number at a time.</summary>
    Scalar = 1,

    /// <summary>128 bits: 4 singles.</summary>
    Bits128 = 4,

    /// <summary>256 bits: 8 singles.</summary>
    Bits256 = 8,

    /// <summary>512 bits: 16 singles.</summary>
    Bits512 = 16,
}

/// <summary>A kernel over a range of items (rows, or blocks of elements), compiled for each vector width.</summary>
internal interface IKernel
{
    /// <summary>Computes items [start, end). <paramref name="chunk"/> numbers the range, to write partial sums side by side.</summary>
    void Run<V>(int chunk, long start, long end)
        where V : unmanaged, ISimd<V>;
}

/// <summary>The processor: vector kernels over native memory, shared out to a team of worker threads.</summary>
public sealed partial class CpuBackend : Backend, IDisposable
{
    private static readonly Lazy<CpuBackend> s_shared = new(() => new CpuBackend());

    private readonly NativePool _pool = new();

    /// <summary>Starts a backend.</summary>
    /// <param name="threads">Threads that compute; 0 (default) takes the environment variable HIENO_THREADS, else one per processor.</param>
    /// <param name="width">The vectors to use; null (default) takes the widest this processor has.</param>
    /// <exception cref="PlatformNotSupportedException">The processor lacks vectors of the width asked for.</exception>
    public CpuBackend(int threads = 0, SimdWidth? width = null)
    {
        Width = width ?? Widest;
        if (Width > Widest)
        {
            throw new PlatformNotSupportedException($"This processor has no {(int)Width * 32}-bit vectors; the widest are {(int)Widest * 32}-bit.");
        }

        Team = new WorkerTeam(threads > 0 ? threads : DefaultThreads());
    }

    /// <summary>The backend used where none is named.</summary>
    public static CpuBackend Shared => s_shared.Value;

    /// <summary>The widest vectors of this processor (AVX-512, AVX2 with fused multiply-add, 128-bit, or none).</summary>
    public static SimdWidth Widest { get; } =
        Vector512.IsHardwareAccelerated && Avx512F.IsSupported ? SimdWidth.Bits512
        : Vector256.IsHardwareAccelerated && Fma.IsSupported ? SimdWidth.Bits256
        : Vector128.IsHardwareAccelerated ? SimdWidth.Bits128
        : SimdWidth.Scalar;

    /// <inheritdoc/>
    public override string Name => "cpu";

    /// <inheritdoc/>
    public override bool IsHostMemory => true;

    /// <inheritdoc/>
    public override PoolStatistics Pool => _pool.Statistics;

    /// <summary>Threads that compute.</summary>
    public int Threads => Team.Size;

    /// <summary>The vectors in use.</summary>
    public SimdWidth Width { get; }

    internal WorkerTeam Team { get; }

    /// <inheritdoc/>
    public override Storage Allocate(long bytes) => new OwnedStorage(this, new NativeBlock(bytes));

    /// <inheritdoc/>
    public override Storage Rent(long bytes) => new PooledStorage(this, _pool.Rent(bytes), bytes);

    /// <inheritdoc/>
    public override Storage Lease(long bytes) => new LeasedStorage(this, new PoolLease(this, bytes));

    /// <summary>Memory that something else owns, e.g. a mapped weight file.</summary>
    /// <param name="pointer">Its first byte.</param>
    /// <param name="byteLength">Its length.</param>
    /// <param name="owner">Kept alive as long as the storage is.</param>
    public Storage Borrow(nint pointer, long byteLength, object owner) => new BorrowedStorage(this, pointer, byteLength, owner);

    /// <summary>Ends the worker threads and frees the pool; tensors of this backend must not be used afterwards.</summary>
    public void Dispose()
    {
        Team.Dispose();
        _pool.Dispose();
    }

    internal nint RentBlock(long bytes) => _pool.Rent(bytes);

    internal void Return(nint block, long bytes) => _pool.Return(block, bytes);

    /// <summary>
    /// Runs <paramref name="kernel"/> over <paramref name="count"/> items in chunks of <paramref name="grain"/>. The chunks do not depend
    /// on the number of threads, so partial sums, and with them results, do not either.
    /// </summary>
    internal void For<TKernel>(long count, long grain, TKernel kernel)
        where TKernel : struct, IKernel
    {
        int chunks = checked((int)((count + grain - 1) / grain));
        Team.Run(chunks, new KernelJob<TKernel>(kernel, Width, count, grain));
    }

    /// <summary>
    /// Stands at the end of every kernel: kernels read raw pointers, and without this the garbage collector may find a temporary tensor
    /// unused, and free its memory, while they still do.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void KeepAlive(params ReadOnlySpan<Tensor?> tensors)
    {
        foreach (Tensor? tensor in tensors)
        {
            GC.KeepAlive(tensor);
        }
    }

    private static int DefaultThreads()
    {
        string? setting = Environment.GetEnvironmentVariable("HIENO_THREADS");
        return int.TryParse(setting, System.Globalization.CultureInfo.InvariantCulture, out int threads) && threads > 0
            ? threads
            : Environment.ProcessorCount;
    }

    private readonly struct KernelJob<TKernel>(TKernel kernel, SimdWidth width, long count, long grain) : IJob
        where TKernel : struct, IKernel
    {
        public void Run(int task, int worker)
        {
            long start = task * grain;
            long end = Math.Min(count, start + grain);
            switch (width)
            {
                case SimdWidth.Bits512:
                    kernel.Run<Simd512>(task, start, end);
                    break;
                case SimdWidth.Bits256:
                    kernel.Run<Simd256>(task, start, end);
                    break;
                case SimdWidth.Bits128:
                    kernel.Run<Simd128>(task, start, end);
                    break;
                case SimdWidth.Scalar:
                    kernel.Run<Simd1>(task, start, end);
                    break;
                default:
                    throw new UnreachableException();
            }
        }
    }
}
