using System.Buffers;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Hieno.Recipes;

// Reads YAML events into nodes. Events, not YamlDotNet's own tree: an alias then counts what it expands to, and depth is seen before
// it is followed.
internal sealed partial class YamlRecipe(NodeBuilder nodes)
{
    private static readonly SearchValues<char> Forbidden = SearchValues.Create(
        [.. Enumerable.Range(0, 0xA0).Select(c => (char)c).Where(c => char.IsControl(c) && c is not ('\t' or '\n' or '\r' or '\u0085'))]);

    private readonly Dictionary<string, RecipeNode?> _anchors = new(StringComparer.Ordinal); // null while the anchored value is being read
    private IParser _parser = null!;

    public MapNode Read(string text)
    {
        CheckCharacters(text);
        _parser = new Parser(new Scanner(new StringReader(text), skipComments: true));
        try
        {
            _parser.Consume<StreamStart>();
            if (_parser.Accept<StreamEnd>(out _))
            {
                throw Empty();
            }

            _parser.Consume<DocumentStart>();
            var root = ReadNode(depth: 1);
            _parser.Consume<DocumentEnd>();
            if (_parser.TryConsume<DocumentStart>(out var second))
            {
                throw nodes.Syntax(At(second), "a second document begins here. Put each recipe into a file of its own.");
            }

            return root switch
            {
                MapNode map => map,
                ScalarNode { Form: ScalarForm.Null } => throw Empty(),
                _ => throw nodes.Syntax(
                    root.Position, $"the recipe is {Quote.Describe(root)}, expected settings. Write them one a line: 'key: value'."),
            };
        }
        catch (YamlException e)
        {
            throw Explain(e, e.Start, text);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or FormatException or OverflowException)
        {
            // YamlDotNet lets these escape for a few malformed escapes and directives.
            throw Explain(e, _parser.Current?.End ?? Mark.Empty, text);
        }
    }

    private RecipeException Empty() =>
        nodes.Syntax(RecipePosition.WholeFile(nodes.File), "the recipe is empty. Write its settings, one a line: 'key: value'.");

    // YAML has only printable characters, tabs and line ends; YamlDotNet lets others pass.
    private void CheckCharacters(string text)
    {
        int found = text.AsSpan().IndexOfAny(Forbidden);
        if (found >= 0)
        {
            int line = 1 + text.AsSpan(0, found).Count('\n');
            int column = found - text.LastIndexOf('\n', found);
            throw nodes.Syntax(new(nodes.File, line, column),
                $"the character U+{(int)text[found]:X4} is not allowed in YAML. Remove it, or write \"\\u{(int)text[found]:x4}\".");
        }
    }

    private RecipeNode ReadNode(int depth)
    {
        var position = At(Peek());
        nodes.CheckDepth(depth, position);
        if (_parser.TryConsume<AnchorAlias>(out var alias))
        {
            // The parser checks nothing: an alias may name an anchor that does not exist or is still open.
            string name = Quote.Clip(alias.Value.Value);
            if (!_anchors.TryGetValue(alias.Value.Value, out var target))
            {
                throw nodes.Syntax(position, $"the anchor '*{name}' is not defined before it is used. Define it with '&' above.");
            }

            return Counted(target ?? throw nodes.Syntax(position, $"the anchor '*{name}' contains itself. Write the value out."), alias: true);
        }

        string? anchor = Peek() is NodeEvent { Anchor.IsEmpty: false } anchored ? anchored.Anchor.Value : null;
        if (anchor is not null)
        {
            _anchors[anchor] = null;
        }

        var node = ReadValue(depth, position);
        if (anchor is not null)
        {
            _anchors[anchor] = node;
        }

        return Counted(node);
    }

