using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Objectives;

/// <summary>What is learned: the settings under <c>task:</c> of a recipe, chosen by <c>kind</c>.</summary>
public abstract record ObjectiveOptions
{
    /// <summary>The objective that these settings describe.</summary>
    public abstract IObjective Create();
}

/// <summary>What an objective may look at when it makes itself ready.</summary>
/// <param name="Tokenizer">The base model's tokenizer.</param>
/// <param name="Config">The base model's configuration.</param>
/// <param name="Data">The recipe's data settings.</param>
/// <param name="MaxLength">The longest row in tokens.</param>
/// <param name="Log">Where to say what a user should know, such as rows that were cut.</param>
public sealed record ObjectiveContext(ModelTokenizer Tokenizer, ModelConfig Config, DataOptions Data, int MaxLength, Action<string> Log)
{
    /// <summary>The name of the task that a row is of, or null where no column was named for it.</summary>
    /// <exception cref="DatasetException">The row has no such column, or no text in it.</exception>
    public string? TaskOf(DataRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return Data.TaskColumn is { } column ? row.Text(column) : null;
    }
}

/// <summary>What is learned: how rows become examples, examples a loss, and outputs predictions that metrics judge.</summary>
public interface IObjective
{
    /// <summary>The output layer it needs; known after <see cref="Prepare"/>.</summary>
    HeadChoice Head { get; }

    /// <summary>The metrics that are computed unless told otherwise; early stopping watches the first.</summary>
    IReadOnlyList<string> DefaultMetrics { get; }

    /// <summary>Learns what must be known before rows can be read, such as the list of labels.</summary>
    /// <param name="context">Tokenizer, configuration, settings.</param>
    /// <param name="train">The training rows; empty when a trained model is evaluated.</param>
    void Prepare(ObjectiveContext context, IReadOnlyList<DataRow> train);

    /// <summary>Turns rows into examples.</summary>
    /// <param name="rows">Rows of one file or split.</param>
    /// <param name="invalid">Receives the faults of rows that cannot be learned from.</param>
    IReadOnlyList<Example> Encode(IReadOnlyList<DataRow> rows, ICollection<DatasetException> invalid);

    /// <summary>Lays examples end to end and decides what each position is to predict.</summary>
    /// <param name="examples">The rows.</param>
    /// <param name="rng">Random numbers of the stream <see cref="RngStream.Augmentation"/>.</param>
    /// <param name="draw">A number that differs for each batch of a run.</param>
    Batch Collate(IReadOnlyList<Example> examples, Rng rng, ulong draw);

    /// <summary>True where <see cref="Collate"/> gives a row the same tokens in every pass, so that what frozen layers make of it can be remembered.</summary>
    bool ReadsRowsAsTheyAre => true;

    /// <summary>What the batch's summed loss is to be divided by, together with the other batches of a step.</summary>
    double TargetWeight(Batch batch);

    /// <summary>The batch's summed loss times <paramref name="scale"/>, [1].</summary>
    Tensor Loss(PretrainedModel model, Batch batch, float scale);

    /// <summary>Starts to collect predictions.</summary>
    IPredictionCollector Collect();

    /// <summary>Writes what a reader of the tuned model must know into its configuration: label names, problem type.</summary>
    void Describe(JsonObject config);
}

/// <summary>Collects a model's outputs over the batches of an evaluation.</summary>
public interface IPredictionCollector
{
    /// <summary>Adds a batch's outputs.</summary>
    void Add(PretrainedModel model, Batch batch);

    /// <summary>All outputs so far.</summary>
    Predictions Result();
}
