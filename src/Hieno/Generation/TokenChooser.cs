using Hieno.Formats;
using Hieno.Tensors;

namespace Hieno.Generation;

/// <summary>A chosen token.</summary>
/// <param name="Id">The token.</param>
/// <param name="LogProbability">The natural logarithm of its probability as the model gave it.</param>
internal readonly record struct TokenChoice(int Id, float LogProbability);

/// <summary>Chooses a text's next token from its logits.</summary>
/// <param name="processors">Change the logits first, in this order.</param>
/// <param name="greedy">True to take the likeliest token, the first of several.</param>
/// <param name="seed">The seed of what is drawn.</param>
internal sealed class TokenChooser(IReadOnlyList<ILogitsProcessor> processors, bool greedy, ulong seed)
{
    private readonly Rng _rng = new(seed, RngStream.Sampling);
    private float[] _changed = [];

    /// <summary>Chooses the next token of a text.</summary>
    /// <param name="row">The text.</param>
    /// <param name="logits">The model's logits for it, [V].</param>
    /// <exception cref="GenerationException">A logit is NaN or +∞, or no token is left to choose.</exception>
    public TokenChoice Choose(TextRow row, ReadOnlySpan<float> logits)
    {
        float largest = CheckedLargest(row, logits, "the model gave", "Check the weights for NaN, as a diverged run leaves them");
        double logNormaliser = largest + Math.Log(Logits.Weight(logits, largest));
        int id = ChooseFrom(row, Change(row, logits, ref largest), largest);
        return new TokenChoice(id, (float)(logits[id] - logNormaliser));
    }

    // The model's own logits stay as they are: the log-probability is theirs.
    private ReadOnlySpan<float> Change(TextRow row, ReadOnlySpan<float> logits, ref float largest)
    {
        if (processors.Count == 0)
        {
            return logits;
        }

        if (_changed.Length != logits.Length)
        {
            _changed = new float[logits.Length];
        }

        logits.CopyTo(_changed);
        foreach (ILogitsProcessor processor in processors)
        {
            processor.Process(row.History, _changed);
        }

        largest = CheckedLargest(row, _changed, "the settings left", "Loosen the penalties and filters");
        return _changed;
    }

    private int ChooseFrom(TextRow row, ReadOnlySpan<float> logits, float largest)
    {
        if (greedy)
        {
            return logits.IndexOf(largest);
        }

        // The number belongs to the seed, the text and the place in it, whatever else is generated at the same time.
        (uint high, uint low, _, _) = _rng.Block(row.Draw, (ulong)row.Count);
        double unit = ((((ulong)high << 32) | low) >> 11) * (1.0 / (1UL << 53)); // [0, 1), 53 bits
        double target = unit * Logits.Weight(logits, largest);

        // Whole blocks are passed over by their weight; the token is looked for in the block in which the sum passes the target.
        double sum = 0;
        int start = 0;
        for (; start + Logits.Block < logits.Length; start += Logits.Block)
        {
            double weight = Logits.BlockWeight(logits.Slice(start, Logits.Block), largest);
            if (sum + weight > target)
            {
                break;
            }

            sum += weight;
        }

        return Find(logits, start, largest, target - sum);
    }

    /// <summary>The token from <paramref name="start"/> on at which the sum of weights passes <paramref name="target"/>, or else, by rounding, the last possible one.</summary>
    private static int Find(ReadOnlySpan<float> logits, int start, float largest, double target)
    {
        double sum = 0;
        for (int id = start; id < logits.Length; id++)
        {
            sum += MathF.Exp(logits[id] - largest);
            if (sum > target)
            {
                return id;
            }
        }

        return LastPossible(logits, largest);
    }

    private static int LastPossible(ReadOnlySpan<float> logits, float largest)
    {
        int id = logits.Length - 1;
        while (id > 0 && MathF.Exp(logits[id] - largest) == 0f)
        {
            id--;
        }

        return id;
    }

    private static float CheckedLargest(TextRow row, ReadOnlySpan<float> logits, string source, string advice)
    {
        int invalid = Logits.FirstInvalid(logits);
        if (invalid >= 0)
        {
            throw new GenerationException(
                ErrorCodes.GenerationLogitsInvalid,
                $"prompt {row.Index}, position {row.Count}",
                $"{source} token {invalid} the logit {(float.IsNaN(logits[invalid]) ? "NaN" : "+∞")}",
                advice);
        }

        float largest = Logits.Largest(logits);
        return float.IsFinite(largest)
            ? largest
            : throw new GenerationException(
                ErrorCodes.GenerationNoTokenLeft,
                $"prompt {row.Index}, position {row.Count}",
                $"{source} all {logits.Length} tokens the logit −∞, so there is none to choose",
                advice);
    }
}
