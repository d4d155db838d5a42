using System.Buffers;
using System.Text.Json;
using Hieno.Formats.Tokenizers.PreTokenizers;

namespace Hieno.Formats.Tokenizers.Decoders;

/// <summary>Reads byte characters back into bytes, and all the bytes together as UTF-8.</summary>
internal sealed class ByteLevelDecoder(ByteLevelSettings settings) : TokenDecoder
{
    public static TokenDecoder Read(JsonPart json) => new ByteLevelDecoder(ByteLevelSettings.Read(json));

    public override List<string> Decode(List<string> tokens)
    {
        var bytes = new ArrayBufferWriter<byte>();
        foreach (string token in tokens)
        {
            if (token.All(c => ByteAlphabet.Byte(c) >= 0))
            {
                Span<byte> span = bytes.GetSpan(Math.Max(token.Length, 1));
                for (int i = 0; i < token.Length; i++)
                {
                    span[i] = (byte)ByteAlphabet.Byte(token[i]);
                }

                bytes.Advance(token.Length);
            }
            else
            {
                // An added token is written as it is, not in byte characters.
                bytes.Write(System.Text.Encoding.UTF8.GetBytes(token));
            }
        }

        return [System.Text.Encoding.UTF8.GetString(bytes.WrittenSpan)];
    }

    public override void Write(Utf8JsonWriter json) => settings.Write(json);
}
