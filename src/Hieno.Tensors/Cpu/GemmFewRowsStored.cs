using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>How the weights of a product with few rows are stored.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <summary>A storage type of B, known to the compiler: the innermost loop does not ask for it.</summary>
    private interface IStored
    {
        /// <summary>Asks for two vectors of each of eight rows.</summary>
        static abstract void PrefetchRows<V>(in Matrix matrix, long index, long stride)
            where V : unmanaged, ISimd<V>;

        /// <summary>Loads a vector, expanded to 32 bits.</summary>
        static abstract V Load<V>(in Matrix matrix, long index)
            where V : unmanaged, ISimd<V>;
    }

    private readonly struct StoredF32 : IStored
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void PrefetchRows<V>(in Matrix matrix, long index, long stride)
            where V : unmanaged, ISimd<V> => PrefetchEight(matrix.Single + index, stride * sizeof(float), 2 * V.Count * sizeof(float));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Load<V>(in Matrix matrix, long index)
            where V : unmanaged, ISimd<V> => V.Load(matrix.Single + index);
    }

    private readonly struct StoredBF16 : IStored
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void PrefetchRows<V>(in Matrix matrix, long index, long stride)
            where V : unmanaged, ISimd<V> => PrefetchEight(matrix.Half + index, stride * sizeof(ushort), 2 * V.Count * sizeof(ushort));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Load<V>(in Matrix matrix, long index)
            where V : unmanaged, ISimd<V> => V.LoadBF16(matrix.Half + index);
    }

    private readonly struct StoredNF4 : IStored
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void PrefetchRows<V>(in Matrix matrix, long index, long stride)
            where V : unmanaged, ISimd<V> => PrefetchEight(matrix.Nf4.AddressOf(index), stride / 2, V.Count);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Load<V>(in Matrix matrix, long index)
            where V : unmanaged, ISimd<V> => matrix.Nf4.Load<V>(index);
    }

    private readonly struct StoredF16 : IStored
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void PrefetchRows<V>(in Matrix matrix, long index, long stride)
            where V : unmanaged, ISimd<V> => PrefetchEight(matrix.Half + index, stride * sizeof(ushort), 2 * V.Count * sizeof(ushort));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Load<V>(in Matrix matrix, long index)
            where V : unmanaged, ISimd<V> => V.LoadF16(matrix.Half + index);
    }
}
