namespace Hieno.Generation.Processors;

/// <summary>Divides the logits by T: below 1 likely tokens become likelier, above 1 all become more alike.</summary>
/// <param name="temperature">T, above 0.</param>
public sealed class Temperature(float temperature) : ILogitsProcessor
{
    /// <inheritdoc/>
    public void Process(TokenHistory history, Span<float> logits) => Logits.Divide(logits, temperature);
}
