using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PostProcessors;

/// <summary>RoBERTa's frame: <c>&lt;s&gt; A &lt;/s&gt;</c>, or <c>&lt;s&gt; A &lt;/s&gt; &lt;/s&gt; B &lt;/s&gt;</c>; every segment id is 0.</summary>
internal sealed class RobertaProcessing(SpecialToken separator, SpecialToken classifier, bool trimOffsets, bool addPrefixSpace) : PostProcessor
{
    public static PostProcessor Read(JsonPart json) => new RobertaProcessing(
        SpecialToken.Read(json.Required("sep")),
        SpecialToken.Read(json.Required("cls")),
        json.Bool("trim_offsets", true),
        json.Bool("add_prefix_space", true));

    public override int AddedTokens(bool isPair) => isPair ? 4 : 2;

    public override List<Encoding> Process(List<Encoding> encodings, bool addSpecialTokens)
    {
        List<Encoding> texts = encodings.ConvertAll(e => (trimOffsets ? ByteLevelProcessing.Trim(e, addPrefixSpace) : e).WithTypeId(0));
        if (!addSpecialTokens)
        {
            return texts;
        }

        List<Encoding> output = [classifier.Insert(0), texts[0], separator.Insert(0)];
        if (texts.Count > 1)
        {
            output.AddRange([separator.Insert(0), texts[1], separator.Insert(0)]);
        }

        return output;
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "RobertaProcessing");
        separator.Write(json, "sep");
        classifier.Write(json, "cls");
        json.WriteBoolean("trim_offsets", trimOffsets);
        json.WriteBoolean("add_prefix_space", addPrefixSpace);
        json.WriteEndObject();
    }
}
