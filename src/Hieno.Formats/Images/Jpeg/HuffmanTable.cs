namespace Hieno.Formats.Images.Jpeg;

/// <summary>A code of variable length for bytes (ITU-T T.81, annex C), looked up by its first nine bits.</summary>
internal sealed class HuffmanTable
{
    private const int FastBits = 9;

    private const int LongestCode = 16;

    // For the next nine bits: the length of the code they begin with and its byte, or 0 where the code is longer.
    private readonly ushort[] _fast = new ushort[1 << FastBits];
    private readonly byte[] _values;
    private readonly int[] _codeEnd = new int[LongestCode + 1]; // the first number of that many bits that is no code, and those before it
    private readonly int[] _offset = new int[LongestCode + 1];  // index of a code's byte − the code

    private HuffmanTable(byte[] values)
    {
        _values = values;
    }

    /// <summary>Builds the code from how many codes there are of 1 to 16 bits, and their bytes in order; null if there are too many.</summary>
    public static HuffmanTable? Build(ReadOnlySpan<byte> counts, byte[] values)
    {
        var table = new HuffmanTable(values);
        int code = 0;
        int index = 0;
        for (int length = 1; length <= LongestCode; length++)
        {
            int count = counts[length - 1];
            table._offset[length] = index - code;
            for (int i = 0; i < count && length <= FastBits && code + i < 1 << length; i++)
            {
                int first = (code + i) << (FastBits - length);
                table._fast.AsSpan(first, 1 << (FastBits - length)).Fill((ushort)((length << 8) | values[index + i]));
            }

            code += count;
            index += count;
            if (code > 1 << length)
            {
                return null;
            }

            table._codeEnd[length] = code;
            code <<= 1;
        }

        return table;
    }

    /// <summary>Reads the next code's byte.</summary>
    public int Read(JpegBits bits)
    {
        int next = bits.Peek(LongestCode);
        int fast = _fast[next >> (LongestCode - FastBits)];
        if (fast != 0)
        {
            bits.Skip(fast >> 8);
            return fast & 0xFF;
        }

        for (int length = FastBits + 1; length <= LongestCode; length++)
        {
            int code = next >> (LongestCode - length);
            if (code < _codeEnd[length])
            {
                bits.Skip(length);
                return _values[code + _offset[length]];
            }
        }

        throw bits.Invalid("its compressed pixels hold a code that its tables do not have");
    }
}
