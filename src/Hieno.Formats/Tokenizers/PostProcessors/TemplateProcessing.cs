using System.Text.Json;

namespace Hieno.Formats.Tokenizers.PostProcessors;

/// <summary>Puts texts and special tokens together as a template says.</summary>
internal sealed class TemplateProcessing : PostProcessor
{
    private readonly List<TemplatePart> _single;
    private readonly List<TemplatePart> _pair;
    private readonly Dictionary<string, (int[] Ids, string[] Tokens)> _specialTokens;

    public TemplateProcessing(List<TemplatePart> single, List<TemplatePart> pair, Dictionary<string, (int[] Ids, string[] Tokens)> specialTokens)
    {
        (_single, _pair, _specialTokens) = (single, pair, specialTokens);
    }

    public static PostProcessor Read(JsonPart json)
    {
        var specialTokens = new Dictionary<string, (int[], string[])>(StringComparer.Ordinal);
        JsonPart list = json.Required("special_tokens");
        if (list.Element.ValueKind != JsonValueKind.Object)
        {
            throw list.Error("expected an object of special tokens.");
        }

        foreach (JsonProperty property in list.Element.EnumerateObject())
        {
            JsonPart token = list.Member(property.Name);
            int[] ids = [.. token.Required("ids").Items().Select(id => id.AsInt())];
            string[] tokens = [.. token.Required("tokens").Items().Select(t => t.AsString())];
            specialTokens[property.Name] = ids.Length == tokens.Length
                ? (ids, tokens)
                : throw token.Error($"{ids.Length} ids, but {tokens.Length} tokens. Give one id for each token.");
        }

        List<TemplatePart> single = TemplatePart.ReadAll(json.Required("single"), specialTokens.Keys);
        List<TemplatePart> pair = TemplatePart.ReadAll(json.Required("pair"), specialTokens.Keys);
        return new TemplateProcessing(single, pair, specialTokens);
    }

    public override int AddedTokens(bool isPair) =>
        (isPair ? _pair : _single).Sum(part => part.SpecialToken is string name ? _specialTokens[name].Ids.Length : 0);

    public override List<Encoding> Process(List<Encoding> encodings, bool addSpecialTokens)
    {
        var output = new List<Encoding>();
        foreach (TemplatePart part in encodings.Count > 1 ? _pair : _single)
        {
            if (part.SpecialToken is null)
            {
                output.Add(encodings[Math.Min(part.Sequence, encodings.Count - 1)].WithTypeId(part.TypeId));
            }
            else if (addSpecialTokens)
            {
                (int[] ids, string[] tokens) = _specialTokens[part.SpecialToken];
                output.Add(Encoding.Inserted(ids, tokens, part.TypeId));
            }
        }

        return output;
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "TemplateProcessing");
        TemplatePart.WriteAll(json, "single", _single);
        TemplatePart.WriteAll(json, "pair", _pair);
        json.WriteStartObject("special_tokens");
        foreach ((string name, (int[] ids, string[] tokens)) in _specialTokens.OrderBy(t => t.Key, StringComparer.Ordinal))
        {
            json.WriteStartObject(name);
            json.WriteString("id", name);
            json.WriteStartArray("ids");
            Array.ForEach(ids, json.WriteNumberValue);
            json.WriteEndArray();
            json.WriteStartArray("tokens");
            Array.ForEach(tokens, json.WriteStringValue);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}

/// <summary>One part of a template: a text (0: A, 1: B) or a special token.</summary>
internal sealed record TemplatePart(int Sequence, string? SpecialToken, int TypeId)
{
    public static List<TemplatePart> ReadAll(JsonPart json, ICollection<string> specialTokens)
    {
        var parts = new List<TemplatePart>();
        foreach (JsonPart item in json.Items())
        {
            JsonPart sequence = item.Member("Sequence");
            if (!sequence.IsNull)
            {
                int index = sequence.String("id") switch
                {
                    "A" => 0,
                    "B" => 1,
                    var other => throw sequence.Error($"the text '{other}' is not known. Use A or B."),
                };
                parts.Add(new TemplatePart(index, null, sequence.Count("type_id", 0)));
                continue;
            }

            JsonPart special = item.Required("SpecialToken");
            string name = special.String("id");
            if (!specialTokens.Contains(name))
            {
                throw special.Error($"'{name}' is not among the special tokens of the template. Add it to special_tokens.");
            }

            parts.Add(new TemplatePart(-1, name, special.Count("type_id", 0)));
        }

        return parts;
    }

    public static void WriteAll(Utf8JsonWriter json, string name, List<TemplatePart> parts)
    {
        json.WriteStartArray(name);
        foreach (TemplatePart part in parts)
        {
            json.WriteStartObject();
            json.WriteStartObject(part.SpecialToken is null ? "Sequence" : "SpecialToken");
            json.WriteString("id", part.SpecialToken ?? (part.Sequence == 0 ? "A" : "B"));
            json.WriteNumber("type_id", part.TypeId);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
