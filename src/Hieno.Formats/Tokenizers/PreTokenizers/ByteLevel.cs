using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PreTokenizers;

/// <summary>GPT-2's pre-tokenizer: splits into words, then writes each byte as one printable character.</summary>
internal sealed class ByteLevel(ByteLevelSettings settings) : PreTokenizer
{
    public static PreTokenizer Read(JsonPart json) => new ByteLevel(ByteLevelSettings.Read(json));

    public override void Run(PreTokenizedText text)
    {
        if (settings.AddPrefixSpace)
        {
            text.Rewrite(static (source, start, length, target) =>
            {
                if (source[start] != ' ')
                {
                    target.Append(' ', source.OriginOf(start));
                }

                target.AppendFrom(source, start, length);
            });
        }

        if (settings.UseRegex)
        {
            text.Split(WordScanner.Gpt2.Split);
        }

        text.Rewrite(ByteAlphabet.Rewrite);
    }

    public override void Write(Utf8JsonWriter json) => settings.Write(json);
}

/// <summary>The settings that the pre-tokenizer, post-processor and decoder called ByteLevel share.</summary>
internal sealed record ByteLevelSettings(bool AddPrefixSpace, bool TrimOffsets, bool UseRegex)
{
    public static ByteLevelSettings Read(JsonPart json) => new(
        json.Bool("add_prefix_space", true), json.Bool("trim_offsets", true), json.Bool("use_regex", true));

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", AddPrefixSpace);
        json.WriteBoolean("trim_offsets", TrimOffsets);
        json.WriteBoolean("use_regex", UseRegex);
        json.WriteEndObject();
    }
}
