namespace Hieno.Tensors;

/// <summary>
/// The memory behind one or more tensors. Long-lived storage (weights, optimizer state) lives as long as something refers to it;
/// step-owned storage belongs to the <see cref="Tape"/> it was made on and goes back to the backend's pool.
/// </summary>
/// <param name="backend">Where the memory lies.</param>
/// <param name="pointer">Its first byte (a host address on the CPU, a device address on a GPU).</param>
/// <param name="byteLength">Its usable length in bytes.</param>
public abstract class Storage(Backend backend, nint pointer, long byteLength)
{
    /// <summary>Where the memory lies.</summary>
    public Backend Backend { get; } = backend;

    /// <summary>The first byte.</summary>
    public nint Pointer { get; protected set; } = pointer;

    /// <summary>Usable length in bytes.</summary>
    public long ByteLength { get; } = byteLength;

    /// <summary>True when something else owns the memory, such as a mapped weight file: it may only be read.</summary>
    public virtual bool IsBorrowed => false;

    /// <summary>Backward nodes and gradients that still need the content.</summary>
    internal int Holds { get; set; }

    /// <summary>Backward nodes that will read the content but can have it computed again: see <see cref="Restore"/>.</summary>
    internal int Readers { get; set; }

    /// <summary>True once the content has been computed again for its readers: it then stays until the last of them has run.</summary>
    private bool IsRestored { get; set; }

    /// <summary>True while code that is running may still name the tensor: until its frame on the tape closes.</summary>
    internal bool InScope { get; set; }

    /// <summary>True when the content was asked to outlive the backward pass: see <see cref="Tensor.Keep"/>.</summary>
    internal bool Kept { get; set; }

    /// <summary>Drops one hold; frees step-owned memory that nothing needs any more.</summary>
    internal void Release()
    {
        Holds--;
        FreeIfUnused();
    }

    /// <summary>Ends the visibility to running code; frees step-owned memory that nothing needs any more.</summary>
    internal void LeaveScope()
    {
        InScope = false;
        FreeIfUnused();
    }

    /// <summary>One reader less; frees content that was computed again and that nothing needs any more.</summary>
    internal void LeaveReader()
    {
        Readers--;
        FreeIfUnused();
    }

    /// <summary>Memory once more for content that was freed and is about to be computed again.</summary>
    internal void Restore()
    {
        Pointer = RentAgain();
        IsRestored = true;
    }

    /// <summary>Memory of the same length from the pool, for step-owned storage that was freed.</summary>
    /// <exception cref="NotSupportedException">The storage is not step-owned.</exception>
    protected internal virtual nint RentAgain() => throw new NotSupportedException($"The memory of {GetType().Name} does not come from a pool.");

    private void FreeIfUnused()
    {
        if (Holds == 0 && !InScope && !Kept && (Readers == 0 || !IsRestored))
        {
            Free();
        }
    }

    /// <summary>Gives step-owned memory back to the pool; does nothing for long-lived memory, and nothing the second time.</summary>
    protected internal abstract void Free();
}
