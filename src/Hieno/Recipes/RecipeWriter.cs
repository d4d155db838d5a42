using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Hieno.Recipes;

/// <summary>Writes a record of settings back as a recipe: every value, defaults included, in declaration order.</summary>
/// <remarks>The same record gives the same bytes in every culture, and reading them gives an equal record.</remarks>
public static class RecipeWriter
{
    /// <summary>Writes YAML.</summary>
    /// <param name="recipe">The record of the whole recipe.</param>
    /// <param name="catalog">The known kinds.</param>
    /// <returns>The text, with '\n' line ends and one at its end.</returns>
    /// <exception cref="InvalidOperationException">A record or kind of the recipe is not known to the catalog.</exception>
    public static string ToYaml(object recipe, KindCatalog catalog) => ToYaml(ToTree(recipe, catalog));

    internal static string ToYaml(MapNode tree)
    {
        var text = new StringBuilder();
        var output = new StringWriter(text, CultureInfo.InvariantCulture) { NewLine = "\n" };

        // Long texts stay on one line: a folded one would read back the same, but not be found by a search.
        var emitter = new Emitter(output, EmitterSettings.Default.WithBestWidth(int.MaxValue).WithIndentedSequences());
        emitter.Emit(new StreamStart());
        emitter.Emit(new DocumentStart(version: null, tags: null, isImplicit: true));
        Emit(emitter, tree);
        emitter.Emit(new DocumentEnd(isImplicit: true));
        emitter.Emit(new StreamEnd());
        return text.ToString();
    }

    /// <summary>Writes JSON, indented by two spaces.</summary>
    /// <param name="recipe">The record of the whole recipe.</param>
    /// <param name="catalog">The known kinds.</param>
    /// <returns>The text, with '\n' line ends and one at its end.</returns>
    /// <exception cref="InvalidOperationException">A record or kind of the recipe is not known to the catalog.</exception>
    public static string ToJson(object recipe, KindCatalog catalog) => ToJson(ToTree(recipe, catalog)) + "\n";

    internal static string ToJson(RecipeNode tree)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions
        {
            Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            Write(json, tree);
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    /// <summary>The tree of a record, as it would be read from a file that says every setting.</summary>
    /// <param name="recipe">The record of the whole recipe.</param>
    /// <param name="catalog">The known kinds.</param>
    /// <returns>The tree; its positions say where it came from, not a line.</returns>
    /// <exception cref="InvalidOperationException">A record or kind of the recipe is not known to the catalog.</exception>
    public static MapNode ToTree(object recipe, KindCatalog catalog) =>
        Group(catalog.ModelOf(recipe.GetType()), recipe, kind: null, catalog);

    internal static RecipeNode ToNode(ValueModel model, object? value, KindCatalog catalog) => (model, value) switch
    {
        (_, null) => new ScalarNode("null", ScalarForm.Null, Written),
        (ScalarModel scalar, _) => Scalar(scalar, value),
        (ListModel list, _) => new ListNode(
            [.. ((IEnumerable)value).Cast<object?>().Select(v => ToNode(list.Element, v, catalog))], Written),
        (TableModel table, _) => new MapNode(
            [.. table.EntriesOf(value).Select(e => new RecipeEntry(e.Key, Written, ToNode(table.Element, e.Value, catalog)))], Written),
        (KindsModel kinds, _) => Group(catalog.ModelOf(value.GetType()), value, catalog.KindOf(kinds.BaseType, value.GetType()), catalog),
        _ => Group(catalog.ModelOf(value.GetType()), value, kind: null, catalog),
    };

    internal static void Write(Utf8JsonWriter json, RecipeNode node)
    {
        switch (node)
        {
            case MapNode map:
                json.WriteStartObject();
                foreach (var entry in map.Entries)
                {
                    json.WritePropertyName(entry.Key);
                    Write(json, entry.Value);
                }

                json.WriteEndObject();
                break;
            case ListNode list:
                json.WriteStartArray();
                foreach (var item in list.Items)
                {
                    Write(json, item);
                }

                json.WriteEndArray();
                break;
            case ScalarNode { Form: ScalarForm.Quoted } text:
                json.WriteStringValue(text.Text);
                break;
            case ScalarNode scalar:
                json.WriteRawValue(scalar.Text); // a number, true, false or null
                break;
        }
    }

    private static RecipePosition Written => RecipePosition.WholeFile("written recipe");

    private static MapNode Group(RecordModel model, object record, string? kind, KindCatalog catalog)
    {
        var entries = model.Settings.Select(s => new RecipeEntry(s.Key, Written, ToNode(s.Value, s.Get(record), catalog))).ToList();
        if (kind is not null)
        {
            entries.Insert(0, new RecipeEntry(MapNode.KindKey, Written, new ScalarNode(kind, ScalarForm.Quoted, Written)));
        }

        return new MapNode(entries, Written);
    }

    private static ScalarNode Scalar(ScalarModel model, object value)
    {
        string text = model.Write(value);
        return new ScalarNode(text, model.IsText(text) ? ScalarForm.Quoted : ScalarForm.Plain, Written);
    }

    private static void Emit(Emitter emitter, RecipeNode node)
    {
        switch (node)
        {
            case MapNode map:
                var mapStyle = map.Entries.Count == 0 ? MappingStyle.Flow : MappingStyle.Block;
                emitter.Emit(new MappingStart(AnchorName.Empty, TagName.Empty, isImplicit: true, mapStyle));
                foreach (var entry in map.Entries)
                {
                    EmitText(emitter, entry.Key);
                    Emit(emitter, entry.Value);
                }

                emitter.Emit(new MappingEnd());
                break;
            case ListNode list:
                var listStyle = list.Items.All(i => i is ScalarNode) ? SequenceStyle.Flow : SequenceStyle.Block;
                emitter.Emit(new SequenceStart(AnchorName.Empty, TagName.Empty, isImplicit: true, listStyle));
                foreach (var item in list.Items)
                {
                    Emit(emitter, item);
                }

                emitter.Emit(new SequenceEnd());
                break;
            case ScalarNode { Form: ScalarForm.Quoted } text:
                EmitText(emitter, text.Text);
                break;
            case ScalarNode scalar:
                EmitScalar(emitter, scalar.Text, ScalarStyle.Plain);
                break;
        }
    }

    // A word is written bare where no YAML reader can take it for something else; anything else in double quotes.
    private static void EmitText(Emitter emitter, string text)
    {
        bool bare = text.Length > 0 && char.IsAsciiLetter(text[0]) && char.IsAsciiLetterOrDigit(text[^1])
            && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/')
            && !Ambiguous.Contains(text);
        EmitScalar(emitter, text, bare ? ScalarStyle.Plain : ScalarStyle.DoubleQuoted);
    }

    private static void EmitScalar(Emitter emitter, string text, ScalarStyle style) =>
        emitter.Emit(new Scalar(AnchorName.Empty, TagName.Empty, text, style, isPlainImplicit: true, isQuotedImplicit: true));

    // Words that YAML 1.1 or 1.2 readers take for a truth value or null.
    private static readonly HashSet<string> Ambiguous =
        new(["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"], StringComparer.OrdinalIgnoreCase);
}
