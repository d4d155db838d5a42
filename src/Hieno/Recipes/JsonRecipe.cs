using System.Text;
using System.Text.Json;

namespace Hieno.Recipes;

// Reads JSON into nodes, with the line and column of each token (System.Text.Json's own tree has none).
internal sealed class JsonRecipe(NodeBuilder nodes)
{
    private readonly List<int> _lineStarts = [0];

    public MapNode Read(ReadOnlySpan<byte> utf8)
    {
        for (int i = 0; i < utf8.Length; i++)
        {
            if (utf8[i] == '\n')
            {
                _lineStarts.Add(i + 1);
            }
        }

        // One level more than allowed, so that our own check speaks first.
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = RecipeFile.MaxDepth + 1 });
        try
        {
            reader.Read();
            var root = ReadNode(ref reader, utf8, depth: 1);
            reader.Read(); // throws if anything but white space follows
            return root as MapNode ?? throw nodes.Syntax(
                root.Position, $"the recipe is {Quote.Describe(root)}, expected an object. Write {{ \"key\": value }}.");
        }
        catch (JsonException e)
        {
            int line = (int)Math.Min(e.LineNumber ?? 0, _lineStarts.Count - 1);
            var position = At(utf8, _lineStarts[line] + (int)(e.BytePositionInLine ?? 0));
            throw utf8.Trim(" \t\r\n"u8).IsEmpty
                ? nodes.Syntax(RecipePosition.WholeFile(nodes.File), "the recipe is empty. Write { \"key\": value }.", e)
                : nodes.Syntax(position, $"this is not valid JSON: {FirstSentence(e.Message)}. Correct it here or just before.", e);
        }
    }

    private RecipeNode ReadNode(ref Utf8JsonReader reader, ReadOnlySpan<byte> utf8, int depth)
    {
        var position = At(utf8, (int)reader.TokenStartIndex);
        nodes.CheckDepth(depth, position);
        RecipeNode node;
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            var entries = new List<RecipeEntry>();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
            {
                var keyPosition = At(utf8, (int)reader.TokenStartIndex);
                string key = Text(ref reader, keyPosition);
                reader.Read();
                entries.Add(new RecipeEntry(key, keyPosition, ReadNode(ref reader, utf8, depth + 1)));
            }

            node = nodes.Map(entries, position);
        }
        else if (reader.TokenType == JsonTokenType.StartArray)
        {
            var items = new List<RecipeNode>();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                items.Add(ReadNode(ref reader, utf8, depth + 1));
            }

            node = new ListNode(items, position);
        }
        else
        {
            node = reader.TokenType switch
            {
                JsonTokenType.String => new ScalarNode(Text(ref reader, position), ScalarForm.Quoted, position),
                JsonTokenType.Null => new ScalarNode("null", ScalarForm.Null, position),
                _ => new ScalarNode(Encoding.ASCII.GetString(reader.ValueSpan), ScalarForm.Plain, position), // a number, true or false
            };
        }

        nodes.Count(node);
        return node;
    }

    private string Text(ref Utf8JsonReader reader, RecipePosition position)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            // Half a surrogate pair (\ud800), or bytes that are not UTF-8.
            throw nodes.Syntax(position, "the text is not valid Unicode. Correct its escapes, or save the recipe as UTF-8.", e);
        }
    }

    private RecipePosition At(ReadOnlySpan<byte> utf8, int offset)
    {
        int found = _lineStarts.BinarySearch(offset);
        int line = found >= 0 ? found : ~found - 1;
        int start = _lineStarts[line];
        return new(nodes.File, line + 1, 1 + Encoding.UTF8.GetCharCount(utf8[start..Math.Min(offset, utf8.Length)]));
    }

    private static string FirstSentence(string message)
    {
        int end = message.IndexOf(". ", StringComparison.Ordinal);
        string plain = (end > 0 ? message[..end] : message).TrimEnd('.');
        return char.ToLowerInvariant(plain[0]) + plain[1..];
    }
}
