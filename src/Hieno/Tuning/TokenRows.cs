using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Heads;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>
/// Rows of the tables that learn for new tokens while the tables stay as they are, and how PEFT's files hold them: as <c>token_adapter.trainable_tokens_delta</c>
/// beside each table, with the tokens' ids under <c>trainable_token_indices</c>. Despite that name they are the rows themselves.
/// </summary>
internal static class TokenRows
{
    /// <summary>The name of the rows of a model whose own weights learn.</summary>
    public const string OwnName = "tokens";

    private const string Part = "token_adapter.trainable_tokens_delta";
    private const string Key = "trainable_token_indices";
    private const string Prefix = "base_model.model.";

    /// <summary>Gives the tokens rows of their own in each table that does not learn as a whole. They start at what the tables hold.</summary>
    /// <param name="tuned">The model, with its method applied.</param>
    /// <param name="ids">The tokens, rising.</param>
    /// <returns>The model with these rows among what learns.</returns>
    /// <exception cref="TuningException">The adapter trains and saves a table whole, which would not fit its base any more.</exception>
    public static TunedModel Train(TunedModel tuned, IReadOnlyList<int> ids)
    {
        TextModel model = tuned.Model.RequireText("tokens");
        string adapter = tuned.Adapter?.Name ?? OwnName;
        VocabularyHead? head = model.LanguageHead;
        bool isTied = head?.Projection == model.Backbone.TokenTable;
        if (tuned.Adapter?.Copies.FirstOrDefault(copy => copy.Parameter == model.Backbone.TokenTable || copy.Parameter == head?.Projection) is { } whole)
        {
            throw new TuningException(ErrorCodes.TuningTargetUnknown, "tokens", $"'tuning.modulesToSave' has {whole.Parameter.Name} trained and saved whole, which leaves new tokens no rows of their own", "Leave it out: the rows of new tokens learn without it");
        }

        Parameter? tableRows = null;
        if (!model.Backbone.TokenTable.Trainable)
        {
            Embedding table = TableOf(model);
            tableRows = table.CreateUpdateWeight(Part, Pick(table.Table, ids));
            Attach(tuned.Adapter, new TableRows(table, adapter, tableRows, ids));
        }

        if (head is not null && !head.Projection.Trainable)
        {
            Parameter rows = isTied ? tableRows! : new Parameter($"{PathOf(head.Projection)}.{Part}", Pick(head.Projection, ids), head.Projection.Kind, head.Projection.Depth);
            Attach(tuned.Adapter, new OutputRows(head, adapter, rows, ids));
        }

        foreach (Parameter rows in PartsOf(model, adapter).SelectMany(part => part.Parameters))
        {
            rows.Trainable = true;
        }

        var result = new TunedModel(model, tuned.Adapters) { Shares = tuned.Shares };
        result.Restrict(tuned.Masks);
        return result;
    }

    /// <summary>Writes the rows of a model whose own weights learn into its tables.</summary>
    public static void Merge(PretrainedModel model)
    {
        foreach (AdapterPart part in PartsOf(model, OwnName).ToArray())
        {
            foreach (Parameter weight in part.MergesInto)
            {
                weight.MakeWritable();
            }

            part.Merge();
            part.Detach();
        }
    }

    /// <summary>The rows of an adapter with their names in PEFT's file.</summary>
    public static IEnumerable<(string Name, Parameter Parameter, Tensor Value)> Tensors(Adapter adapter) =>
        adapter.TokenRows.SelectMany(part => part.Parameters).Distinct().Select(rows => (Prefix + rows.Name, rows, rows.Value));

    /// <summary>The configuration with the tokens' ids: a list, or one for each table where the output layer has a table of its own.</summary>
    public static PeftAdapterConfig Describe(Adapter adapter, PeftAdapterConfig config)
    {
        if (adapter.TokenRows.Count == 0 || adapter.Source is not null)
        {
            return config;
        }

        TextModel model = adapter.Model.RequireText("tokens");
        (string Module, IReadOnlyList<int> Ids)[] tables = [.. adapter.TokenRows
            .Where(part => part is TableRows || model.LanguageHead!.Projection != model.Backbone.TokenTable)
            .Select(part => part is TableRows table ? (LastOf(table.Layer.Path), table.Ids) : (LastOf(PathOf(model.LanguageHead!.Projection)), ((OutputRows)part).Ids))];
        var other = new Dictionary<string, JsonElement>(config.Other, StringComparer.Ordinal)
        {
            [Key] = tables.Length == 1 ? JsonSerializer.SerializeToElement(tables[0].Ids) : JsonSerializer.SerializeToElement(tables.ToDictionary(table => table.Module, table => table.Ids, StringComparer.Ordinal)),
        };
        return config with { Other = other };
    }

