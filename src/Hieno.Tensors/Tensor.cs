namespace Hieno.Tensors;

/// <summary>
/// A rectangular block of numbers. All operations see it as rows of <see cref="Columns"/> numbers: rows are
/// <see cref="RowStride"/> elements apart, and numbers in a row are contiguous.
/// </summary>
/// <remarks>
/// Nobody disposes a tensor: those made while a <see cref="Tape"/> is open belong to that step, all others live as long as they are referred to.
/// </remarks>
public sealed class Tensor
{
    /// <summary>Wraps existing storage; used by backends and by readers of weight files.</summary>
    /// <param name="storage">The memory.</param>
    /// <param name="shape">Extents.</param>
    /// <param name="dtype">Element type.</param>
    /// <param name="offset">First element, counted in elements from the start of the storage.</param>
    /// <param name="rowStride">Elements from one row to the next; 0 (default) means contiguous.</param>
    /// <exception cref="NotSupportedException">A part of an <see cref="DType.NF4"/> tensor is asked for.</exception>
    public Tensor(Storage storage, Shape shape, DType dtype = DType.F32, long offset = 0, int rowStride = 0)
    {
        ArgumentNullException.ThrowIfNull(storage);
        if (dtype == DType.NF4 && (offset != 0 || (rowStride != 0 && rowStride != (shape.Rank == 0 ? 1 : shape[^1]))))
        {
            throw new NotSupportedException("A part of an NF4 tensor cannot be a tensor: its elements share bytes and scales. Copy the whole into a 32-bit tensor first.");
        }

        Storage = storage;
        Shape = shape;
        DType = dtype;
        Offset = offset;
        Count = shape.Count;
        Columns = shape.Rank == 0 ? 1 : shape[^1];
        RowStride = rowStride == 0 ? Columns : rowStride;
    }

    /// <summary>The memory behind this tensor.</summary>
    public Storage Storage { get; }

    /// <summary>The extents.</summary>
    public Shape Shape { get; }

    /// <summary>How elements are stored.</summary>
    public DType DType { get; }

    /// <summary>First element, counted in elements from the start of <see cref="Storage"/>.</summary>
    public long Offset { get; }

    /// <summary>Number of elements.</summary>
    public long Count { get; }

    /// <summary>Numbers in a row: the last extent; 1 for a scalar.</summary>
    public int Columns { get; }

    /// <summary>Number of rows: the product of all extents but the last.</summary>
    public int Rows => Columns == 0 ? 0 : checked((int)(Count / Columns));

    /// <summary>Elements from the start of one row to the start of the next.</summary>
    public int RowStride { get; }

    /// <summary>True when rows follow each other without gaps.</summary>
    public bool IsContiguous => RowStride == Columns || Rows <= 1;

    /// <summary>The backend that holds the memory and computes with it.</summary>
    public Backend Backend => Storage.Backend;

    /// <summary>True when a gradient is wanted for this tensor: a trainable weight, or something computed from one.</summary>
    public bool NeedsGrad { get; set; }

    /// <summary>The gradient of the loss with respect to this tensor, or null where none has arrived. Same shape, 32-bit.</summary>
    public Tensor? Grad { get; internal set; }

    /// <summary>The node that computed this tensor on the open tape, or null for a leaf.</summary>
    internal Backward? Producer { get; set; }

    /// <summary>For a view made by <see cref="Ops.Split"/>: the tensor whose gradient rows hold this one's gradient.</summary>
    internal Tensor? GradOwner { get; init; }

    /// <summary>True once <see cref="Ops.Split"/> has cut this tensor: its gradient is written by the parts alone.</summary>
    internal bool IsSplit { get; set; }

    /// <summary>The address of the first element.</summary>
    /// <exception cref="InvalidOperationException">The memory has gone back to the pool.</exception>
    public nint Pointer
    {
        get
        {
            if (Storage.Pointer == 0 && Storage.ByteLength > 0)
            {
                throw new InvalidOperationException(
                    $"The memory of the tensor {this} has gone back to the pool: its step, block or backward pass is over. "
                    + "Call Keep() on what is read after the backward pass, copy what is read after the step, and name in Checkpoint what its body reads.");
            }

            return Offset == 0 ? Storage.Pointer : Storage.Pointer + (nint)(Offset * DType.Size());
        }
    }

