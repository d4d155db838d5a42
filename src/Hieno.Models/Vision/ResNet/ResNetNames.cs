namespace Hieno.Models.Vision.ResNet;

/// <summary>Where a checkpoint keeps the parts of a residual network.</summary>
/// <param name="Stem">The first convolution and its normalisation.</param>
/// <param name="Block">A block, by stage and place within it, from 0.</param>
/// <param name="Unit">A convolution of a block and its normalisation, by number from 0, under the block.</param>
/// <param name="Shortcut">The convolution beside a block and its normalisation, under the block.</param>
/// <param name="Head">The output layer, under the root.</param>
public sealed record ResNetNames(
    (string Convolution, string Norm) Stem,
    Func<int, int, string> Block,
    Func<int, (string Convolution, string Norm)> Unit,
    (string Convolution, string Norm) Shortcut,
    string Head)
{
    /// <summary>The names of Hugging Face's <c>ResNetForImageClassification</c>.</summary>
    public static ResNetNames HuggingFace { get; } = new(
        ("embedder.embedder.convolution", "embedder.embedder.normalization"),
        (stage, layer) => $"encoder.stages.{stage}.layers.{layer}",
        number => ($"layer.{number}.convolution", $"layer.{number}.normalization"),
        ("shortcut.convolution", "shortcut.normalization"),
        "classifier.1");

    /// <summary>The names of torchvision's <c>resnet18</c> and its sisters.</summary>
    public static ResNetNames Torchvision { get; } = new(
        ("conv1", "bn1"),
        (stage, layer) => $"layer{stage + 1}.{layer}",
        number => ($"conv{number + 1}", $"bn{number + 1}"),
        ("downsample.0", "downsample.1"),
        "fc");
}
