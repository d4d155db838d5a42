namespace Hieno.Advice.Warnings;

/// <summary>Conversations in most of which no token that ends a turn is learned: the model will not know when to stop.</summary>
/// <remarks>Half of the rows is Hieno's own rule.</remarks>
internal sealed class EndNotLearned : IRunWarning
{
    public string Id => "end-not-learned";

    public string? Check(RunFacts facts) => facts.Task != "sft" || facts.Rows.WithLearnedEnd * 2L >= facts.Rows.Train ? null
        : $"only {facts.Rows.WithLearnedEnd} of {facts.Rows.Train} rows teach a token that ends a turn, so the model will hardly learn to stop. Choose a 'data.chatTemplate' that ends turns by a special token, name an 'eos_token' in the base's tokenizer_config.json, or raise 'data.maxLength' where rows are cut";
}
