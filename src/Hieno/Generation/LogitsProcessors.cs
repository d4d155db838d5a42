using Hieno.Generation.Processors;

namespace Hieno.Generation;

/// <summary>The one list of the changes of logits that settings ask for, in the order of Hugging Face transformers.</summary>
internal static class LogitsProcessors
{
    /// <summary>The processors for one call.</summary>
    /// <param name="options">The settings, completed.</param>
    /// <param name="defaults">The tokens that end a text or are never generated.</param>
    /// <param name="further">The caller's own, between the penalties and what shapes the draw.</param>
    public static IEnumerable<ILogitsProcessor> For(
        GenerationOptions options, GenerationDefaults defaults, IEnumerable<ILogitsProcessor> further)
    {
        if (options.RepetitionPenalty is { } penalty and not 1f)
        {
            yield return new RepetitionPenalty(penalty);
        }

        if (options.FrequencyPenalty != 0 || options.PresencePenalty != 0)
        {
            yield return new FrequencyPenalty(options.FrequencyPenalty, options.PresencePenalty);
        }

        if (options.NoRepeatNgramSize is { } size and > 0)
        {
            yield return new NoRepeatNgram(size);
        }

        if (options.MinNewTokens is { } least and > 0 && defaults.EosTokens.Count > 0)
        {
            yield return new SuppressedTokens(defaults.EosTokens, least);
        }

        if (defaults.SuppressedTokens.Count > 0)
        {
            yield return new SuppressedTokens(defaults.SuppressedTokens);
        }

        foreach (ILogitsProcessor processor in options.IsGreedy ? further : further.Concat(Sampling(options)))
        {
            yield return processor;
        }
    }

    // What shapes the draw; the likeliest token stays the likeliest through all of these.
    private static IEnumerable<ILogitsProcessor> Sampling(GenerationOptions options)
    {
        if (options.Temperature is { } temperature and not 1f)
        {
            yield return new Temperature(temperature);
        }

        if (options.TopK is { } count and > 0)
        {
            yield return new TopK(count);
        }

        if (options.TopP is { } probability and < 1f)
        {
            yield return new TopP(probability);
        }

        if (options.MinP is { } share and > 0f)
        {
            yield return new MinP(share);
        }
    }
}
