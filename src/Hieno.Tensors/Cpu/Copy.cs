using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Copying, converting, filling and adding.</summary>
public sealed unsafe partial class CpuBackend
{
    private const int ElementsPerTask = 1 << 14;

    /// <inheritdoc/>
    public override void CopyFromHost(ReadOnlySpan<float> source, Tensor destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        source.CopyTo(destination.Span);
        KeepAlive(destination);
    }

    /// <inheritdoc/>
    public override void CopyToHost(Tensor source, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.DType == DType.U8)
        {
            CopyCodesToHost(source, destination);
            return;
        }

        var matrix = Matrix.Of(source);
        fixed (float* first = destination)
        {
            float* to = first;
            for (int row = 0; row < source.Rows; row++, to += source.Columns)
            {
                GemmPack.CopyRow<Simd128>(matrix, matrix.Index(row, 0), to, source.Columns);
            }
        }

        KeepAlive(source);
    }

    /// <inheritdoc/>
    public override void Copy(Tensor source, Tensor destination)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        if (source.DType != destination.DType)
        {
            DTypes.ThrowIfCodes(source);
            DTypes.ThrowIfCodes(destination);
        }

        if (destination.DType == DType.NF4 && source.DType != DType.NF4)
        {
            QuantizeNf4(source, destination);
        }
        else if (destination.DType == DType.NF4)
        {
            Buffer.MemoryCopy((void*)source.Pointer, (void*)destination.Pointer, destination.Storage.ByteLength, DType.NF4.ByteLength(source.Count));
        }
        else
        {
            long grain = Math.Max(1, ElementsPerTask / Math.Max(1, source.Columns));
            For(source.Rows, grain, new CopyKernel(source, destination));
        }

        KeepAlive(source, destination);
    }

    /// <inheritdoc/>
    public override void Fill(Tensor destination, float value)
    {
        ArgumentNullException.ThrowIfNull(destination);
        for (int row = 0; row < destination.Rows; row++)
        {
            destination.Row(row).Fill(value);
        }
        KeepAlive(destination);
    }

    /// <inheritdoc/>
    public override void AddInto(Tensor source, Tensor destination)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        long grain = Math.Max(1, ElementsPerTask / Math.Max(1, source.Columns));
        For(source.Rows, grain, new AddIntoKernel(source, destination));
        KeepAlive(source, destination);
    }

    private static void CopyCodesToHost(Tensor source, Span<float> destination)
    {
        for (int row = 0; row < source.Rows; row++)
        {
            byte* codes = (byte*)source.Pointer + ((long)row * source.RowStride);
            for (int column = 0; column < source.Columns; column++)
            {
                destination[(row * source.Columns) + column] = codes[column];
            }
        }

        KeepAlive(source);
    }

    private readonly struct CopyKernel(Tensor source, Tensor destination) : IKernel
    {
        private readonly Matrix _source = Matrix.Of(source);

        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            int columns = source.Columns;
            for (long row = start; row < end; row++)
            {
                if (source.DType == destination.DType)
                {
                    long size = source.DType.Size();
                    Buffer.MemoryCopy(
                        (byte*)source.Pointer + (row * source.RowStride * size),
                        (byte*)destination.Pointer + (row * destination.RowStride * size),
                        columns * size,
                        columns * size);
                    continue;
                }

                if (destination.DType == DType.F32)
                {
                    GemmPack.CopyRow<V>(_source, _source.Index(row, 0), (float*)destination.Pointer + (row * destination.RowStride), columns);
                    continue;
                }

                ushort* to = (ushort*)destination.Pointer + (row * destination.RowStride);
                for (int column = 0; column < columns; column++)
                {
                    float value = _source[row, column];
                    to[column] = destination.DType == DType.BF16 ? DTypes.ToBF16(value) : DTypes.ToF16(value);
                }
            }
        }
    }

    private readonly struct AddIntoKernel(Tensor source, Tensor destination) : IKernel
    {
        private readonly float* _source = (float*)source.Pointer;
        private readonly float* _destination = (float*)destination.Pointer;
        private readonly long _sourceStride = source.RowStride;
        private readonly long _destinationStride = destination.RowStride;
        private readonly int _columns = source.Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long row = start; row < end; row++)
            {
                float* from = _source + (row * _sourceStride);
                float* to = _destination + (row * _destinationStride);
                int column = 0;
                for (; column <= _columns - V.Count; column += V.Count)
                {
                    (V.Load(to + column) + V.Load(from + column)).Store(to + column);
                }

                for (; column < _columns; column++)
                {
                    to[column] += from[column];
                }
            }
        }
    }
}
