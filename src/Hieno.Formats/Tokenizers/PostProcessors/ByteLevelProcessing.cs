using System.Text.Json;
using Hieno.Formats.Tokenizers.PreTokenizers;

namespace Hieno.Formats.Tokenizers.PostProcessors;

/// <summary>Takes the spaces that byte-level tokens begin or end with out of their offsets.</summary>
internal sealed class ByteLevelProcessing(ByteLevelSettings settings) : PostProcessor
{
    public static PostProcessor Read(JsonPart json) => new ByteLevelProcessing(ByteLevelSettings.Read(json));

    public override int AddedTokens(bool isPair) => 0;

    public override List<Encoding> Process(List<Encoding> encodings, bool addSpecialTokens) =>
        settings.TrimOffsets ? encodings.ConvertAll(e => Trim(e, settings.AddPrefixSpace)) : encodings;

    public override void Write(Utf8JsonWriter json) => settings.Write(json);

    /// <summary>Trims the offsets of an encoding and of its overflow.</summary>
    public static Encoding Trim(Encoding encoding, bool addPrefixSpace)
    {
        var offsets = new TextRange[encoding.Length];
        for (int i = 0; i < offsets.Length; i++)
        {
            string token = encoding.Tokens[i];
            (int start, int end) = encoding.Offsets[i];
            int leading = token.TakeWhile(IsSpace).Count();
            int trailing = token.Reverse().TakeWhile(IsSpace).Count();

            // A single space before the first word is the one that was put there: there is nothing of it in the text to trim.
            bool wasAdded = (i == 0 || start == 0) && addPrefixSpace && leading == 1;
            if (!wasAdded)
            {
                start = Math.Min(start + leading, end);
            }

            if (wasAdded && trailing == token.Length)
            {
                end = start; // nothing but the added space, which borrowed the place of the character after it
            }
            else if (end >= trailing)
            {
                end = Math.Max(end - trailing, start);
            }

            offsets[i] = new TextRange(start, end);
        }

        return encoding.WithOffsets(offsets, [.. encoding.Overflowing.Select(o => Trim(o, addPrefixSpace))]);
    }

    private static bool IsSpace(char c) => c == ByteAlphabet.Char((byte)' ') || char.IsWhiteSpace(c);
}
