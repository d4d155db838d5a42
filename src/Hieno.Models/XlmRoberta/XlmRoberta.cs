using Hieno.Models.Roberta;

namespace Hieno.Models.XlmRoberta;

/// <summary>XLM-RoBERTa: RoBERTa for a hundred languages.</summary>
/// <remarks>Conneau et al. 2019, <see href="https://arxiv.org/abs/1911.02116"/>, section 3.</remarks>
public sealed class XlmRobertaFamily : RobertaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "xlm-roberta";

    /// <inheritdoc/>
    protected override string ClassPrefix => "XLMRoberta";
}
