using System.Text;
using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PreTokenizers;

/// <summary>When <see cref="Metaspace"/> puts its sign in front of a text.</summary>
internal enum PrependScheme
{
    /// <summary>Before every piece that does not start with it.</summary>
    Always,

    /// <summary>Only before the piece that starts the text.</summary>
    First,

    /// <summary>Never.</summary>
    Never,
}

/// <summary>Writes spaces as a visible sign (▁) and starts a piece at each, as SentencePiece does.</summary>
internal sealed class Metaspace(MetaspaceSettings settings) : PreTokenizer
{
    public static PreTokenizer Read(JsonPart json) => new Metaspace(MetaspaceSettings.Read(json));

    public override void Run(PreTokenizedText text)
    {
        text.Rewrite((source, start, length, target) =>
        {
            bool starts = source.RuneAt(start) == settings.Replacement || source[start] == ' ';
            if (!starts && (settings.Prepend == PrependScheme.Always
                || (settings.Prepend == PrependScheme.First && source.OriginOf(start).Start == 0)))
            {
                target.Append(settings.Replacement, source.OriginOf(start));
            }

            for (int i = start; i < start + length; i++)
            {
                if (source[i] == ' ')
                {
                    target.Append(settings.Replacement, source.OriginOf(i));
                }
                else
                {
                    target.Append(source[i], source.OriginOf(i));
                }
            }
        });

        if (settings.Split)
        {
            text.Split(SplitBeforeSigns);
        }
    }

    public override void Write(Utf8JsonWriter json) => settings.Write(json);

    private void SplitBeforeSigns(ReadOnlySpan<char> piece, PieceSink parts)
    {
        Span<char> sign = stackalloc char[2];
        sign = sign[..settings.Replacement.EncodeToUtf16(sign)];
        int start = 0;
        while (start < piece.Length)
        {
            int skip = piece[start..].StartsWith(sign) ? sign.Length : 0;
            int next = piece[(start + skip)..].IndexOf(sign);
            int end = next < 0 ? piece.Length : start + skip + next;
            parts.Add(start, end);
            start = end;
        }
    }
}

/// <summary>The settings that the pre-tokenizer and the decoder called Metaspace share.</summary>
internal sealed record MetaspaceSettings(Rune Replacement, PrependScheme Prepend, bool Split)
{
    public static MetaspaceSettings Read(JsonPart json)
    {
        PrependScheme prepend = json.Enum("prepend_scheme", PrependScheme.Always);
        if (!json.Bool("add_prefix_space", true)) // the older name of "never"
        {
            prepend = PrependScheme.Never;
        }

        JsonPart replacement = json.Member("replacement");
        return new MetaspaceSettings(
            replacement.IsNull ? new Rune('\u2581') : Components.SingleRune(replacement), prepend, json.Bool("split", true));
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Metaspace");
        json.WriteString("replacement", Replacement.ToString());
        json.WriteString("prepend_scheme", Prepend switch
        {
            PrependScheme.Always => "always",
            PrependScheme.First => "first",
            _ => "never",
        });
        json.WriteBoolean("split", Split);
        json.WriteEndObject();
    }
}
