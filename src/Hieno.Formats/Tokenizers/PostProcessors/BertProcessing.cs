using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PostProcessors;

/// <summary>BERT's frame: <c>[CLS] A [SEP]</c>, or <c>[CLS] A [SEP] B [SEP]</c> with segment id 1 from B on.</summary>
internal sealed class BertProcessing(SpecialToken separator, SpecialToken classifier) : PostProcessor
{
    public static PostProcessor Read(JsonPart json) =>
        new BertProcessing(SpecialToken.Read(json.Required("sep")), SpecialToken.Read(json.Required("cls")));

    public override int AddedTokens(bool isPair) => isPair ? 3 : 2;

    public override List<Encoding> Process(List<Encoding> encodings, bool addSpecialTokens)
    {
        if (!addSpecialTokens)
        {
            return encodings;
        }

        List<Encoding> output = [classifier.Insert(0), encodings[0], separator.Insert(0)];
        if (encodings.Count > 1)
        {
            output.Add(encodings[1]);
            output.Add(separator.Insert(1));
        }

        return output;
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "BertProcessing");
        separator.Write(json, "sep");
        classifier.Write(json, "cls");
        json.WriteEndObject();
    }
}
