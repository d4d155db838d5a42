namespace Hieno.Tensors;

/// <summary>
/// Inverse frequencies of rotary position embeddings, the angle that one position adds to each pair of lanes, and the schemes that stretch
/// them to longer texts than a model was trained on. Names and defaults are those of <c>rope_scaling</c> in config.json.
/// </summary>
public static class RopeFrequencies
{
    /// <summary>θ^(−2i/d) for i = 0 … d/2 − 1.</summary>
    /// <param name="theta">Base θ, e.g. 10000.</param>
    /// <param name="width">Rotated lanes d of each head: even.</param>
    /// <exception cref="ArgumentOutOfRangeException">The base is not positive, or the width not positive and even.</exception>
    /// <remarks>Su et al. 2021, <see href="https://arxiv.org/abs/2104.09864"/>, section 3.2.2.</remarks>
    public static double[] Default(double theta, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(theta);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 2);
        ArgumentOutOfRangeException.ThrowIfNotEqual(width % 2, 0, nameof(width));
        double[] frequencies = new double[width / 2];
        for (int i = 0; i < frequencies.Length; i++)
        {
            frequencies[i] = Math.Pow(theta, -2.0 * i / width);
        }

        return frequencies;
    }

    /// <summary>All frequencies divided by <paramref name="factor"/>: positions are interpolated.</summary>
    /// <remarks>Chen et al. 2023, <see href="https://arxiv.org/abs/2306.15595"/>, section 2.3.</remarks>
    /// <inheritdoc cref="Default"/>
    public static double[] Linear(double theta, int width, double factor)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(factor);
        return Array.ConvertAll(Default(theta, width), frequency => frequency / factor);
    }

    /// <summary>The base grows with the length of the text beyond the trained one: θ·(factor·L/P − (factor − 1))^(d/(d − 2)).</summary>
    /// <param name="theta">Base θ.</param>
    /// <param name="width">Rotated lanes d of each head: even, above 2.</param>
    /// <param name="factor">How steeply the base grows.</param>
    /// <param name="trainedPositions">Positions P the model was trained on: <c>max_position_embeddings</c>.</param>
    /// <param name="length">Length L of the longest text of the batch; shorter ones than P count as P, which changes nothing.</param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is out of range.</exception>
    public static double[] Dynamic(double theta, int width, double factor, int trainedPositions, int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(width, 2);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(factor);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(trainedPositions);
        double ratio = Math.Max(1.0, (double)length / trainedPositions);
        return Default(theta * Math.Pow((factor * ratio) - (factor - 1), width / (width - 2.0)), width);
    }

    /// <summary>
    /// Llama 3.1: waves longer than the trained text divided by <paramref name="lowFactor"/> are slowed down by <paramref name="factor"/>,
    /// those shorter than it divided by <paramref name="highFactor"/> are kept, and those in between blend.
    /// </summary>
    /// <param name="theta">Base θ.</param>
    /// <param name="width">Rotated lanes of each head: even.</param>
    /// <param name="factor">Divisor of the low frequencies.</param>
    /// <param name="lowFactor"><c>low_freq_factor</c>.</param>
    /// <param name="highFactor"><c>high_freq_factor</c>, above <paramref name="lowFactor"/>.</param>
    /// <param name="trainedPositions"><c>original_max_position_embeddings</c>.</param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is out of range.</exception>
    public static double[] Llama3(double theta, int width, double factor, double lowFactor, double highFactor, int trainedPositions)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(factor);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(lowFactor);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(highFactor, lowFactor);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(trainedPositions);
        return Array.ConvertAll(Default(theta, width), frequency =>
        {
            double turns = trainedPositions * frequency / (2 * Math.PI); // how often the wave turns within the trained text
            double kept = Math.Clamp((turns - lowFactor) / (highFactor - lowFactor), 0.0, 1.0);
            return ((1 - kept) * frequency / factor) + (kept * frequency);
        });
    }

    /// <summary>YaRN: lanes that turn often within the trained text are kept, those that turn rarely interpolated, with a ramp between.</summary>
    /// <param name="theta">Base θ.</param>
    /// <param name="width">Rotated lanes of each head: even.</param>
    /// <param name="factor">
    /// How many times longer texts become. Where config.json states <c>original_max_position_embeddings</c>, the reference implementation
    /// uses <c>max_position_embeddings</c> divided by it.
    /// </param>
    /// <param name="trainedPositions"><c>original_max_position_embeddings</c>.</param>
    /// <param name="betaFast">Lanes with more turns than this are kept; default 32.</param>
    /// <param name="betaSlow">Lanes with fewer turns than this are interpolated; default 1.</param>
    /// <param name="truncate">True (default) to widen the ramp to whole lanes.</param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is out of range.</exception>
    /// <remarks>
    /// Peng et al. 2023, <see href="https://arxiv.org/abs/2309.00071"/>, section 3.2; cos and sin also take <see cref="YarnAttentionFactor"/>.
    /// </remarks>
    public static double[] Yarn(
        double theta, int width, double factor, int trainedPositions, double betaFast = 32, double betaSlow = 1, bool truncate = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(factor);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(trainedPositions);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(betaSlow);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(betaFast);
        double[] frequencies = Default(theta, width);

        // The lane (as a fraction) whose wave turns a given number of times within the trained text.
        double LaneOf(double turns) => width * Math.Log(trainedPositions / (turns * 2 * Math.PI)) / (2 * Math.Log(theta));
        (double low, double high) = (LaneOf(betaFast), LaneOf(betaSlow));
        (low, high) = truncate ? (Math.Floor(low), Math.Ceiling(high)) : (low, high);
        (low, high) = (Math.Max(low, 0), Math.Min(high, width - 1));
        high = high == low ? low + 0.001 : high; // a ramp of no width would divide by zero
        for (int i = 0; i < frequencies.Length; i++)
        {
            double interpolated = Math.Clamp((i - low) / (high - low), 0.0, 1.0);
            frequencies[i] = (frequencies[i] / factor * interpolated) + (frequencies[i] * (1 - interpolated));
        }

        return frequencies;
    }

    /// <summary>
    /// YaRN's factor of cos and sin: m(factor, mscale) / m(factor, mscaleAllDim) where both are given, else m(factor, 1), with
    /// m(s, c) = 0.1·c·ln s + 1.
    /// </summary>
    /// <param name="factor">As for <see cref="Yarn"/>; 1 or less gives 1.</param>
    /// <param name="mscale"><c>mscale</c>; null or 0 counts as absent.</param>
    /// <param name="mscaleAllDim"><c>mscale_all_dim</c>; null or 0 counts as absent.</param>
    public static double YarnAttentionFactor(double factor, double? mscale = null, double? mscaleAllDim = null)
    {
        double M(double weight) => factor <= 1 ? 1 : (0.1 * weight * Math.Log(factor)) + 1;
        return mscale is { } own && own != 0 && mscaleAllDim is { } all && all != 0 ? M(own) / M(all) : M(1);
    }

    /// <summary>LongRoPE: each frequency divided by a factor of its own.</summary>
    /// <param name="theta">Base θ.</param>
    /// <param name="factors">
    /// One for each pair of rotated lanes: <c>long_factor</c> where the text is longer than the original positions, else <c>short_factor</c>.
    /// </param>
    /// <exception cref="ArgumentException">There are no factors, or one is not positive.</exception>
    /// <remarks>Ding et al. 2024, <see href="https://arxiv.org/abs/2402.13753"/>; as used by Phi-3.</remarks>
    public static double[] LongRope(double theta, ReadOnlySpan<double> factors)
    {
        if (factors.IsEmpty)
        {
            throw new ArgumentException("LongRope: there are no factors. Give one for each pair of rotated lanes.", nameof(factors));
        }

        double[] frequencies = Default(theta, 2 * factors.Length);
        for (int i = 0; i < factors.Length; i++)
        {
            if (!(factors[i] > 0))
            {
                throw new ArgumentException($"LongRope: factor {i} is {factors[i]}. All factors must be positive.", nameof(factors));
            }

            frequencies[i] /= factors[i];
        }

        return frequencies;
    }

    /// <summary>LongRoPE's factor of cos and sin: √(1 + ln(ratio) / ln(original)) where ratio = positions / original exceeds 1, else 1.</summary>
    /// <param name="positions"><c>max_position_embeddings</c>.</param>
    /// <param name="originalPositions"><c>original_max_position_embeddings</c>, above 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="originalPositions"/> is 1 or less.</exception>
    public static double LongRopeAttentionFactor(int positions, int originalPositions)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(originalPositions, 1);
        double ratio = (double)positions / originalPositions;
        return ratio <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(ratio) / Math.Log(originalPositions)));
    }
}
