using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Recipes;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="MultitaskPrompt"/>.</summary>
public sealed record MultitaskPromptOptions : AdapterOptions, IValidated
{
    /// <summary>The names of the tasks, as the column 'data.taskColumn' of the rows gives them.</summary>
    public IReadOnlyList<string> Tasks { get; init; } = [];

    /// <summary>Virtual tokens before each text; each takes a position from it. Default 20.</summary>
    [Range(1, 4096)]
    public int VirtualTokens { get; init; } = 20;

    /// <summary>Rank of what a task multiplies the shared prompt with. Default 1, as in the paper.</summary>
    [Range(1, 1024)]
    public int Rank { get; init; } = 1;

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 1e-2;

    /// <inheritdoc/>
    protected internal override int AddedPositions => VirtualTokens;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new MultitaskPromptLayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new MultitaskPrompt(this);

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (Tasks.Distinct(StringComparer.Ordinal).Count() != Tasks.Count)
        {
            yield return "'tasks' holds a name twice. Remove one.";
        }
    }
}

/// <summary>
/// Multitask prompt tuning: n vectors P that all tasks share, times a matrix of low rank that each task has of its own, are put before the vectors of each
/// text, [P ∘ U_k V_k; E(x)].
/// </summary>
/// <remarks>
/// Wang et al. 2023, <see href="https://arxiv.org/abs/2303.02861"/>, section 3.1, without the distillation from single-task prompts of section 3.2. P
/// starts at vectors of the vocabulary. U and V start near 1, so that all tasks begin with the shared prompt, which is our choice; PEFT starts them near 0.
/// </remarks>
public sealed class MultitaskPrompt(MultitaskPromptOptions options) : ITuningMethod
{
    private const string Who = "multitask-prompt";
    private const float Deviation = 0.02f;

    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        TextModel text = model.RequireText(Who);
        if (options.Tasks.Count == 0)
        {
            throw new TuningException(ErrorCodes.RecipeSettingMissing, Who, "no task is named", "Set 'tuning.tasks' to the names that the rows give in 'data.taskColumn'");
        }

        (int count, int width, int tasks, int rank) = (options.VirtualTokens, text.Backbone.TokenWidth, options.Tasks.Count, options.Rank);
        Backend backend = text.Backbone.TokenTable.Value.Backend;
        Parameter shared = new PromptTuningOptions { VirtualTokens = count }.StartOf(text, seed);
        Tensor columns = Start(MultitaskPromptLayout.Columns, [tasks, count, rank], 1f / rank);
        Tensor rows = Start(MultitaskPromptLayout.Rows, [tasks, rank, width], 1f);
        var adapter = Adapter.Begin(text, options, Who);
        adapter.Attach(new MultitaskPromptVectors(text.Backbone, adapter.Name, shared, columns, rows) { Tasks = options.Tasks });
        return adapter.Complete();

        Tensor Start(string name, Shape shape, float mean)
        {
            Tensor tensor = Initializer.Normal(Deviation).Create(shape, seed, name, backend);
            float[] values = Array.ConvertAll(tensor.ToArray(), value => mean + value);
            backend.CopyFromHost(values, tensor);
            return tensor;
        }
    }
}

/// <summary>Virtual tokens of several tasks: a shared prompt, times a matrix of low rank for each task.</summary>
public sealed class MultitaskPromptVectors : PromptVectors
{
    private readonly Parameter _shared;
    private readonly Parameter _columns;
    private readonly Parameter _rows;

    /// <summary>Makes the prompt.</summary>
    /// <param name="body">The body that reads it.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="shared">P, [n, C].</param>
    /// <param name="columns">U of each task, [tasks, n, r], long-lived.</param>
    /// <param name="rows">V of each task, [tasks, r, C], long-lived.</param>
    public MultitaskPromptVectors(Backbone body, string adapter, Parameter shared, Tensor columns, Tensor rows)
        : base(body, adapter, shared?.Value.Rows ?? 0)
    {
        ArgumentNullException.ThrowIfNull(shared);
        ArgumentNullException.ThrowIfNull(columns);
        _shared = shared;
        _columns = PromptEncoder.Weight(MultitaskPromptLayout.Columns, columns);
        _rows = PromptEncoder.Weight(MultitaskPromptLayout.Rows, rows);
        Tasks = [.. Enumerable.Range(0, columns.Shape[0]).Select(task => task.ToString(System.Globalization.CultureInfo.InvariantCulture))];
        Parameters = [_shared, _columns, _rows];
    }

