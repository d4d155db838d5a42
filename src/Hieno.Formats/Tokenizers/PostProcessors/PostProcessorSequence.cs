using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PostProcessors;

/// <summary>Runs several post-processors, one after the other.</summary>
internal sealed class PostProcessorSequence(IReadOnlyList<PostProcessor> processors) : PostProcessor
{
    public static PostProcessor Read(JsonPart json) =>
        new PostProcessorSequence(Components.ReadAll(json.Required("processors"), Components.PostProcessor));

    public override int AddedTokens(bool isPair) => processors.Sum(p => p.AddedTokens(isPair));

    public override List<Encoding> Process(List<Encoding> encodings, bool addSpecialTokens)
    {
        foreach (PostProcessor processor in processors)
        {
            encodings = processor.Process(encodings, addSpecialTokens);
        }

        return encodings;
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Sequence");
        json.WriteStartArray("processors");
        foreach (PostProcessor processor in processors)
        {
            processor.Write(json);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
