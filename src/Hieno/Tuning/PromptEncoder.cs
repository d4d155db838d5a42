using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Where the vectors of virtual tokens come from while they learn. Only what it computes is saved: the trained vectors need it no more.</summary>
public abstract class PromptEncoder
{
    /// <summary>The weights that learn.</summary>
    public abstract IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>The vectors, [virtual tokens, width].</summary>
    public abstract Tensor Encode();

    /// <summary>A weight under PEFT's name in memory; it lies at the bottom of the model, so nothing above counts as frozen.</summary>
    internal static Parameter Weight(string name, Tensor value) => new($"prompt_encoder.{name}", value, ParameterKind.Embedding);

    /// <summary>What <see cref="Encode"/> gives now, long-lived.</summary>
    internal Tensor Snapshot()
    {
        using Tape tape = Tape.Begin(record: false, backend: Parameters[0].Value.Backend);
        Tensor vectors = Encode();
        Tensor copy = Tensor.CreateLongLived(vectors.Shape, DType.F32, vectors.Backend);
        vectors.Backend.Copy(vectors, copy);
        return copy;
    }
}

/// <summary>The vectors themselves learn: a table with one row for each virtual token.</summary>
/// <param name="vectors">Their first values, [virtual tokens, width], long-lived.</param>
public sealed class PromptTable(Tensor vectors) : PromptEncoder
{
    private readonly Parameter _table = Weight("embedding.weight", vectors);
    private readonly int[] _rows = [.. Enumerable.Range(0, vectors.Rows)];

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => [_table];

    /// <inheritdoc/>
    public override Tensor Encode() => Ops.Rows(_table, _rows);

    /// <summary>A table that starts from N(0, 1), as PEFT's does.</summary>
    internal static PromptTable Random(int count, int width, ulong seed, Backend backend) =>
        new(Initializer.Normal(1f).Create([count, width], seed, "prompt_encoder.embedding.weight", backend));
}

/// <summary>A table whose rows pass linear layers with an activation between them.</summary>
public sealed class PromptLayers : PromptEncoder
{
    private readonly PromptEncoder _below;
    private readonly List<(Parameter Weight, Parameter Bias)> _layers = [];
    private readonly Activation _activation;

    /// <summary>Makes the layers; they start as PyTorch's linear layers do.</summary>
    /// <param name="below">What they read.</param>
    /// <param name="name">What their names begin with: <c>mlp_head</c> or <c>transform</c>.</param>
    /// <param name="widths">Width of the input, of each layer between, and of the result.</param>
    /// <param name="activation">The activation between layers.</param>
    /// <param name="seed">The seed of the run.</param>
    public PromptLayers(PromptEncoder below, string name, IReadOnlyList<int> widths, Activation activation, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(below);
        ArgumentNullException.ThrowIfNull(widths);
        (_below, _activation) = (below, activation);
        Backend backend = below.Parameters[0].Value.Backend;
        for (int i = 0; i + 1 < widths.Count; i++)
        {
            var start = Initializer.KaimingUniform(widths[i]);
            string layer = $"{name}.{2 * i}"; // PEFT counts the activations between them as well
            _layers.Add((
                Weight($"{layer}.weight", start.Create([widths[i + 1], widths[i]], seed, $"prompt_encoder.{layer}.weight", backend)),
                Weight($"{layer}.bias", start.Create([widths[i + 1]], seed, $"prompt_encoder.{layer}.bias", backend))));
        }

        Parameters = [.. below.Parameters, .. _layers.SelectMany(layer => new[] { layer.Weight, layer.Bias })];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override Tensor Encode()
    {
        Tensor x = _below.Encode();
        for (int i = 0; i < _layers.Count; i++)
        {
            x = Ops.Linear(i == 0 ? x : Ops.Activate(x, _activation), _layers[i].Weight, _layers[i].Bias.Value);
        }

        return x;
    }
}

/// <summary>Virtual tokens that are read as words are, from an encoder.</summary>
/// <param name="body">The body that reads them.</param>
/// <param name="adapter">The adapter's name.</param>
/// <param name="count">How many.</param>
/// <param name="encoder">Where their vectors come from, [count, C].</param>
public sealed class EncodedPrompt(Backbone body, string adapter, int count, PromptEncoder encoder) : PromptVectors(body, adapter, count)
{
    /// <summary>Where their vectors come from.</summary>
    public PromptEncoder Encoder => encoder;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => encoder.Parameters;

    /// <inheritdoc/>
    public override Tensor Vectors() => encoder.Encode();
}

/// <summary>Virtual tokens that are keys and values of each layer, from an encoder.</summary>
/// <param name="body">The body that reads them.</param>
/// <param name="adapter">The adapter's name.</param>
/// <param name="count">How many.</param>
/// <param name="encoder">Where they come from, [count, 2 · layers · width of keys]: keys and values of the first layer, then of the second, and so on.</param>
public sealed class EncodedPrefix(Backbone body, string adapter, int count, PromptEncoder encoder) : PrefixVectors(body, adapter, count)
{
    /// <summary>Where their vectors come from.</summary>
    public PromptEncoder Encoder => encoder;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => encoder.Parameters;

    /// <inheritdoc/>
    public override LayerPrefix[] Layers()
    {
        int layers = Body.Blocks.Count;
        Tensor[] parts = Ops.Split(encoder.Encode(), [.. Enumerable.Repeat(Body.KeyWidth, 2 * layers)]);
        return [.. Enumerable.Range(0, layers).Select(i => new LayerPrefix(parts[2 * i], parts[(2 * i) + 1]))];
    }
}