    /// <summary>The ids of tokens for which a configuration announces rows, with the table they are for; null stands for the token table.</summary>
    /// <exception cref="CheckpointException">The setting is neither a list of ids nor lists by table.</exception>
    public static IReadOnlyList<(string? Module, int[] Ids)> IdsOf(PeftAdapterConfig config)
    {
        if (!config.Settings!.Json.TryGetProperty(Key, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return [];
        }

        return value.ValueKind == JsonValueKind.Array
            ? [(null, [.. config.Settings.GetInts(Key)!])]
            : [.. config.Settings.GetSection(Key)!.Json.EnumerateObject().Select(item => ((string?)item.Name, config.Settings.GetSection(Key)!.GetInts(item.Name)!.ToArray()))];
    }

    /// <summary>Attaches the rows that an adapter's folder holds.</summary>
    /// <exception cref="CheckpointException">They do not fit the model.</exception>
    public static void Read(Adapter adapter, AdapterWeights weights)
    {
        foreach ((string? module, int[] given) in IdsOf(adapter.Source!))
        {
            TextModel model = adapter.Model.RequireText("tokens");
            Embedding table = TableOf(model);
            VocabularyHead? head = model.LanguageHead;
            bool isTable = module is null || LayerTargets.Matches(table.Path, module);
            if (!isTable && (head is null || !LayerTargets.Matches(PathOf(head.Projection), module!)))
            {
                throw adapter.Source!.Settings!.Error(Key, $"names '{module}', which is no table of tokens of this model", "Take the base model and the task that the adapter was trained for");
            }

            Parameter whole = isTable ? table.Table : head!.Projection;
            if (given.Length > 0 && given.Max() >= whole.Base.Rows)
            {
                throw adapter.Source!.Settings!.Error(Key, $"has the token {given.Max()}, but {whole.Name} has {whole.Base.Rows} rows", "Open the adapter's folder instead of its base, so that the base is given rows for its tokens");
            }

            string path = PathOf(whole);
            Tensor stored = weights.Take(path, Part, [given.Length, whole.Base.Columns]);
            int[] order = [.. Enumerable.Range(0, given.Length).OrderBy(i => given[i])];
            int[] ids = Array.ConvertAll(order, i => given[i]);
            var rows = new Parameter($"{path}.{Part}", Pick(stored, order), whole.Kind, whole.Depth);
            if (isTable)
            {
                adapter.AttachTokenRows(new TableRows(table, adapter.Name, rows, ids));
            }

            if (head is not null && head.Projection == whole)
            {
                adapter.AttachTokenRows(new OutputRows(head, adapter.Name, rows, ids));
            }
        }
    }

    private static void Attach(Adapter? adapter, AdapterPart part)
    {
        if (adapter is null)
        {
            part.Attach();
        }
        else
        {
            adapter.AttachTokenRows(part);
        }
    }

    private static IEnumerable<AdapterPart> PartsOf(PretrainedModel model, string adapter) =>
        model.AttachedParts().Where(part => part is TableRows or OutputRows && part.Adapter == adapter);

    private static Embedding TableOf(TextModel model) => model.Modules().OfType<Embedding>().First(table => table.Table == model.Backbone.TokenTable);

    private static string PathOf(Parameter weight) => weight.Name[..weight.Name.LastIndexOf('.')];

    private static string LastOf(string path) => path[(path.LastIndexOf('.') + 1)..];

    private static Tensor Pick(Tensor table, IReadOnlyList<int> ids)
    {
        Tensor rows = Tensor.CreateLongLived([ids.Count, table.Columns], DType.F32, table.Backend);
        table.Backend.GatherRows(table, [.. ids], rows);
        return rows;
    }
}
