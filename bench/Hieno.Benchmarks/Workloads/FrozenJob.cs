using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Optimizers;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Benchmarks.Workloads;

/// <summary>
/// A whole small job: classification by BERT-base of which only the head, or the last blocks and the head, learn, in three passes over rows
/// of 16 to 128 tokens. One step is the job, with nothing remembered from the one before.
/// </summary>
internal sealed class FrozenJob(string name, int learningBlocks) : IStepBenchmark
{
    private const int Rows = 32;
    private const int BatchSize = 8;
    private const int Epochs = 3;
    private const int Shortest = 16;
    private const int Longest = 128;

    private static readonly BertWorkload s_model = new() { Batch = BatchSize, Tokens = Longest };

    private readonly IObjective _objective = new ClassificationOptions().Create();
    private readonly Example[] _examples = Draw();
    private TunedModel _tuned = null!;
    private IOptimizer _optimizer = null!;

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public double Target => 2;

    /// <inheritdoc/>
    public double StockTarget => 2;

    /// <inheritdoc/>
    public double MemoryTarget => 0.65;

    /// <inheritdoc/>
    public double MatrixFlops => 0;

    /// <inheritdoc/>
    public string Difference =>
        "PyTorch pads each batch to its longest row, runs the frozen layers without gradients in every pass, and computes the last layer of all tokens. "
        + "Hieno lays rows end to end, runs the frozen layers once for each row, and computes of the last layer what the classifier reads.";

    /// <inheritdoc/>
    public PeerTask Peer
    {
        get
        {
            JsonObject settings = s_model.ToPeer().Settings;
            settings["lengths"] = new JsonArray([.. _examples.Select(example => JsonValue.Create(example.Ids.Length))]);
            settings["epochs"] = JsonSerializer.SerializeToNode(Enumerable.Range(0, Epochs).Select(Plan().Epoch));
            settings["learning_blocks"] = learningBlocks;
            return new PeerTask("bert_job.py", settings);
        }
    }

    private int FrozenBlocks => s_model.Layers - learningBlocks;

    /// <inheritdoc/>
    public void Setup()
    {
        var config = ModelConfig.From(JsonSerializer.SerializeToElement(s_model.Config()), name);
        TextModel model = TextModel.Create(config, s_model.Head, (ulong)s_model.Seed);
        TuningOptions tuning = learningBlocks == 0 ? new HeadOptions() : new PartialOptions { LastBlocks = learningBlocks };
        _tuned = tuning.Create().Apply(model, (ulong)s_model.Seed);
        var adamw = new AdamWOptions { WeightDecay = s_model.WeightDecay };
        _optimizer = adamw.Create(OptimizedParameter.Create(_tuned.Trainable, s_model.Layers, adamw.WeightDecay));
    }

    /// <inheritdoc/>
    public double Step()
    {
        Backbone backbone = ((TextModel)_tuned.Model).Backbone;
        using var prefix = new FrozenPrefix(FrozenBlocks, new RowStore(backbone.Width, 1L << 30));
        backbone.Prefix = prefix;
        BatchPlan plan = Plan();
        double? first = null;
        for (int epoch = 0; epoch < Epochs; epoch++)
        {
            foreach (int[] rows in plan.Epoch(epoch))
            {
                double loss = Learn(new Batch(Array.ConvertAll(rows, row => _examples[row])));
                first ??= loss;
            }
        }

        backbone.Prefix = null;
        return first!.Value;
    }

    private double Learn(Batch batch)
    {
        float value;
        using (Tape tape = Tape.Begin())
        {
            Tensor loss = _objective.Loss(_tuned.Model, batch, 1f / batch.Examples.Count);
            tape.Backward(loss);
            value = loss.Item();
        }

        _optimizer.Step(s_model.LearningRate, gradientScale: 1f);
        foreach (Parameter parameter in _tuned.Trainable)
        {
            parameter.Value.ClearGrad();
        }

        return value;
    }

    private BatchPlan Plan() => new(_examples, BatchSize, packLength: null, (ulong)s_model.Seed);

    private static Example[] Draw()
    {
        var rng = new Rng((ulong)s_model.Seed, RngStream.DataOrder);
        return [.. Enumerable.Range(0, Rows).Select(row => new Example
        {
            Ids = [.. Enumerable.Range(0, Shortest + (row * (Longest - Shortest) / (Rows - 1))).Select(i => rng.Below(s_model.Vocabulary, (ulong)row, (ulong)i))],
            Class = row % s_model.Labels,
            Source = $"row {row}",
        })];
    }
}
