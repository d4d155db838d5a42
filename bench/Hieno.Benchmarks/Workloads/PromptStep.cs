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

/// <summary>Supervised fine-tuning of GPT-2 124M by LoRA on rows of 96 to 512 tokens, whose first half is a prompt that is not learned.</summary>
internal sealed class PromptStep(string name) : IStepBenchmark
{
    private static readonly int[] s_lengths = [96, 192, 320, 512];
    private static readonly Gpt2Workload s_model = new() { Batch = s_lengths.Length, Tokens = s_lengths.Max(), Tuning = StepTuning.Lora };

    private readonly IObjective _objective = new SupervisedFineTuningOptions().Create();
    private TunedModel _tuned = null!;
    private IOptimizer _optimizer = null!;
    private Batch _batch = null!;

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public double Target => 2;

    /// <inheritdoc/>
    public double StockTarget => 4;

    /// <inheritdoc/>
    public double MemoryTarget => 0.65;

    /// <inheritdoc/>
    public double MatrixFlops => 0;

    /// <inheritdoc/>
    public string Difference =>
        "PyTorch pads the rows to the longest and computes the logits of every position. "
        + "Hieno lays rows end to end, and computes logits and most of the last layer only where a token is learned.";

    /// <inheritdoc/>
    public PeerTask Peer
    {
        get
        {
            JsonObject settings = s_model.ToPeer().Settings;
            settings["lengths"] = JsonSerializer.SerializeToNode(s_lengths);
            return new PeerTask("gpt2_prompts.py", settings);
        }
    }

    /// <inheritdoc/>
    public void Setup()
    {
        var config = ModelConfig.From(JsonSerializer.SerializeToElement(s_model.Config()), name);
        TextModel model = TextModel.Create(config, s_model.Head, (ulong)s_model.Seed);
        _tuned = s_model.Lora().Create().Apply(model, (ulong)s_model.Seed);
        var adamw = new AdamWOptions { WeightDecay = s_model.WeightDecay };
        _optimizer = adamw.Create(OptimizedParameter.Create(_tuned.Trainable, s_model.Layers, adamw.WeightDecay));

        var rng = new Rng((ulong)s_model.Seed, RngStream.DataOrder);
        Example[] examples = [.. s_lengths.Select((length, row) =>
        {
            int[] ids = [.. Enumerable.Range(0, length).Select(i => rng.Below(s_model.Vocabulary, (ulong)row, (ulong)i))];
            return new Example { Ids = ids, TokenLabels = [.. ids.Select((id, i) => i < length / 2 ? Example.Ignore : id)], Source = $"row {row}" };
        })];
        _batch = _objective.Collate(examples, rng, draw: 0);
    }

    /// <inheritdoc/>
    public double Step()
    {
        float value;
        using (Tape tape = Tape.Begin())
        {
            Tensor loss = _objective.Loss(_tuned.Model, _batch, (float)(1 / _objective.TargetWeight(_batch)));
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
}
