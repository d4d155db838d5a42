using System.Text;

namespace Hieno.Formats.Tokenizers;

/// <summary>The 256 printable characters that stand for bytes in byte-level vocabularies (GPT-2).</summary>
/// <remarks>Bytes that print as themselves in Latin-1 keep their character; the other 68, in order, become U+0100 and up (space is Ġ).</remarks>
internal static class ByteAlphabet
{
    private static readonly char[] CharOfByte = new char[256];
    private static readonly short[] ByteOfChar = new short[0x144];

    static ByteAlphabet()
    {
        Array.Fill(ByteOfChar, (short)-1);
        char next = '\u0100';
        for (int b = 0; b < 256; b++)
        {
            char c = b is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF) ? (char)b : next++;
            CharOfByte[b] = c;
            ByteOfChar[c] = (short)b;
        }
    }

    public static char Char(byte value) => CharOfByte[value];

    /// <summary>The byte that a character stands for, or −1.</summary>
    public static int Byte(char c) => c < ByteOfChar.Length ? ByteOfChar[c] : -1;

    /// <summary>Appends the byte characters of a range; all bytes of a character share its place in the original.</summary>
    public static void Rewrite(AlignedText source, int start, int length, AlignedText target)
    {
        Span<byte> utf8 = stackalloc byte[4];
        for (int i = start; i < start + length;)
        {
            TextRange origin = source.OriginOf(i);
            char c = source[i];
            if (c < 0x80)
            {
                target.Append(CharOfByte[c], origin);
                i++;
                continue;
            }

            Rune rune = source.RuneAt(i);
            int bytes = rune.EncodeToUtf8(utf8);
            for (int b = 0; b < bytes; b++)
            {
                target.Append(CharOfByte[utf8[b]], origin);
            }

            i += rune.Utf16SequenceLength;
        }
    }
}
