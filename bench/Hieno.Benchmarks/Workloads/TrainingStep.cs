using System.Text.Json;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Heads;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Benchmarks.Workloads;

/// <summary>Our side of a training step: the product's own model, tape, loss and optimizer.</summary>
internal sealed class TrainingStep(string name, double target, StepWorkload workload) : IStepBenchmark
{
    private TunedModel _tuned = null!;
    private SteppedInBackward _optimizer = null!;
    private TokenBatch _batch = null!;
    private int[] _labels = []; // a token for each position, or a class for each sequence

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public double Target { get; } = target;

    /// <inheritdoc/>
    public double StockTarget { get; init; } = target;

    /// <summary>Opens the model; it is made with random weights when null.</summary>
    public Func<ModelConfig, HeadChoice, TextModel>? Base { get; init; }

    /// <inheritdoc/>
    public double MemoryTarget => workload.Precision == StepWorkload.Single ? 0.65 : 0.7;

    /// <inheritdoc/>
    public double MatrixFlops => workload.MatrixFlops();

    /// <inheritdoc/>
    public PeerTask Peer => workload.ToPeer();

    /// <inheritdoc/>
    public void Setup()
    {
        var config = ModelConfig.From(JsonSerializer.SerializeToElement(workload.Config()), name);
        TextModel model = Base?.Invoke(config, workload.Head) ?? TextModel.Create(config, workload.Head, (ulong)workload.Seed);
        TuningOptions tuning = workload.Tuning == StepTuning.Full ? new FullOptions() : workload.Lora();
        _tuned = tuning.Create().Apply(model, (ulong)workload.Seed);
        _optimizer = new SteppedInBackward(_tuned.Trainable, workload.Layers, workload.LearningRate, workload.WeightDecay);
        DrawBatch();
    }

    /// <inheritdoc/>
    public double Step()
    {
        using Tape tape = Tape.Begin(precision: workload.Precision == StepWorkload.Brain ? MatMulPrecision.Bf16 : MatMulPrecision.Fp32);
        Tensor loss = Loss((TextModel)_tuned.Model);
        _optimizer.Run(tape, loss);
        return loss.Item();
    }

    private Tensor Loss(TextModel model)
    {
        if (workload.Head.Kind == HeadKind.Classification)
        {
            // Equal work: the peer's last block computes all tokens, of which the classifier then reads one of each row.
            ClassificationHead head = model.ClassificationHead!;
            Tensor read = Ops.Rows(model.Backbone.Forward(_batch), head.TokensRead(_batch)!);
            return Ops.CrossEntropy(head.Forward(read, _batch), _labels, null, 1f / _labels.Length);
        }

        Tensor hidden = model.Backbone.Forward(_batch);
        return Ops.LinearCrossEntropy(hidden, model.LanguageHead!.Projection, null, _labels, null, 1f / _labels.Length);
    }

    private void DrawBatch()
    {
        var rng = new Rng((ulong)workload.Seed, RngStream.DataOrder);
        int[] ids = new int[workload.Batch * workload.Tokens];
        bool classifies = workload.Head.Kind == HeadKind.Classification;
        _labels = new int[classifies ? workload.Batch : ids.Length];
        for (int row = 0; row < workload.Batch; row++)
        {
            // Each row has one token more than is read: the last position predicts it, or the class is drawn from it.
            for (int i = 0; i <= workload.Tokens; i++)
            {
                int token = rng.Below(workload.Vocabulary, (ulong)row, (ulong)i);
                int at = (row * workload.Tokens) + i;
                if (i < workload.Tokens)
                {
                    ids[at] = token;
                }

                if (classifies)
                {
                    _labels[row] = token % workload.Head.Outputs;
                }
                else if (i > 0)
                {
                    _labels[at - 1] = token;
                }
            }
        }

        int[] lengths = new int[workload.Batch];
        Array.Fill(lengths, workload.Tokens);
        _batch = new TokenBatch(ids, lengths);
    }
}
