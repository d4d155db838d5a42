namespace Hieno.Tensors;

/// <summary>Where the parts of an NF4 tensor lie in its memory: codes, codes of the scales, then the mean of the scales and their own scales.</summary>
/// <param name="count">Numbers of the tensor.</param>
internal readonly struct Nf4Layout(long count)
{
    private const long Alignment = 64; // a cache line

    /// <summary>Blocks of numbers, each with a scale.</summary>
    public long Blocks { get; } = (count + Nf4.BlockSize - 1) / Nf4.BlockSize;

    /// <summary>Bytes from the start to the first scale's code.</summary>
    public long ScaleCodesAt { get; } = Aligned((count + 1) / 2);

    /// <summary>Blocks of scales.</summary>
    public long ScaleBlocks => (Blocks + Nf4.ScaleBlockSize - 1) / Nf4.ScaleBlockSize;

    /// <summary>Bytes from the start to the singles: the mean, then one for each block of scales.</summary>
    public long SinglesAt => ScaleCodesAt + Aligned(Blocks);

    /// <summary>Bytes of it all.</summary>
    public long ByteLength => SinglesAt + (sizeof(float) * (1 + ScaleBlocks));

    private static long Aligned(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}
