using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hieno.Recipes;

/// <summary>Makes the JSON schema (draft 2020-12) of a recipe, with which editors complete and check recipes as they are written.</summary>
/// <remarks>
/// The schema says what the records say: types, defaults, ranges, choices, kinds, and the summaries of the XML documentation. It is a
/// little stricter than <see cref="RecipeBinder"/>: choices only in kebab case, text only where YAML too reads text. Rules of
/// <see cref="IValidated"/> cannot be said in a schema.
/// </remarks>
public static class RecipeSchema
{
    /// <summary>Makes the schema.</summary>
    /// <typeparam name="T">The record of the whole recipe.</typeparam>
    /// <param name="catalog">The known kinds.</param>
    /// <returns>The schema; where the XML documentation of an assembly is absent, its descriptions say so.</returns>
    /// <exception cref="InvalidOperationException">The record has a property that cannot be a setting.</exception>
    public static JsonObject Of<T>(KindCatalog catalog)
        where T : class => Of(typeof(T), catalog, new XmlSummaries());

    internal static JsonObject Of(Type root, KindCatalog catalog, XmlSummaries summaries)
    {
        var run = new SchemaRun(catalog, summaries);
        var schema = new JsonObject { ["$schema"] = "https://json-schema.org/draft/2020-12/schema", ["title"] = root.Name };
        foreach (var (key, value) in run.Group(catalog.ModelOf(root), kind: null).ToList())
        {
            schema[key] = value?.DeepClone();
        }

        schema["$defs"] = run.Definitions;
        return schema;
    }

    private sealed class SchemaRun(KindCatalog catalog, XmlSummaries summaries)
    {
        private readonly Dictionary<(Type Type, string? Kind), string> _names = [];

        public JsonObject Definitions { get; } = [];

        public JsonObject Group(RecordModel model, string? kind)
        {
            var properties = new JsonObject();
            if (kind is not null)
            {
                properties[MapNode.KindKey] = new JsonObject { ["const"] = kind };
            }

            object defaults = model.Create();
            foreach (var setting in model.Settings)
            {
                object? value = setting.IsRequired ? null : setting.Get(defaults);
                var schema = Value(setting.Value, value);
                schema["description"] = summaries.Of(setting);
                if (!setting.IsRequired && !IsOwnDefault(setting.Value, value))
                {
                    schema["default"] = Json(RecipeWriter.ToNode(setting.Value, value, catalog));
                }

                properties[setting.Key] = schema;
            }

            var group = new JsonObject
            {
                ["description"] = summaries.Of(model.Type),
                ["type"] = "object",
                ["properties"] = properties,
                ["additionalProperties"] = false,
            };
            if (model.HasRequired)
            {
                group["required"] = Texts(model.Settings.Where(s => s.IsRequired).Select(s => s.Key));
            }

            return group;
        }

        private JsonObject Value(ValueModel model, object? value)
        {
            var schema = model switch
            {
                ScalarModel scalar => scalar.Schema(),
                ListModel list => List(list),
                TableModel table => new JsonObject { ["type"] = "object", ["additionalProperties"] = Value(table.Element, null) },
                GroupModel group => Reference(catalog.ModelOf(group.Type), kind: null),
                KindsModel kinds => Kinds(kinds, value),
                _ => throw new NotSupportedException($"Recipe value {model.GetType().Name} is not known."),
            };
            if (model is not ListModel)
            {
                foreach (var limit in model.Limits)
                {
                    limit.AddTo(schema);
                }
            }

            return model.Nullable ? new JsonObject { ["anyOf"] = new JsonArray(schema, new JsonObject { ["type"] = "null" }) } : schema;
        }

        // A single value is short for a list of one.
        private JsonObject List(ListModel list)
        {
            var array = new JsonObject { ["type"] = "array", ["items"] = Value(list.Element, null) };
            foreach (var limit in list.Limits)
            {
                limit.AddTo(array);
            }

            return list.Limits.OfType<LengthLimit>().All(l => l.AllowsLength(1))
                ? new JsonObject { ["anyOf"] = new JsonArray(array, Value(list.Element, null)) }
                : array;
        }

        // 'schedule: cosine' or 'schedule: { kind: cosine, … }'; the kind of the default need not be said.
        private JsonObject Kinds(KindsModel model, object? value)
        {
            var choices = new JsonArray();
            var bare = model.Kinds.Where(k => !catalog.ModelOf(k.Value).HasRequired).Select(k => k.Key).ToList();
            if (bare.Count > 0)
            {
                choices.Add(new JsonObject { ["enum"] = Texts(bare) });
            }

            foreach (var (kind, type) in model.Kinds)
            {
                var choice = Reference(catalog.ModelOf(type), kind);
                if (value?.GetType() != type)
                {
                    choice["required"] = new JsonArray(MapNode.KindKey);
                }

                choices.Add(choice);
            }

            return new JsonObject { ["oneOf"] = choices };
        }

        private JsonObject Reference(RecordModel model, string? kind)
        {
            if (!_names.TryGetValue((model.Type, kind), out string? name))
            {
                // Two records of one name, or one record of two kinds, must not share a definition.
                name = model.Type.Name;
                for (int i = 2; Definitions.ContainsKey(name); i++)
                {
                    name = $"{model.Type.Name}{i}";
                }

                _names.Add((model.Type, kind), name);
                Definitions[name] = new JsonObject(); // held while the group is described, which may contain itself
                Definitions[name] = Group(model, kind);
            }

            return new JsonObject { ["$ref"] = $"#/$defs/{name}" };
        }

        // The defaults of a group stand at its own settings, unless the setting that holds it starts from others.
        private bool IsOwnDefault(ValueModel model, object? value)
        {
            if (model is not GroupModel group || value is null)
            {
                return false;
            }

            var type = catalog.ModelOf(group.Type);
            return !type.HasRequired && JsonNode.DeepEquals(
                Json(RecipeWriter.ToNode(model, value, catalog)),
                Json(RecipeWriter.ToNode(model, type.Create(), catalog)));
        }

        private static JsonArray Texts(IEnumerable<string> texts) => [.. texts.Select(t => JsonValue.Create(t))];

        private static JsonNode? Json(RecipeNode node)
        {
            using var buffer = new MemoryStream();
            using (var json = new Utf8JsonWriter(buffer))
            {
                RecipeWriter.Write(json, node);
            }

            return JsonNode.Parse(buffer.ToArray());
        }
    }
}
