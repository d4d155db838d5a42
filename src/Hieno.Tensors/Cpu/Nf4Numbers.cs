using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>The numbers of an NF4 tensor, expanded to 32 bits as they are read: level · scale, with scale = scale level · block's scale + mean, each step rounded.</summary>
internal readonly unsafe struct Nf4Numbers
{
    // In pinned memory, so that kernels can read it by address.
    private static readonly float[] s_scaleLevels = Pinned(Nf4.ScaleLevels);

    private readonly byte* _codes;
    private readonly byte* _scaleCodes;
    private readonly float* _singles; // the mean, then the scales of blocks of scales
    private readonly float* _scaleLevels;

    /// <summary>Reads the memory of a tensor of <paramref name="count"/> numbers.</summary>
    public Nf4Numbers(byte* memory, long count)
    {
        var layout = new Nf4Layout(count);
        _codes = memory;
        _scaleCodes = memory + layout.ScaleCodesAt;
        _singles = (float*)(memory + layout.SinglesAt);
        _scaleLevels = (float*)Unsafe.AsPointer(ref s_scaleLevels[0]);
    }

    /// <summary>Number <paramref name="index"/>.</summary>
    public float At(long index) => Nf4.Levels[Nf4Codes.At(_codes, index)] * Scale(index / Nf4.BlockSize);

    /// <summary>Where number <paramref name="index"/> lies, for prefetching.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* AddressOf(long index) => (float*)(_codes + (index >> 1));

    /// <summary>A vector of numbers from <paramref name="index"/> on; it may reach into the next block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Load<V>(long index)
        where V : unmanaged, ISimd<V>
    {
        V levels = V.LoadNF4(_codes, index);
        long block = index / Nf4.BlockSize;
        int left = Nf4.BlockSize - (int)(index % Nf4.BlockSize); // numbers of this block from here on
        return left >= V.Count
            ? levels * V.All(Scale(block))
            : levels * V.SelectLess(V.Indices, V.All(left), V.All(Scale(block)), V.All(Scale(block + 1)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private float Scale(long block) => (_scaleLevels[_scaleCodes[block]] * _singles[1 + (block / Nf4.ScaleBlockSize)]) + _singles[0];

    private static float[] Pinned(ReadOnlySpan<float> values)
    {
        float[] pinned = GC.AllocateUninitializedArray<float>(values.Length, pinned: true);
        values.CopyTo(pinned);
        return pinned;
    }
}
