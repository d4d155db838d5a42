using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Gemma;
using Hieno.Models.Llama;

namespace Hieno.Models.Gemma2;

/// <summary>Gemma 2: Gemma with norms behind the parts as well, limited scores and logits, and a window in every other layer.</summary>
/// <remarks>Gemma Team 2024, <see href="https://arxiv.org/abs/2408.00118"/>, section 2.</remarks>
public sealed class Gemma2Family : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "gemma2";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ResidualOutputs => []; // one more block would change which layers see a window

    /// <inheritdoc/>
    public override ModelConfig? Narrow(ModelConfig config, int divisor) => null; // the scale of the scores would not fit narrower heads

    /// <inheritdoc/>
    protected override string ClassPrefix => "Gemma2";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config) => GemmaSettings.Read2(config, layer => layer % 2 == 0);
}
