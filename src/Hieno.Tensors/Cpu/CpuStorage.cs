using Microsoft.Win32.SafeHandles;

namespace Hieno.Tensors.Cpu;

/// <summary>Step-owned memory: goes back to the pool.</summary>
internal sealed class PooledStorage(CpuBackend backend, nint pointer, long byteLength) : Storage(backend, pointer, byteLength)
{
    protected internal override void Free()
    {
        if (Pointer != 0)
        {
            ((CpuBackend)Backend).Return(Pointer, ByteLength);
            Pointer = 0;
        }
    }

    protected internal override nint RentAgain() => ((CpuBackend)Backend).RentBlock(ByteLength);
}

/// <summary>Memory of the pool that outlives steps: it goes back when it is freed, or when the last tensor that refers to it is collected.</summary>
internal sealed class LeasedStorage(CpuBackend backend, PoolLease lease) : Storage(backend, lease.DangerousGetHandle(), lease.ByteLength)
{
    protected internal override void Free()
    {
        Pointer = 0;
        lease.Dispose();
    }
}

/// <summary>A block of the pool that goes back to it, at the latest when it is collected.</summary>
internal sealed class PoolLease : SafeHandleZeroOrMinusOneIsInvalid
{
    private readonly CpuBackend _backend;

    public PoolLease(CpuBackend backend, long byteLength)
        : base(ownsHandle: true)
    {
        (_backend, ByteLength) = (backend, byteLength);
        SetHandle(backend.RentBlock(byteLength));
    }

    public long ByteLength { get; }

    protected override bool ReleaseHandle()
    {
        _backend.Return(handle, ByteLength);
        return true;
    }
}

/// <summary>Long-lived memory: freed when the last tensor that refers to it is collected.</summary>
internal sealed class OwnedStorage(CpuBackend backend, NativeBlock block) : Storage(backend, block.DangerousGetHandle(), block.ByteLength)
{
    /// <summary>Kept alive as long as this storage is.</summary>
    public NativeBlock Block { get; } = block;

    protected internal override void Free()
    {
        // Long-lived memory does not belong to a step; the handle frees it.
    }
}

/// <summary>An aligned block of native memory, known to the garbage collector by its size.</summary>
internal sealed class NativeBlock : SafeHandleZeroOrMinusOneIsInvalid
{
    public NativeBlock(long byteLength)
        : base(ownsHandle: true)
    {
        ByteLength = byteLength;
        SetHandle(NativePool.AllocateZeroed(byteLength));
        GC.AddMemoryPressure(Math.Max(byteLength, 1));
    }

    public long ByteLength { get; }

    protected override bool ReleaseHandle()
    {
        NativePool.FreeAligned(handle);
        GC.RemoveMemoryPressure(Math.Max(ByteLength, 1));
        return true;
    }
}

/// <summary>Memory that belongs to something else, such as a mapped weight file, which it keeps alive.</summary>
internal sealed class BorrowedStorage(CpuBackend backend, nint pointer, long byteLength, object owner) : Storage(backend, pointer, byteLength)
{
    /// <summary>Kept alive as long as this storage is.</summary>
    public object Owner { get; } = owner;

    public override bool IsBorrowed => true;

    protected internal override void Free()
    {
        // The owner frees it.
    }
}
