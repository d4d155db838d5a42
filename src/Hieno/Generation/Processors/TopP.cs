namespace Hieno.Generation.Processors;

/// <summary>Keeps the nucleus: the fewest of the most probable tokens that together reach the probability p; at least one.</summary>
/// <param name="probability">p, 0 to 1.</param>
/// <remarks>Holtzman et al. 2019, <see href="https://arxiv.org/abs/1904.09751"/>, section 3.1.</remarks>
public sealed class TopP(float probability) : ILogitsProcessor
{
    private ulong[] _candidates = [];

    /// <inheritdoc/>
    public void Process(TokenHistory history, Span<float> logits)
    {
        float largest = Logits.Largest(logits);
        if (!float.IsFinite(largest))
        {
            return; // no token is left, or one is invalid: whoever chooses says so
        }

        double total = Logits.Weight(logits, largest);
        ReadOnlySpan<ulong> likeliest = Candidates(logits, largest, (1.0 - probability) * total / logits.Length);

        // A token stays while those before it have not reached p.
        int kept = 0;
        for (double sum = 0; kept < likeliest.Length && (kept == 0 || sum < probability * total); kept++)
        {
            sum += MathF.Exp(logits[(int)(uint)likeliest[kept]] - largest);
        }

        Keep(logits, likeliest[..kept]);
    }

    // All tokens whose weight is above the cutoff, the likeliest first, of equal ones the lower id. Those at or below (1 − p)/V of the
    // total have together at most 1 − p: none of them is in the nucleus, and sorting is left to the few others.
    private Span<ulong> Candidates(ReadOnlySpan<float> logits, float largest, double cutoff)
    {
        if (_candidates.Length < logits.Length)
        {
            _candidates = new ulong[logits.Length];
        }

        // As logits, a little lower so that rounding loses none; never as high as the largest.
        float limit = MathF.Min((float)(largest + Math.Log(cutoff) - 1e-3), MathF.BitDecrement(largest));
        int count = 0;
        for (int id = Logits.NextAbove(logits, 0, limit); id < logits.Length; id = Logits.NextAbove(logits, id + 1, limit))
        {
            _candidates[count++] = Key(logits[id], id);
        }

        Span<ulong> found = _candidates.AsSpan(0, count);
        found.Sort();
        return found;
    }

    // Upper half: the bits of a single, turned so that larger numbers give smaller keys. As they stand, bits grow with a positive number
    // and with the size of a negative one; so all but the sign of a positive number are inverted, a negative number is left alone.
    private static ulong Key(float logit, int id)
    {
        uint bits = BitConverter.SingleToUInt32Bits(logit + 0f); // + 0 makes −0 the same as 0
        return ((ulong)(bits >> 31 == 0 ? bits ^ 0x7FFFFFFFu : bits) << 32) | (uint)id;
    }

    private static void Keep(Span<float> logits, ReadOnlySpan<ulong> kept)
    {
        Span<float> values = kept.Length <= 256 ? stackalloc float[kept.Length] : new float[kept.Length];
        for (int i = 0; i < kept.Length; i++)
        {
            values[i] = logits[(int)(uint)kept[i]];
        }

        logits.Fill(float.NegativeInfinity);
        for (int i = 0; i < kept.Length; i++)
        {
            logits[(int)(uint)kept[i]] = values[i];
        }
    }
}
