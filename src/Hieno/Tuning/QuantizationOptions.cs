using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>How the frozen base is stored in fewer bits while an adapter learns: the settings under <c>quantization:</c> of a recipe, chosen by <c>kind</c>.</summary>
public abstract record QuantizationOptions
{
    /// <summary>Endings of the names of linear layers that are left as they are in the file, besides the head, the tables and the norms, which always are. Default: none.</summary>
    public IReadOnlyList<string> Keep { get; init; } = [];

    /// <summary>What the model is opened with.</summary>
    public abstract WeightQuantization Create();

    /// <summary>Throws where <see cref="Keep"/> names no linear layer of <paramref name="model"/>.</summary>
    /// <exception cref="TuningException">The message lists what there is.</exception>
    internal void ThrowIfUnknown(PretrainedModel model)
    {
        string[] paths = [.. model.Modules().OfType<Linear>().Select(layer => layer.Path)];
        if (Create().UnknownIn(paths).FirstOrDefault() is { } name)
        {
            string known = string.Join(", ", paths.Select(path => path[(path.LastIndexOf('.') + 1)..]).Distinct(StringComparer.Ordinal));
            throw new TuningException(ErrorCodes.TuningTargetUnknown, "quantization", $"no linear layer's name ends with '{name}'. This model has {known}", "Set 'quantization.keep' to some of these");
        }
    }
}

/// <summary>Settings of the base of QLoRA: weights of linear layers in NF4 with doubly quantised scales, about 4.13 bits each.</summary>
/// <remarks>Dettmers et al. 2023, <see href="https://arxiv.org/abs/2305.14314"/>, section 3; see <see cref="Nf4"/>.</remarks>
public sealed record Nf4Options : QuantizationOptions
{
    /// <inheritdoc/>
    public override WeightQuantization Create() => new(DType.NF4, Keep);
}
