using System.Text.Json;

namespace Hieno.Formats.Tokenizers;

/// <summary>The side of a text on which tokens are cut off or padding is added.</summary>
public enum TruncationSide
{
    /// <summary>The start of the text.</summary>
    Left,

    /// <summary>The end of the text.</summary>
    Right,
}

/// <summary>Which text of a pair is shortened.</summary>
public enum TruncationStrategy
{
    /// <summary>The longer one first, down to the length of the other, then both.</summary>
    LongestFirst,

    /// <summary>Only the first text.</summary>
    OnlyFirst,

    /// <summary>Only the second text.</summary>
    OnlySecond,
}

/// <summary>Limits the number of tokens of an encoding.</summary>
/// <param name="MaxLength">Most tokens in an encoding, special tokens included.</param>
public sealed record Truncation(int MaxLength)
{
    /// <summary>Tokens that neighbouring overflowing parts share. Default 0.</summary>
    public int Stride { get; init; }

    /// <summary>Which text of a pair is shortened. Default the longer one first.</summary>
    public TruncationStrategy Strategy { get; init; }

    /// <summary>Where tokens are cut off. Default at the end.</summary>
    public TruncationSide Side { get; init; } = TruncationSide.Right;

    internal static Truncation Read(JsonPart json) => new(json.Count("max_length", 512))
    {
        Stride = json.Count("stride", 0),
        Strategy = json.Enum("strategy", TruncationStrategy.LongestFirst),
        Side = json.Enum("direction", TruncationSide.Right),
    };

    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("truncation");
        json.WriteString("direction", Side.ToString());
        json.WriteNumber("max_length", MaxLength);
        json.WriteString("strategy", Strategy.ToString());
        json.WriteNumber("stride", Stride);
        json.WriteEndObject();
    }

    /// <summary>Shortens one encoding, or a pair.</summary>
    /// <param name="first">The first text's tokens.</param>
    /// <param name="second">The second text's tokens, or null.</param>
    /// <param name="added">How many special tokens will be inserted afterwards.</param>
    internal (Encoding First, Encoding? Second) Apply(Encoding first, Encoding? second, int added)
    {
        int limit = MaxLength - added;
        if (limit < 0)
        {
            throw new InvalidOperationException(
                $"Truncation: {added} special tokens do not fit into {MaxLength} tokens. Raise MaxLength or encode without special tokens.");
        }

        int excess = first.Length + (second?.Length ?? 0) - limit;
        if (excess <= 0)
        {
            return (first, second);
        }

        (int keepFirst, int keepSecond) = limit == 0 ? (0, 0) : Strategy switch
        {
            TruncationStrategy.LongestFirst when second is null => (limit, 0),
            TruncationStrategy.LongestFirst => ShareOut(first.Length, second.Length, limit),
            TruncationStrategy.OnlyFirst => (first.Length - excess, second?.Length ?? 0),
            _ => (first.Length, (second?.Length ?? 0) - excess),
        };
        if (limit > 0 && ((Strategy == TruncationStrategy.OnlyFirst && keepFirst <= 0) || (Strategy == TruncationStrategy.OnlySecond && keepSecond <= 0)))
        {
            throw new InvalidOperationException(
                $"Truncation: {excess} tokens must go, but the text to shorten ({Strategy}) has no more than that. Use LongestFirst or raise MaxLength.");
        }

        return (Shorten(first, keepFirst), second is null ? null : Shorten(second, keepSecond));
    }

    /// <summary>The shorter text keeps its length if the other one can make the room; else both get half.</summary>
    private static (int First, int Second) ShareOut(int first, int second, int limit)
    {
        int shorter = Math.Min(first, second);
        int longer = shorter > limit ? shorter : Math.Max(shorter, limit - shorter);
        if (shorter + longer > limit)
        {
            shorter = limit / 2;
            longer = shorter + (limit % 2);
        }

        return first > second ? (longer, shorter) : (shorter, longer);
    }

    private Encoding Shorten(Encoding encoding, int length)
    {
        if (length > 0 && length < encoding.Length && Stride >= length)
        {
            throw new InvalidOperationException(
                $"Truncation: the stride {Stride} must be less than the {length} tokens that are left of MaxLength {MaxLength}. Lower Stride.");
        }

        return encoding.Truncate(length, Stride, Side);
    }
}
