using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Normalizers;

/// <summary>Applies several normalizers, one after the other.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<Normalizer> normalizers) : Normalizer
{
    public static Normalizer Read(JsonPart json) => new NormalizerSequence(Components.ReadAll(json.Required("normalizers"), Components.Normalizer));

    public override void Normalize(AlignedText source, int start, int length, AlignedText target)
    {
        for (int i = 0; i < normalizers.Count; i++)
        {
            AlignedText output = i == normalizers.Count - 1 ? target : new AlignedText(length);
            normalizers[i].Normalize(source, start, length, output);
            (source, start, length) = (output, 0, output.Length);
        }

        if (normalizers.Count == 0)
        {
            target.AppendFrom(source, start, length);
        }
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Sequence");
        json.WriteStartArray("normalizers");
        foreach (Normalizer normalizer in normalizers)
        {
            normalizer.Write(json);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
