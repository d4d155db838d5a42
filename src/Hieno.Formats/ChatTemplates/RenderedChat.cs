namespace Hieno.Formats.ChatTemplates;

/// <summary>What a chat template rendered.</summary>
/// <param name="Text">The text. It contains the special tokens: encode it without adding any.</param>
/// <param name="GenerationSpans">
/// Ranges of <paramref name="Text"/>, in UTF-16 code units, that stem from <c>{% generation %}</c> blocks: what the model is
/// trained to say. In order, without overlap, none empty. Empty when the template has no such block.
/// </param>
public sealed record RenderedChat(string Text, IReadOnlyList<Range> GenerationSpans)
{
    /// <summary>
    /// True when text of a generation block was changed by a filter or thrown away after it was rendered, so that it is not
    /// in <see cref="GenerationSpans"/>. A loss mask must not be made from the spans then.
    /// </summary>
    public bool HasLostGenerationText { get; init; }
}
