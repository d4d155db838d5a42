using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Tensors;

namespace Hieno.Objectives;

/// <summary>What is learned: the settings under <c>task:</c> of a recipe, chosen by <c>kind</c>.</summary>
public abstract record ObjectiveOptions
{
    /// <summary>The objective that these settings describe.</summary>
    public abstract IObjective Create();
}

/// <summary>What an objective may look at when it makes itself ready.</summary>
/// <param name="Config">The base model's configuration.</param>
/// <param name="Data">The recipe's data settings.</param>
/// <param name="Log">Where to say what a user should know, such as rows that were cut.</param>
public sealed record ObjectiveContext(ModelConfig Config, DataOptions Data, Action<string> Log)
{
    private readonly ModelTokenizer? _tokenizer;
    private readonly ImagePreparation? _pictures;

    /// <summary>What an objective that reads texts may look at.</summary>
    /// <param name="tokenizer">The base model's tokenizer.</param>
    /// <param name="config">The base model's configuration.</param>
    /// <param name="data">The recipe's data settings.</param>
    /// <param name="maxLength">The longest row in tokens.</param>
    /// <param name="log">Where to say what a user should know.</param>
    public ObjectiveContext(ModelTokenizer tokenizer, ModelConfig config, DataOptions data, int maxLength, Action<string> log)
        : this(config, data, log) => (_tokenizer, MaxLength) = (tokenizer, maxLength);

    /// <summary>What an objective that reads pictures may look at.</summary>
    /// <param name="pictures">How the base model reads pictures.</param>
    /// <param name="config">The base model's configuration.</param>
    /// <param name="data">The recipe's data settings.</param>
    /// <param name="seed">The seed of augmentations.</param>
    /// <param name="log">Where to say what a user should know.</param>
    public ObjectiveContext(ImagePreparation pictures, ModelConfig config, DataOptions data, ulong seed, Action<string> log)
        : this(config, data, log) => (_pictures, Seed) = (pictures, seed);

    /// <summary>What an objective that reads pictures with their texts may look at.</summary>
    /// <param name="tokenizer">The base model's tokenizer.</param>
    /// <param name="pictures">How the base model reads pictures.</param>
    /// <param name="config">The base model's configuration.</param>
    /// <param name="data">The recipe's data settings.</param>
    /// <param name="maxLength">The longest text in tokens.</param>
    /// <param name="seed">The seed of augmentations.</param>
    /// <param name="log">Where to say what a user should know.</param>
    public ObjectiveContext(ModelTokenizer tokenizer, ImagePreparation pictures, ModelConfig config, DataOptions data, int maxLength, ulong seed, Action<string> log)
        : this(config, data, log) => (_tokenizer, _pictures, MaxLength, Seed) = (tokenizer, pictures, maxLength, seed);

    /// <summary>The base model's tokenizer.</summary>
    /// <exception cref="InvalidOperationException">The model reads pictures.</exception>
    public ModelTokenizer Tokenizer => _tokenizer ?? throw new InvalidOperationException("This model reads pictures and has no tokenizer.");

    /// <summary>How the base model reads pictures.</summary>
    /// <exception cref="InvalidOperationException">The model reads texts.</exception>
    public ImagePreparation Pictures => _pictures ?? throw new InvalidOperationException("This model reads texts, not pictures.");

    /// <summary>The longest row in tokens; 0 where rows are pictures.</summary>
    public int MaxLength { get; }

    /// <summary>The seed of augmentations.</summary>
    public ulong Seed { get; }

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

    /// <summary>As above, for rows that are changed at random in each pass, such as pictures; others leave the pass aside.</summary>
    /// <param name="examples">The rows.</param>
    /// <param name="rng">As above.</param>
    /// <param name="draw">As above.</param>
    /// <param name="pass">The pass over the data, from 0; null in an evaluation.</param>
    Batch Collate(IReadOnlyList<Example> examples, Rng rng, ulong draw, int? pass) => Collate(examples, rng, draw);

    /// <summary>True where a row is read the same way in every pass, so that what frozen layers make of it can be remembered.</summary>
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
