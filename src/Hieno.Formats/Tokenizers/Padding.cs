using System.Text.Json;

namespace Hieno.Formats.Tokenizers;

/// <summary>Fills encodings up to a common length.</summary>
public sealed record Padding
{
    /// <summary>The length to fill up to; null means the longest encoding of the batch. Default null.</summary>
    public int? Length { get; init; }

    /// <summary>Rounds the length up to a multiple of this. Default null: no rounding.</summary>
    public int? MultipleOf { get; init; }

    /// <summary>Where padding is added. Default at the end.</summary>
    public TruncationSide Side { get; init; } = TruncationSide.Right;

    /// <summary>Id of the padding token. Default 0.</summary>
    public int Id { get; init; }

    /// <summary>Segment id of the padding token. Default 0.</summary>
    public int TypeId { get; init; }

    /// <summary>The padding token. Default <c>[PAD]</c>.</summary>
    public string Token { get; init; } = "[PAD]";

    internal static Padding Read(JsonPart json)
    {
        JsonPart strategy = json.Member("strategy");
        bool isFixed = strategy.Element.ValueKind == JsonValueKind.Object;
        JsonPart multiple = json.Member("pad_to_multiple_of");
        return new Padding
        {
            Length = isFixed ? Limited(strategy.Required("Fixed")) : null,
            MultipleOf = multiple.IsNull ? null : Limited(multiple),
            Side = json.Enum("direction", TruncationSide.Right),
            Id = json.Count("pad_id", 0),
            TypeId = json.Count("pad_type_id", 0),
            Token = json.StringOrNull("pad_token") ?? "[PAD]",
        };
    }

    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("padding");
        if (Length is int length)
        {
            json.WriteStartObject("strategy");
            json.WriteNumber("Fixed", length);
            json.WriteEndObject();
        }
        else
        {
            json.WriteString("strategy", "BatchLongest");
        }

        json.WriteString("direction", Side.ToString());
        if (MultipleOf is int multiple)
        {
            json.WriteNumber("pad_to_multiple_of", multiple);
        }
        else
        {
            json.WriteNull("pad_to_multiple_of");
        }

        json.WriteNumber("pad_id", Id);
        json.WriteNumber("pad_type_id", TypeId);
        json.WriteString("pad_token", Token);
        json.WriteEndObject();
    }

    /// <summary>Pads a batch in place.</summary>
    internal void Apply(Encoding[] batch)
    {
        int length = Length ?? batch.Select(e => e.Length).DefaultIfEmpty(0).Max();
        if (MultipleOf is int multiple and > 0 && length % multiple != 0)
        {
            length += multiple - (length % multiple);
        }

        for (int i = 0; i < batch.Length; i++)
        {
            batch[i] = batch[i].Pad(length, this);
        }
    }

    /// <summary>A length from a file: large enough for any model, small enough to be allocated.</summary>
    private static int Limited(JsonPart json) =>
        json.AsInt() is int value and >= 0 and <= 100_000_000 ? value : throw json.Error("the length must be from 0 to 100000000.");
}
