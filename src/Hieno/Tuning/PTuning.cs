using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>What computes the prompt of P-tuning while it learns.</summary>
public enum PromptEncoderKind
{
    /// <summary>Three linear layers with ReLU between them.</summary>
    Mlp,

    /// <summary>An LSTM in both directions, then two linear layers with ReLU between them.</summary>
    Lstm,
}

/// <summary>Settings of <see cref="PTuning"/>.</summary>
public sealed record PTuningOptions : AdapterOptions
{
    /// <summary>Virtual tokens before each text; each takes a position from it. Default 20.</summary>
    [Range(1, 4096)]
    public int VirtualTokens { get; init; } = 20;

    /// <summary>What computes their vectors: mlp, lstm. Default mlp.</summary>
    public PromptEncoderKind Encoder { get; init; } = PromptEncoderKind.Mlp;

    /// <summary>Width between the linear layers, or of the LSTM in each direction. Default (0): that of the model.</summary>
    [Range(0, 65536)]
    public int EncoderWidth { get; init; }

    /// <summary>Layers of the LSTM. Default 2.</summary>
    [Range(1, 16)]
    public int EncoderLayers { get; init; } = 2;

    /// <summary>Probability of dropping a number between layers of the LSTM. Default 0.</summary>
    [Range(0.0, 0.95)]
    public double EncoderDropout { get; init; }

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 1e-3;

    /// <inheritdoc/>
    protected internal override int AddedPositions => VirtualTokens;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new PTuningLayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new PTuning(this);
}

/// <summary>P-tuning: a small network computes the vectors that are put before each text, so that they learn together; only they are saved.</summary>
/// <remarks>Liu et al. 2021, <see href="https://arxiv.org/abs/2103.10385"/>, section 3. The base model stays frozen, as with PEFT.</remarks>
public sealed class PTuning(PTuningOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        TextModel text = model.RequireText("p-tuning");
        Backbone body = text.Backbone;
        int inner = options.EncoderWidth > 0 ? options.EncoderWidth : body.TokenWidth;
        PromptEncoder encoder = PromptTable.Random(options.VirtualTokens, body.TokenWidth, seed, body.TokenTable.Value.Backend);
        encoder = options.Encoder == PromptEncoderKind.Mlp
            ? new PromptLayers(encoder, "mlp_head", [body.TokenWidth, inner, inner, body.TokenWidth], Activation.Relu, seed)
            : new PromptLayers(
                new PromptLstm(encoder, options.VirtualTokens, body.TokenWidth, inner, options.EncoderLayers, (float)options.EncoderDropout, seed),
                "mlp_head", [2 * inner, 2 * inner, body.TokenWidth], Activation.Relu, seed);
        var adapter = Adapter.Begin(text, options, "p-tuning");
        adapter.Attach(new EncodedPrompt(body, adapter.Name, options.VirtualTokens, encoder));
        return adapter.Complete();
    }
}

/// <summary>P-tuning in PEFT's files.</summary>
internal sealed class PTuningLayout : PromptLayout
{
    /// <inheritdoc/>
    public override string PeftType => "P_TUNING";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        ModelConfig settings = config.Settings!;
        return new PTuningOptions
        {
            VirtualTokens = settings.GetInt("num_virtual_tokens"),
            Encoder = settings.GetString("encoder_reparameterization_type", "MLP") == "LSTM" ? PromptEncoderKind.Lstm : PromptEncoderKind.Mlp,
            EncoderWidth = settings.GetInt("encoder_hidden_size", 0),
            EncoderLayers = settings.GetInt("encoder_num_layers", 2),
            EncoderDropout = settings.GetDouble("encoder_dropout", 0),
        };
    }

    /// <inheritdoc/>
    protected override void Describe(Adapter adapter, Dictionary<string, object?> values)
    {
        var options = (PTuningOptions)adapter.Options;
        values["encoder_reparameterization_type"] = options.Encoder == PromptEncoderKind.Lstm ? "LSTM" : "MLP";
        values["encoder_hidden_size"] = options.EncoderWidth > 0 ? options.EncoderWidth : adapter.Model.Width;
        values["encoder_num_layers"] = options.EncoderLayers;
        values["encoder_dropout"] = options.EncoderDropout;
    }
}
