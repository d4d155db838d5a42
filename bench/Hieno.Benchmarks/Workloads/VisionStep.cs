using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Benchmarks.Workloads;

/// <summary>A training step of an image classifier on pictures of 224² pixels: every weight, or the output layer on a frozen body.</summary>
/// <param name="name">The row.</param>
/// <param name="architecture">As the peer's script calls it.</param>
/// <param name="batch">Pictures in a step.</param>
/// <param name="frozen">True where only the output layer learns.</param>
internal sealed class VisionStep(string name, string architecture, int batch, bool frozen) : IStepBenchmark
{
    private const int Side = 224;
    private const int Classes = 10;
    private const int Seed = 7;
    private const double LearningRate = 1e-4;
    private const double Decay = 0.01;

    private VisionModel _model = null!;
    private SteppedInBackward _optimizer = null!;
    private ImageBatch _batch = null!;
    private int[] _labels = [];
    private ulong _steps;

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public double Target => 1.1;

    /// <inheritdoc/>
    public double StockTarget => 1.1;

    /// <inheritdoc/>
    public double MemoryTarget => 0.7;

    /// <inheritdoc/>
    public double MatrixFlops => 0; // counted for products of matrices only

    /// <inheritdoc/>
    public PeerTask Peer => new("vision_step.py", new JsonObject
    {
        ["architecture"] = architecture, ["batch"] = batch, ["size"] = Side, ["classes"] = Classes, ["tuning"] = frozen ? "head" : "full", ["precision"] = StepWorkload.Single,
        ["channels_last"] = false, ["learning_rate"] = LearningRate, ["weight_decay"] = Decay, ["seed"] = Seed,
    });

    private JsonObject Config => architecture switch
    {
        "resnet18" => new() { ["model_type"] = "resnet", ["layer_type"] = "basic", ["depths"] = new JsonArray(2, 2, 2, 2), ["hidden_sizes"] = new JsonArray(64, 128, 256, 512) },
        "resnet50" => new() { ["model_type"] = "resnet", ["layer_type"] = "bottleneck", ["depths"] = new JsonArray(3, 4, 6, 3), ["hidden_sizes"] = new JsonArray(256, 512, 1024, 2048) },
        _ => new() { ["model_type"] = "vit", ["image_size"] = Side, ["patch_size"] = 16, ["hidden_dropout_prob"] = 0.0, ["attention_probs_dropout_prob"] = 0.0 },
    };

    /// <inheritdoc/>
    public void Setup()
    {
        _model = VisionModel.Create(ModelConfig.From(JsonSerializer.SerializeToElement(Config), name), Classes, Seed);
        TuningOptions tuning = frozen ? new HeadOptions() : new FullOptions();
        _optimizer = new SteppedInBackward(tuning.Create().Apply(_model, Seed).Trainable, _model.Blocks.Count, LearningRate, Decay);
        var rng = new Rng(Seed, RngStream.Augmentation);
        Tensor pixels = Tensor.CreateLongLived([batch, Side, Side, 3], DType.F32);
        rng.FillNormal(pixels.Span, 0f, 1f, 0);
        _batch = new ImageBatch(pixels);
        _labels = [.. Enumerable.Range(0, batch).Select(i => rng.Below(Classes, 1, (ulong)i))];
    }

    /// <inheritdoc/>
    public double Step()
    {
        // A source of dropout makes it a pass of training, in which batch normalisation that learns reads the batch.
        using Tape tape = Tape.Begin(dropout: new DropoutSource(new Rng(Seed, RngStream.Dropout), _steps++));
        Tensor loss = Ops.CrossEntropy(_model.Classify(_batch), _labels, null, 1f / batch);
        _optimizer.Run(tape, loss);
        return loss.Item();
    }
}
