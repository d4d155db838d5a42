using System.Text.Json;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Benchmarks.Workloads;

/// <summary>Our side of the GPT-2-shaped training step: the product's own model, tape, loss and optimizer.</summary>
internal sealed class Gpt2Step(string name, double target, Gpt2Workload workload) : IStepBenchmark
{
    private TunedModel _tuned = null!;
    private IOptimizer _optimizer = null!;
    private TokenBatch _batch = null!;
    private int[] _labels = [];

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public double Target => target;

    /// <inheritdoc/>
    public double MatrixFlops => workload.MatrixFlops();

    /// <inheritdoc/>
    public PeerTask Peer => workload.ToPeer();

    /// <inheritdoc/>
    public void Setup()
    {
        TextModel model = TextModel.Create(Config(), HeadChoice.Language, (ulong)workload.Seed);
        TuningOptions tuning = workload.Tuning == Gpt2Tuning.Full
            ? new FullOptions()
            : new LoRAOptions { Rank = workload.Rank, Alpha = workload.Alpha, Targets = ["c_attn"] };
        _tuned = tuning.Create().Apply(model, (ulong)workload.Seed);
        var adamw = new AdamWOptions { WeightDecay = workload.WeightDecay };
        _optimizer = adamw.Create(OptimizedParameter.Create(_tuned.Trainable, workload.Layers, adamw.WeightDecay));

        // Each row has one token more than is read: the last position predicts it.
        var rng = new Rng((ulong)workload.Seed, RngStream.DataOrder);
        int[] ids = new int[workload.Batch * workload.Tokens];
        _labels = new int[ids.Length];
        for (int row = 0; row < workload.Batch; row++)
        {
            for (int i = 0; i <= workload.Tokens; i++)
            {
                int token = rng.Below(workload.Vocabulary, (ulong)row, (ulong)i);
                int at = (row * workload.Tokens) + i;
                if (i < workload.Tokens)
                {
                    ids[at] = token;
                }

                if (i > 0)
                {
                    _labels[at - 1] = token;
                }
            }
        }

        int[] lengths = new int[workload.Batch];
        Array.Fill(lengths, workload.Tokens);
        _batch = new TokenBatch(ids, lengths);
    }

    /// <inheritdoc/>
    public double Step()
    {
        TextModel model = _tuned.Model;
        foreach (Parameter parameter in _tuned.Trainable)
        {
            parameter.Value.ClearGrad();
        }

        float value;
        using (Tape tape = Tape.Begin())
        {
            Tensor hidden = model.Backbone.Forward(_batch);
            Tensor loss = Ops.LinearCrossEntropy(hidden, model.LanguageHead!.Projection, null, _labels, null, 1f / _labels.Length);
            tape.Backward(loss);
            value = loss.Item();
        }

        _optimizer.Step(workload.LearningRate, gradientScale: 1f);
        return value;
    }

    private ModelConfig Config()
    {
        JsonElement json = JsonSerializer.SerializeToElement(new
        {
            model_type = "gpt2",
            n_layer = workload.Layers,
            n_embd = workload.Width,
            n_head = workload.Heads,
            n_positions = workload.Positions,
            vocab_size = workload.Vocabulary,
            activation_function = "gelu_new",
            embd_pdrop = 0.0,
            attn_pdrop = 0.0,
            resid_pdrop = 0.0,
        });
        return ModelConfig.From(json, name);
    }
}