    private RecipeNode ReadValue(int depth, RecipePosition position)
    {
        if (_parser.TryConsume<Scalar>(out var scalar))
        {
            return ReadScalar(scalar, position);
        }

        if (_parser.TryConsume<SequenceStart>(out var sequence))
        {
            CheckTag(sequence, position, "tag:yaml.org,2002:seq");
            var items = new List<RecipeNode>();
            while (!_parser.TryConsume<SequenceEnd>(out _))
            {
                items.Add(ReadNode(depth + 1));
            }

            return new ListNode(items, position);
        }

        CheckTag(_parser.Consume<MappingStart>(), position, "tag:yaml.org,2002:map");
        var entries = new List<RecipeEntry>();
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var key = ReadNode(depth + 1);
            if (key is not ScalarNode { Form: not ScalarForm.Null } name)
            {
                throw nodes.Syntax(key.Position, $"a key is {Quote.Describe(key)}, expected a name. Write 'name: value'.");
            }

            if (name is { Text: "<<", Form: ScalarForm.Plain })
            {
                throw nodes.Syntax(key.Position, "merge keys ('<<') are not part of YAML 1.2. Repeat the settings.");
            }

            entries.Add(new RecipeEntry(name.Text, key.Position, ReadNode(depth + 1)));
        }

        return nodes.Map(entries, position);
    }

    // YAML 1.2 core schema: only an unquoted, untagged scalar can be null, a number or a truth value. The setting decides which.
    private ScalarNode ReadScalar(Scalar scalar, RecipePosition position)
    {
        CheckTag(scalar, position, "tag:yaml.org,2002:str", "!");
        bool isText = scalar.Style is not (ScalarStyle.Plain or ScalarStyle.Any) || !scalar.Tag.IsEmpty;
        bool isNull = !isText && scalar.Value is "" or "~" or "null" or "Null" or "NULL";
        return new ScalarNode(scalar.Value, isText ? ScalarForm.Quoted : isNull ? ScalarForm.Null : ScalarForm.Plain, position);
    }

    private void CheckTag(NodeEvent node, RecipePosition position, params ReadOnlySpan<string> allowed)
    {
        if (!node.Tag.IsEmpty && !allowed.Contains(node.Tag.Value))
        {
            throw nodes.Syntax(position, $"the tag '{Quote.Clip(node.Tag.Value)}' is not allowed in a recipe. Remove it.");
        }
    }

    private RecipeNode Counted(RecipeNode node, bool alias = false)
    {
        nodes.Count(node, alias);
        return node;
    }

    private ParsingEvent Peek() =>
        _parser.Accept<ParsingEvent>(out var next) ? next : throw new InvalidOperationException("The YAML ends too early.");

    private RecipePosition At(ParsingEvent e) => At(e.Start);

    private RecipePosition At(Mark mark) => new(nodes.File, (int)mark.Line, (int)mark.Column);

    private RecipeException Explain(Exception e, Mark mark, string text)
    {
        // A tab is reported where the value before it ends, so the next line is looked at too.
        foreach (var (index, line) in text.Split('\n').Index().Skip((int)mark.Line - 1).Take(2))
        {
            int indent = line.Length - line.TrimStart().Length;
            int tab = line.AsSpan(0, indent).IndexOf('\t');
            if (tab >= 0 && indent < line.Length)
            {
                var position = new RecipePosition(nodes.File, index + 1, tab + 1);
                return nodes.Syntax(position, "the line is indented with a tab, which YAML forbids. Use spaces.", e);
            }
        }

        return nodes.Syntax(At(mark), $"this is not valid YAML: {FirstSentence(e.Message)}. Correct it here or just above.", e);
    }

    // YamlDotNet begins some messages with "While parsing a block mapping, did not find…" and "(Line: 3, Col: 5, Idx: 20) - (…): ".
    private static string FirstSentence(string message)
    {
        string plain = Marks().Replace(message, "");
        int end = plain.IndexOf(". ", StringComparison.Ordinal);
        plain = (end > 0 ? plain[..end] : plain).Trim().TrimEnd('.');
        return plain.Length == 0 ? "malformed text" : Quote.Clip(char.ToLowerInvariant(plain[0]) + plain[1..], maxLength: 200);
    }

    [GeneratedRegex(@"\(Line: \d+, Col: \d+, Idx: \d+\)( - )?:?", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Marks();
}