    /// <summary>The elements of a contiguous 32-bit tensor in host memory.</summary>
    /// <exception cref="InvalidOperationException">The tensor is not 32-bit, not contiguous, not in host memory, or too long for a span.</exception>
    public unsafe Span<float> Span
    {
        get
        {
            if (DType != DType.F32 || !IsContiguous || !Backend.IsHostMemory)
            {
                throw new InvalidOperationException($"A span needs contiguous 32-bit host memory; this tensor is {this}. Use ToArray().");
            }

            return new Span<float>((void*)Pointer, checked((int)Count));
        }
    }

    /// <summary>Row <paramref name="index"/> of a 32-bit tensor in host memory.</summary>
    public unsafe Span<float> Row(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Rows);
        if (DType != DType.F32 || !Backend.IsHostMemory)
        {
            throw new InvalidOperationException($"A row span needs 32-bit host memory; this tensor is {this}. Use ToArray().");
        }

        return new Span<float>((float*)Pointer + ((long)index * RowStride), Columns);
    }

    /// <summary>A tensor with undefined content: on the open tape if there is one, long-lived otherwise.</summary>
    public static Tensor Create(Shape shape, Backend? backend = null)
    {
        Tape? tape = Tape.Current;
        backend ??= tape?.Backend ?? Backend.Default;
        return tape is null ? CreateLongLived(shape, DType.F32, backend) : new Tensor(tape.Rent(shape.Count * sizeof(float)), shape);
    }

    /// <summary>A long-lived tensor of zeros, even while a tape is open: weights, gradients of weights, optimizer state, caches.</summary>
    public static Tensor CreateLongLived(Shape shape, DType dtype = DType.F32, Backend? backend = null) =>
        new((backend ?? Backend.Default).Allocate(dtype.ByteLength(shape.Count)), shape, dtype);

    /// <summary>A tensor that holds a copy of <paramref name="values"/>; lives as <see cref="Create"/> says.</summary>
    /// <exception cref="ShapeException">The number of values is not the shape's count.</exception>
    public static Tensor FromValues(Shape shape, ReadOnlySpan<float> values, Backend? backend = null)
    {
        ShapeException.ThrowUnless(shape.Count == values.Length, $"{values.Length} values do not fill the shape {shape}.");
        Tensor tensor = Create(shape, backend);
        tensor.Backend.CopyFromHost(values, tensor);
        return tensor;
    }

    /// <summary>The same memory under another shape of equal count. Gradients do not pass: use <see cref="Ops.Reshape"/> for that.</summary>
    public Tensor View(Shape shape)
    {
        ShapeException.ThrowUnless(shape.Count == Count && IsContiguous, $"{Shape} cannot be seen as {shape}.");
        return new Tensor(Storage, shape, DType, Offset);
    }

    /// <summary>Columns [start, start + count) of each row, sharing memory. Gradients do not pass: use <see cref="Ops.Split"/> for that.</summary>
    public Tensor ColumnRange(int start, int count)
    {
        ShapeException.ThrowUnless(start >= 0 && count >= 0 && start + count <= Columns, $"columns {start}..{start + count} are not within {Shape}.");
        return new Tensor(Storage, Shape.WithLast(count), DType, Offset + start, RowStride);
    }

    /// <summary>Rows [start, start + count), sharing memory, as [count, Columns]. Gradients do not pass.</summary>
    public Tensor RowRange(int start, int count)
    {
        ShapeException.ThrowUnless(start >= 0 && count >= 0 && start + count <= Rows, $"rows {start}..{start + count} are not within {Shape}.");
        return new Tensor(Storage, [count, Columns], DType, Offset + ((long)start * RowStride), RowStride);
    }

    /// <summary>All elements as 32-bit numbers, row by row, copied to the managed heap.</summary>
    public float[] ToArray()
    {
        float[] values = new float[Count];
        Backend.CopyToHost(this, values);
        return values;
    }

    /// <summary>Writes the elements row by row in their storage type, little-endian.</summary>
    public void WriteTo(Stream destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (!Backend.IsHostMemory || !BitConverter.IsLittleEndian)
        {
            throw new NotSupportedException($"Tensors of the backend '{Backend.Name}' cannot be written from here.");
        }

        long rowBytes = (long)Columns * DType.Size();
        for (int row = 0; row < Rows; row++)
        {
            unsafe
            {
                destination.Write(new ReadOnlySpan<byte>((byte*)Pointer + ((long)row * RowStride * DType.Size()), checked((int)rowBytes)));
            }
        }

        GC.KeepAlive(this); // its memory must not be freed while the last row is written
    }

    /// <summary>Fills a contiguous tensor from little-endian elements of a storage type: one of 32 bits from any numbers, one of codes from codes.</summary>
    /// <exception cref="ArgumentException">The number of bytes is not that of the elements.</exception>
    /// <exception cref="InvalidOperationException">The tensor is stored in 16 bits, or holds codes where numbers are given; or it is not contiguous, or not in host memory.</exception>
    public unsafe void ReadFrom(ReadOnlySpan<byte> source, DType storedAs)
    {
        bool fits = storedAs == DType.U8 ? DType == DType.U8 : DType == DType.F32;
        if (!fits || !IsContiguous || !Backend.IsHostMemory)
        {
            throw new InvalidOperationException($"{storedAs} fills contiguous {(storedAs == DType.U8 ? DType.U8 : DType.F32)} host memory only; this tensor is {this}.");
        }

        if (source.Length != Count * storedAs.Size())
        {
            throw new ArgumentException($"{source.Length} bytes do not hold {Count} elements of {storedAs}.", nameof(source));
        }

        if (storedAs == DType.U8)
        {
            source.CopyTo(new Span<byte>((void*)Pointer, source.Length));
            return;
        }

        fixed (byte* bytes = source)
        {
            float* to = (float*)Pointer;
            for (long i = 0; i < Count; i++)
            {
                to[i] = storedAs switch
                {
                    DType.F32 => ((float*)bytes)[i],
                    DType.BF16 => DTypes.FromBF16(((ushort*)bytes)[i]),
                    _ => DTypes.FromF16(((ushort*)bytes)[i]),
                };
            }
        }

        GC.KeepAlive(this); // its memory must not be freed while the loop above still writes to it
    }

    /// <summary>The value of a tensor of one element.</summary>
    public float Item()
    {
        ShapeException.ThrowUnless(Count == 1, $"{Shape} does not hold exactly one number.");
        return ToArray()[0];
    }

    /// <summary>Keeps the content readable until the tape closes, also after <see cref="Tape.Backward"/> has run.</summary>
    public Tensor Keep()
    {
        Storage.Kept = true;
        return this;
    }

    /// <summary>
    /// Tells the open tape that the running code reads the content no more: its memory is free at once, unless a backward node needs it.
    /// For code that cannot put what it makes into an <see cref="Ops.Block"/>, such as a chain of layers.
    /// </summary>
    public void Forget() => Tape.Current?.Forget(Storage);

    /// <summary>Takes a gradient that no backward pass has computed, in place of the one before.</summary>
    /// <exception cref="ShapeException">It has another shape.</exception>
    public void TakeGrad(Tensor gradient)
    {
        ArgumentNullException.ThrowIfNull(gradient);
        ShapeException.ThrowIfNot(gradient, Shape, nameof(TakeGrad));
        ClearGrad();
        gradient.Storage.Holds++;
        Grad = gradient;
    }

    /// <summary>Forgets the gradient. Its memory goes back to the pool, where the next forward pass finds it.</summary>
    public void ClearGrad()
    {
        Tensor? grad = Grad;
        Grad = null;
        grad?.Storage.Release();
    }

    /// <summary>Shape, storage and whether a gradient is wanted.</summary>
    public override string ToString() =>
        $"{DType}{Shape}{(IsContiguous ? string.Empty : $" with row stride {RowStride}")}{(NeedsGrad ? ", needs gradient" : string.Empty)}";
}
