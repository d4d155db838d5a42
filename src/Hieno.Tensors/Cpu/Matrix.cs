namespace Hieno.Tensors.Cpu;

/// <summary>An operand of a matrix multiplication as it lies in memory: row-major, read as it is or transposed, in any storage type.</summary>
/// <param name="data">The first element.</param>
/// <param name="dtype">Storage type.</param>
/// <param name="rows">Rows as multiplied, after the transposition.</param>
/// <param name="columns">Columns as multiplied, after the transposition.</param>
/// <param name="stride">Elements from one stored row to the next.</param>
/// <param name="transposed">True when element (r, c) is stored at row c, column r.</param>
/// <param name="first">The index of the first element; 0 but for a part of an NF4 matrix, whose elements share bytes.</param>
/// <param name="nf4">The numbers of an NF4 matrix.</param>
internal readonly unsafe struct Matrix(void* data, DType dtype, int rows, int columns, long stride, bool transposed, long first = 0, Nf4Numbers nf4 = default)
{
    private readonly void* _data = data;

    public DType DType { get; } = dtype;

    public int Rows { get; } = rows;

    public int Columns { get; } = columns;

    public long Stride { get; } = stride;

    public bool Transposed { get; } = transposed;

    /// <summary>The address of the first element of a 32-bit matrix.</summary>
    public float* Single => (float*)_data;

    /// <summary>The address of the first element of a 16-bit matrix.</summary>
    public ushort* Half => (ushort*)_data;

    /// <summary>The numbers of an NF4 matrix, to be asked for by <see cref="Index"/>.</summary>
    public Nf4Numbers Nf4 { get; } = nf4;

    /// <summary>The rows of <paramref name="tensor"/>, or their transpose.</summary>
    public static Matrix Of(Tensor tensor, bool transposed = false)
    {
        var nf4 = tensor.DType == DType.NF4 ? new Nf4Numbers((byte*)tensor.Pointer, tensor.Count) : default;
        (int rows, int columns) = transposed ? (tensor.Columns, tensor.Rows) : (tensor.Rows, tensor.Columns);
        return new Matrix((void*)tensor.Pointer, tensor.DType, rows, columns, tensor.RowStride, transposed, 0, nf4);
    }

    /// <summary>Where element (row, column) is stored, counted in elements from the first of the memory.</summary>
    public long Index(long row, long column) => Transposed ? StoredIndex(column, row) : StoredIndex(row, column);

    /// <summary>As <see cref="Index"/>, for rows and columns as they are stored.</summary>
    public long StoredIndex(long row, long column) => first + (row * Stride) + column;

    /// <summary>Element (row, column).</summary>
    public float this[long row, long column] => At(Index(row, column));

    /// <summary>The element that is stored <paramref name="index"/> elements after the first.</summary>
    public float At(long index) => DType switch
    {
        DType.F32 => Single[index],
        DType.BF16 => DTypes.FromBF16(Half[index]),
        DType.NF4 => Nf4.At(index),
        _ => DTypes.FromF16(Half[index]),
    };

    /// <summary>The same memory read the other way round.</summary>
    public Matrix Transpose() => new(_data, DType, Columns, Rows, Stride, !Transposed, first, Nf4);

    /// <summary>Columns [start, start + count).</summary>
    public Matrix ColumnRange(int start, int count) => DType == DType.NF4
        ? new Matrix(_data, DType, Rows, count, Stride, Transposed, Index(0, start), Nf4)
        : new Matrix((byte*)_data + (Index(0, start) * DType.Size()), DType, Rows, count, Stride, Transposed);
}
