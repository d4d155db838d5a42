namespace Hieno.Advice.Warnings;

/// <summary>Rows that begin with the same special token twice: chat template and tokenizer both add it, which no text the base model read had.</summary>
/// <remarks>Hieno's own rule.</remarks>
internal sealed class DoubleStart : IRunWarning
{
    public string Id => "double-start";

    public string? Check(RunFacts facts) => facts.Rows.WithDoubleStart == 0 ? null
        : $"{facts.Rows.WithDoubleStart} of {facts.Rows.Train} rows begin with the same special token twice. Take it out of the rows, or of the chat template";
}
