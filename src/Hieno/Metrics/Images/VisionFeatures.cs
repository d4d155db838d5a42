using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Images;
using Hieno.Models.Vision;
using Hieno.Models.Vision.Inception;
using Hieno.Tensors;

namespace Hieno.Metrics.Images;

/// <summary>The features of a vision model: the mean over all places (or vectors) of what its output layer reads.</summary>
/// <remarks>
/// Pictures are stretched to the model's size, bilinearly, since a part would not stand for the whole. The network of pytorch-fid makes pictures of any size fit itself, so it is
/// given them as they are.
/// </remarks>
public sealed class VisionFeatures : IFeatureExtractor
{
    /// <summary>The name of the network that needs no file: a residual network of 20 layers with random weights, always the same ones.</summary>
    /// <remarks>It sees colours, edges and textures but knows no things; distances with it find coarse differences, offline and in seconds.</remarks>
    public const string RandomName = "random-resnet-20";

    private readonly VisionModel _model;
    private readonly ImageInput _input;
    private readonly bool _readsAnySize;

    /// <summary>Takes a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="name">Its name; see <see cref="IFeatureExtractor.Name"/>.</param>
    /// <param name="input">How it reads pictures; null for its family's way.</param>
    public VisionFeatures(VisionModel model, string name, ImageInput? input = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(name);
        (_model, Name, _input) = (model, name, input ?? model.Family.InputOf(model.Config));
        IsFidInception = model.Family is FidInceptionV3Family;
        _readsAnySize = IsFidInception;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public int Width => _model.Backbone.Width;

    /// <summary>Number of classes that the model tells apart.</summary>
    public int Classes => _model.Head.Outputs;

    /// <summary>True for the architecture with which FID is defined; only then may a Frechet distance be called FID, and still with the network's name.</summary>
    public bool IsFidInception { get; }

    /// <summary>Opens a model folder.</summary>
    /// <param name="folder">The folder, or <see cref="RandomName"/>.</param>
    /// <returns>Its name is the family's with the first twelve digits of the SHA-256 of its body's weights.</returns>
    /// <exception cref="CheckpointException">A file is missing or malformed, or the model is of no vision family.</exception>
    public static VisionFeatures Open(string folder)
    {
        if (folder == RandomName)
        {
            using JsonDocument random = JsonDocument.Parse("""{ "model_type": "cifar-resnet", "depth": 20 }""");
            return new VisionFeatures(VisionModel.Create(ModelConfig.From(random.RootElement.Clone(), RandomName), outputs: 10, seed: 0), RandomName);
        }

        ModelConfig config = ModelConfig.Read(folder);
        VisionModel model = VisionModel.Load(folder, config.GetLabels()?.Count ?? config.GetInt("num_labels", 1), config: config);
        return new VisionFeatures(model, $"{model.Family.ModelType}, weights {HashOf(model)}", ImagePreparation.Of(folder, model.Family, config).Input);
    }

    /// <inheritdoc/>
    public float[] Describe(IReadOnlyList<Image> pictures) => Run(pictures, Width, (batch, features) =>
        features.Shape.Rank == 4 ? PooledHead.Means(features) : Ops.SegmentMean(features, [.. Enumerable.Range(0, batch.Count + 1).Select(i => i * (features.Rows / batch.Count))]));

    /// <summary>The model's probabilities for each class.</summary>
    /// <param name="pictures">Any pictures, at least one.</param>
    /// <returns>[pictures, <see cref="Classes"/>].</returns>
    /// <exception cref="MetricException">The model has no trained output layer.</exception>
    public float[] Classify(IReadOnlyList<Image> pictures) =>
        _model.NewlyInitialized.Count == 0 && Name != RandomName
            ? Run(pictures, Classes, (batch, features) => Ops.Softmax(_model.Head.Forward(features, batch)))
            : throw new MetricException(ErrorCodes.MetricWrongKind, "inception-score", $"{Name} has no trained output layer for {Classes} classes", "Say in its config.json how many classes it has (num_labels or id2label), or take another model");

    // Pictures of one size go through the network together, whatever their order.
    private float[] Run(IReadOnlyList<Image> pictures, int width, Func<ImageBatch, Tensor, Tensor> read)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        Image[] ready = new Image[pictures.Count];
        Parallel.For(0, ready.Length, i => ready[i] = Ready(pictures[i]));
        float[] rows = new float[ready.Length * width];
        foreach (var group in Enumerable.Range(0, ready.Length).GroupBy(i => (ready[i].Width, ready[i].Height)))
        {
            int[] places = [.. group];
            using Tape tape = Tape.Begin(record: false, backend: _model.Backend);
            var batch = new ImageBatch(Tensor.FromValues([places.Length, group.Key.Height, group.Key.Width, _input.Channels], [.. places.SelectMany(i => Numbers(ready[i]))], _model.Backend));
            float[] values = read(batch, _model.Backbone.Forward(batch)).ToArray();
            for (int i = 0; i < places.Length; i++)
            {
                values.AsSpan(i * width, width).CopyTo(rows.AsSpan(places[i] * width));
            }
        }

        return rows;
    }

    private Image Ready(Image picture)
    {
        Image coloured = _input.Channels == 1 ? picture.ToGrey() : picture.ToRgb();
        return _readsAnySize || (coloured.Width == _input.Width && coloured.Height == _input.Height) ? coloured : ImageResize.Apply(coloured, _input.Width, _input.Height);
    }

    private IEnumerable<float> Numbers(Image picture)
    {
        for (int i = 0; i < picture.Samples.Length; i++)
        {
            int channel = i % _input.Channels;
            yield return ((picture.Samples[i] / 255f) - _input.Mean[channel]) / _input.Deviation[channel];
        }
    }

    private static string HashOf(VisionModel model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var parameter in model.Backbone.Parameters())
        {
            hash.AppendData(MemoryMarshal.AsBytes<float>(parameter.Value.ToArray()));
        }

        foreach (var buffer in model.Backbone.Buffers())
        {
            hash.AppendData(MemoryMarshal.AsBytes<float>(buffer.Value.ToArray()));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..12];
    }
}
