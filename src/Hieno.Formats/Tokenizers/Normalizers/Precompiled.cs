using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Normalizers;

/// <summary>SentencePiece's compiled replacement table: a double-array prefix tree over UTF-8 and the texts it leads to.</summary>
/// <remarks>Layout: 4 bytes tree size, the tree as little-endian 32-bit cells, then zero-terminated UTF-8 replacements.</remarks>
internal sealed class Precompiled : Normalizer
{
    private readonly byte[] _charsMap;
    private readonly uint[] _cells;
    private readonly int _textStart;
    private readonly bool _longest;

    /// <summary>Reads a table.</summary>
    /// <param name="charsMap">The table.</param>
    /// <param name="fault">Makes the exception for one that is damaged.</param>
    /// <param name="longest">True replaces the longest entry at each place, as SentencePiece itself does; false (default) as the reading library of tokenizer.json does.</param>
    public Precompiled(byte[] charsMap, Func<string, TokenizerException> fault, bool longest = false)
    {
        _longest = longest;
        int treeBytes = charsMap.Length >= 4 ? BinaryPrimitives.ReadInt32LittleEndian(charsMap) : -1;
        if (treeBytes < 0 || treeBytes % 4 != 0 || treeBytes > charsMap.Length - 4)
        {
            throw fault($"the table says its tree takes {treeBytes} bytes, but {Math.Max(charsMap.Length - 4, 0)} follow. The file is damaged.");
        }

        _charsMap = charsMap;
        _cells = new uint[treeBytes / 4];
        for (int i = 0; i < _cells.Length; i++)
        {
            _cells[i] = BinaryPrimitives.ReadUInt32LittleEndian(charsMap.AsSpan(4 + (4 * i)));
        }

        _textStart = 4 + treeBytes;
    }

    public static Normalizer Read(JsonPart json)
    {
        JsonPart map = json.Required("precompiled_charsmap");
        try
        {
            return new Precompiled(Convert.FromBase64String(map.AsString()), map.Error);
        }
        catch (FormatException e) when (e is not TokenizerException)
        {
            throw new TokenizerException(map.Source, map.Path, "the table is not base64. The file is damaged.", e);
        }
    }

    public override void Normalize(AlignedText source, int start, int length, AlignedText target)
    {
        if (_longest)
        {
            NormalizeLongest(source, start, length, target);
            return;
        }

        ReadOnlySpan<char> text = source.Slice(start, length);
        Span<byte> utf8 = stackalloc byte[8];
        for (int i = 0; i < length;)
        {
            int cluster = StringInfo.GetNextTextElementLength(text[i..]);

            // The reference tries a whole cluster only if its UTF-8 has fewer than 6 bytes, then each character.
            if (Utf8Length(text.Slice(i, cluster)) < 6 && Find(utf8[..System.Text.Encoding.UTF8.GetBytes(text.Slice(i, cluster), utf8)], out string? whole))
            {
                Append(source, start + i, cluster, whole!, target);
                i += cluster;
                continue;
            }

            for (int end = i + cluster; i < end;)
            {
                Rune rune = source.RuneAt(start + i);
                if (Find(utf8[..rune.EncodeToUtf8(utf8)], out string? one))
                {
                    Append(source, start + i, rune.Utf16SequenceLength, one!, target);
                }
                else
                {
                    target.Append(rune, source.OriginOf(start + i));
                }

                i += rune.Utf16SequenceLength;
            }
        }
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Precompiled");
        json.WriteBase64String("precompiled_charsmap", _charsMap);
        json.WriteEndObject();
    }

    private void NormalizeLongest(AlignedText source, int start, int length, AlignedText target)
    {
        for (int i = start; i < start + length;)
        {
            if (FindLongest(source, i, start + length, out string replacement) is > 0 and int units)
            {
                Append(source, i, units, replacement, target);
                i += units;
            }
            else
            {
                Rune rune = source.RuneAt(i);
                target.Append(rune, source.OriginOf(i));
                i += rune.Utf16SequenceLength;
            }
        }
    }

    // Units of text that the longest entry takes; 0 where none begins here.
    private int FindLongest(AlignedText source, int start, int end, out string replacement)
    {
        (replacement, int found) = (string.Empty, 0);
        if (_cells.Length == 0)
        {
            return 0;
        }

        uint node = Offset(_cells[0]);
        Span<byte> utf8 = stackalloc byte[4];
        for (int at = start; at < end;)
        {
            Rune rune = source.RuneAt(at);
            at += rune.Utf16SequenceLength;
            bool isEntry = false;
            foreach (byte b in utf8[..rune.EncodeToUtf8(utf8)])
            {
                node ^= b;
                if (b == 0 || node >= _cells.Length || (_cells[node] & 0x800000FF) != b)
                {
                    return found;
                }

                uint cell = _cells[node];
                node ^= Offset(cell);
                isEntry = (cell & 0x100) != 0 && node < _cells.Length;
            }

            if (isEntry && TryReadText((int)(_cells[node] & 0x7FFFFFFF), out string? text))
            {
                (replacement, found) = (text!, at - start);
            }
        }

        return found;
    }

    private static int Utf8Length(ReadOnlySpan<char> text) => text.Length > 6 ? int.MaxValue : System.Text.Encoding.UTF8.GetByteCount(text);

    /// <summary>New characters stand for the old ones in order; those beyond the last old one share its place.</summary>
    private static void Append(AlignedText source, int start, int length, string replacement, AlignedText target)
    {
        int cursor = start;
        TextRange origin = default;
        foreach (Rune rune in replacement.EnumerateRunes())
        {
            if (cursor < start + length)
            {
                origin = source.OriginOf(cursor);
                cursor += source.RuneAt(cursor).Utf16SequenceLength;
            }

            target.Append(rune, origin);
        }
    }

    /// <summary>Follows <paramref name="key"/> through the tree and returns the replacement of the first entry met, as the reference does.</summary>
    private bool Find(ReadOnlySpan<byte> key, out string? replacement)
    {
        replacement = null;
        if (_cells.Length == 0)
        {
            return false;
        }

        uint node = Offset(_cells[0]);
        foreach (byte b in key)
        {
            if (b == 0)
            {
                return false;
            }

            node ^= b;
            if (node >= _cells.Length || (_cells[node] & 0x800000FF) != b)
            {
                return false;
            }

            uint cell = _cells[node];
            node ^= Offset(cell);
            if ((cell & 0x100) != 0 && node < _cells.Length)
            {
                return TryReadText((int)(_cells[node] & 0x7FFFFFFF), out replacement);
            }
        }

        return false;
    }

    /// <summary>Darts-clone packs the distance to the children into bits 10–30, with a flag for large distances in bit 9.</summary>
    private static uint Offset(uint cell) => (cell >> 10) << (int)((cell & 0x200) >> 6);

    private bool TryReadText(int offset, out string? text)
    {
        text = null;
        if (offset >= _charsMap.Length - _textStart)
        {
            return false;
        }

        ReadOnlySpan<byte> bytes = _charsMap.AsSpan(_textStart + offset);
        int end = bytes.IndexOf((byte)0);
        text = System.Text.Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
        return true;
    }
}
