using Hieno.Tensors.Cpu;

namespace Hieno.Tensors;

/// <summary>
/// A device: its memory and its kernels. Each operation's file declares the kernels it needs as a part of this class;
/// <see cref="CpuBackend"/> implements them, and so does every other device.
/// </summary>
/// <remarks>Kernels trust their arguments: shapes were checked by the operation that calls them.</remarks>
public abstract partial class Backend
{
    /// <summary>The backend used where none is named: the CPU with all its cores.</summary>
    public static Backend Default => CpuBackend.Shared;

    /// <summary>A short name, e.g. <c>cpu</c>.</summary>
    public abstract string Name { get; }

    /// <summary>True when storage pointers are addresses the host can read.</summary>
    public abstract bool IsHostMemory { get; }

    /// <summary>Memory in use by step-owned tensors, and the most there ever was.</summary>
    public abstract PoolStatistics Pool { get; }

    /// <summary>How this device multiplies matrices in <paramref name="precision"/>, in words for the log of a run.</summary>
    public abstract string Describe(MatMulPrecision precision);

    /// <summary>Long-lived memory, filled with zeros.</summary>
    public abstract Storage Allocate(long bytes);

    /// <summary>Step-owned memory from the pool, with undefined content.</summary>
    public abstract Storage Rent(long bytes);

    /// <summary>
    /// Memory from the pool, with undefined content, that outlives steps: it goes back when it is freed or collected. Gradients of weights
    /// lie there, so that activations of the next step can use the same memory.
    /// </summary>
    public abstract Storage Lease(long bytes);

    /// <summary>Copies host numbers into a contiguous 32-bit tensor.</summary>
    public abstract void CopyFromHost(ReadOnlySpan<float> source, Tensor destination);

    /// <summary>Copies a tensor of any storage type, row by row, into host numbers.</summary>
    public abstract void CopyToHost(Tensor source, Span<float> destination);

    /// <summary>Copies between two tensors of the same count and column number, converting the storage type where it differs.</summary>
    public abstract void Copy(Tensor source, Tensor destination);

    /// <summary>Sets every element of a 32-bit tensor.</summary>
    public abstract void Fill(Tensor destination, float value);

    /// <summary>destination += source, both 32-bit and of the same rows and columns.</summary>
    public abstract void AddInto(Tensor source, Tensor destination);
}

/// <summary>How much memory the steps of a backend use.</summary>
/// <param name="LiveBytes">Rented or leased and not yet returned.</param>
/// <param name="PeakBytes">The most that was ever live at once.</param>
/// <param name="ReservedBytes">Used at least once, live or free: what the pool costs.</param>
public readonly record struct PoolStatistics(long LiveBytes, long PeakBytes, long ReservedBytes);