    /// <summary>The names of the tasks; their numbers where a file does not tell.</summary>
    public IReadOnlyList<string> Tasks { get; set; }

    /// <summary>The task of texts that do not name theirs, such as those to be continued; null refuses them.</summary>
    public string? Task { get; set; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override bool DependsOnTask => true;

    /// <inheritdoc/>
    public override Tensor Vectors() => VectorsOf([null]);

    /// <inheritdoc/>
    public override Tensor VectorsOf(IReadOnlyList<string?> tasks)
    {
        ArgumentNullException.ThrowIfNull(tasks);
        int[] numbers = [.. tasks.Select(NumberOf)];
        int[] distinct = [.. numbers.Distinct().Order()];
        Tensor all = Ops.Concatenate([.. distinct.Select(PromptOf)]);
        return Ops.Rows(all, [.. numbers.SelectMany(number => Enumerable.Range(Array.IndexOf(distinct, number) * Count, Count))]);
    }

    // P ∘ U_k V_k.
    private Tensor PromptOf(int task)
    {
        int rank = _columns.Value.Shape[2];
        Tensor u = Ops.Rows(Ops.Reshape(_columns, [_columns.Value.Shape[0] * Count, rank]), [.. Enumerable.Range(task * Count, Count)]);
        Tensor v = Ops.Rows(Ops.Reshape(_rows, [_rows.Value.Shape[0] * rank, Body.TokenWidth]), [.. Enumerable.Range(task * rank, rank)]);
        return Ops.Mul(_shared, Ops.Linear(u, v, transposed: true));
    }

    private int NumberOf(string? name)
    {
        string? task = name ?? Task;
        for (int i = 0; i < Tasks.Count; i++)
        {
            if (Tasks[i] == task)
            {
                return i;
            }
        }

        string known = $"The prompt knows {string.Join(", ", Tasks)}";
        throw task is null
            ? new TuningException(ErrorCodes.TuningTargetUnknown, "multitask-prompt", $"a text does not say which task it is of. {known}", "Set 'data.taskColumn' to the column of the rows that names it, or choose one with --prompt-task")
            : new TuningException(ErrorCodes.TuningTargetUnknown, "multitask-prompt", $"there is no task '{task}'. {known}", "Correct the row's task, or add it to 'tuning.tasks'");
    }
}

/// <summary>Multitask prompts in PEFT's files.</summary>
internal sealed class MultitaskPromptLayout : PromptLayout
{
    public const string Columns = "prefix_task_cols";
    public const string Rows = "prefix_task_rows";

    /// <inheritdoc/>
    public override string PeftType => "MULTITASK_PROMPT_TUNING";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config)
    {
        ModelConfig settings = config.Settings!;
        return new MultitaskPromptOptions
        {
            VirtualTokens = settings.GetInt("num_virtual_tokens"),
            Rank = settings.GetInt("num_ranks", 1),
            Tasks = [.. Enumerable.Range(0, settings.GetInt("num_tasks", 1)).Select(task => task.ToString(System.Globalization.CultureInfo.InvariantCulture))],
        };
    }

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        RequireOneBody(adapter.Source!.Settings!);
        (var options, Backbone body) = ((MultitaskPromptOptions)adapter.Options, adapter.Model.RequireText("multitask-prompt").Backbone);
        (int count, int tasks) = (options.VirtualTokens, options.Tasks.Count);
        Parameter shared = new PromptTable(weights.Take(Tensors, [count, body.TokenWidth])).Parameters[0];
        adapter.Attach(new MultitaskPromptVectors(
            body, adapter.Name, shared, weights.Take(Columns, [tasks, count, options.Rank]), weights.Take(Rows, [tasks, options.Rank, body.TokenWidth])));
    }

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Parameter Parameter, Tensor Value)> PartTensors(Adapter adapter)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        return adapter.Parts.Single().Parameters.Zip((string[])[Tensors, Columns, Rows], (parameter, name) => (name, parameter, parameter.Value));
    }

    /// <inheritdoc/>
    protected override void Describe(Adapter adapter, Dictionary<string, object?> values)
    {
        var options = (MultitaskPromptOptions)adapter.Options;
        values["num_tasks"] = options.Tasks.Count;
        values["num_ranks"] = options.Rank;
        values["prompt_tuning_init"] = "RANDOM";
        values["prompt_tuning_init_state_dict_path"] = null;
        values["prompt_tuning_init_task"] = 0;
        values["prompt_tuning_init_text"] = null;
        values["tokenizer_kwargs"] = null;
        values["tokenizer_name_or_path"] = null;
    }
}
