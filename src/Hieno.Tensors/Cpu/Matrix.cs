namespace Hieno.Tensors.Cpu;

/// <summary>An operand of a matrix multiplication as it lies in memory: row-major, read as it is or transposed, in any storage type.</summary>
/// <param name="data">The first element.</param>
/// <param name="dtype">Storage type.</param>
/// <param name="rows">Rows as multiplied, after the transposition.</param>
/// <param name="columns">Columns as multiplied, after the transposition.</param>
/// <param name="stride">Elements from one stored row to the next.</param>
/// <param name="transposed">True when element (r, c) is stored at row c, column r.</param>
internal readonly unsafe struct Matrix(void* data, DType dtype, int rows, int columns, long stride, bool transposed)
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

    /// <summary>The rows of <paramref name="tensor"/>, or their transpose.</summary>
    public static Matrix Of(Tensor tensor, bool transposed = false) => transposed
        ? new Matrix((void*)tensor.Pointer, tensor.DType, tensor.Columns, tensor.Rows, tensor.RowStride, true)
        : new Matrix((void*)tensor.Pointer, tensor.DType, tensor.Rows, tensor.Columns, tensor.RowStride, false);

    /// <summary>Where element (row, column) is stored, counted in elements from the first.</summary>
    public long Index(long row, long column) => Transposed ? (column * Stride) + row : (row * Stride) + column;

    /// <summary>Element (row, column).</summary>
    public float this[long row, long column] => At(Index(row, column));

    /// <summary>The element that is stored <paramref name="index"/> elements after the first.</summary>
    public float At(long index) => DType switch
    {
        DType.F32 => Single[index],
        DType.BF16 => DTypes.FromBF16(Half[index]),
        _ => DTypes.FromF16(Half[index]),
    };

    /// <summary>The same memory read the other way round.</summary>
    public Matrix Transpose() => new(_data, DType, Columns, Rows, Stride, !Transposed);

    /// <summary>Columns [start, start + count).</summary>
    public Matrix ColumnRange(int start, int count) => new((byte*)_data + (Index(0, start) * DType.Size()), DType, Rows, count, Stride, Transposed);
}
