using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Normalizers;

/// <summary>Drops white space at the start, the end, or both.</summary>
internal sealed class Strip(bool left, bool right) : Normalizer
{
    public static Normalizer Read(JsonPart json) => new Strip(json.Bool("strip_left", true), json.Bool("strip_right", true));

    public override void Normalize(AlignedText source, int start, int length, AlignedText target)
    {
        int end = start + length;
        while (left && start < end && char.IsWhiteSpace(source[start]))
        {
            start++;
        }

        while (right && end > start && char.IsWhiteSpace(source[end - 1]))
        {
            end--;
        }

        target.AppendFrom(source, start, end - start);
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Strip");
        json.WriteBoolean("strip_left", left);
        json.WriteBoolean("strip_right", right);
        json.WriteEndObject();
    }
}
