using System.Text;

namespace Hieno.Formats.Tokenizers;

/// <summary>Text on its way through the pipeline: each UTF-16 unit remembers which range of the original text it came from.</summary>
/// <remarks>
/// Normalizers read one of these and append to another, so every stage is one pass and nothing is edited in place.
/// Both units of a surrogate pair carry the range of the whole pair: a range never cuts a character of the original.
/// </remarks>
internal sealed class AlignedText
{
    private char[] _chars;
    private TextRange[] _origins;

    public AlignedText(int capacity)
    {
        _chars = new char[Math.Max(capacity, 16)];
        _origins = new TextRange[_chars.Length];
    }

    public int Length { get; private set; }

    public char this[int index] => _chars[index];

    /// <summary>A text that is its own original. Lone surrogates, which no encoding of the text could carry, become U+FFFD.</summary>
    public static AlignedText Of(ReadOnlySpan<char> text)
    {
        var aligned = new AlignedText(text.Length);
        for (int i = 0; i < text.Length;)
        {
            char c = text[i];
            if (!char.IsSurrogate(c))
            {
                aligned.Append(c, new TextRange(i, ++i));
            }
            else if (i + 1 < text.Length && char.IsSurrogatePair(c, text[i + 1]))
            {
                var origin = new TextRange(i, i + 2);
                aligned.Append(c, origin);
                aligned.Append(text[i + 1], origin);
                i += 2;
            }
            else
            {
                aligned.Append('\uFFFD', new TextRange(i, ++i));
            }
        }

        return aligned;
    }

    public ReadOnlySpan<char> Slice(int start, int length) => _chars.AsSpan(start, length);

    /// <summary>The range of the original text that the unit at <paramref name="index"/> came from.</summary>
    public TextRange OriginOf(int index) => _origins[index];

    /// <summary>The character at <paramref name="index"/>; its <see cref="Rune.Utf16SequenceLength"/> leads to the next one.</summary>
    public Rune RuneAt(int index)
    {
        char c = _chars[index];
        return char.IsHighSurrogate(c) ? new Rune(c, _chars[index + 1]) : new Rune(c);
    }

    public void Append(char c, TextRange origin)
    {
        if (Length == _chars.Length)
        {
            Array.Resize(ref _chars, Length * 2);
            Array.Resize(ref _origins, Length * 2);
        }

        _chars[Length] = c;
        _origins[Length++] = origin;
    }

    public void Append(Rune rune, TextRange origin)
    {
        if (rune.IsBmp)
        {
            Append((char)rune.Value, origin);
            return;
        }

        Span<char> units = stackalloc char[2];
        rune.EncodeToUtf16(units);
        Append(units[0], origin);
        Append(units[1], origin);
    }

    public void Append(ReadOnlySpan<char> text, TextRange origin)
    {
        foreach (char c in text)
        {
            Append(c, origin);
        }
    }

    /// <summary>Copies units and their origins unchanged.</summary>
    public void AppendFrom(AlignedText source, int start, int length)
    {
        for (int i = start; i < start + length; i++)
        {
            Append(source._chars[i], source._origins[i]);
        }
    }
}
