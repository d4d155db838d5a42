using System.Text;
using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PreTokenizers;

/// <summary>Splits where the script changes, say from Latin to Cyrillic. Spaces go with what stands before them.</summary>
internal sealed class UnicodeScripts : PreTokenizer
{
    public override void Run(PreTokenizedText text) => text.Split(static (piece, parts) =>
    {
        // Spaces before the first character of any script belong to no piece: the reference drops them, too.
        int start = -1;
        int current = 0;
        for (int i = 0; i < piece.Length;)
        {
            Rune.DecodeFromUtf16(piece[i..], out Rune rune, out int units);
            int script = UnicodeScriptTable.ScriptOf(rune);
            if (script != 0 && script != current)
            {
                if (start >= 0)
                {
                    parts.Add(start, i);
                }

                (start, current) = (i, script);
            }

            i += units;
        }

        if (start >= 0)
        {
            parts.Add(start, piece.Length);
        }
    });

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "UnicodeScripts");
        json.WriteEndObject();
    }
}
