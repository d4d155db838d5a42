using Hieno.Tensors;

namespace Hieno.Augmentation;

/// <summary>
/// Random numbers one after the other, from a place in the counter-based generator that belongs to one augmentation of one example in one pass. What is drawn
/// here depends on nothing else: not on the order of the examples, the number of threads, or a run that was interrupted.
/// </summary>
public sealed class RandomDraws
{
    private readonly Rng _rng;
    private readonly ulong _step;
    private ulong _position;

    /// <summary>Begins at a place.</summary>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="pass">The pass over the data, from 0.</param>
    /// <param name="number">The example's number, from 0.</param>
    /// <param name="place">Which of several draws for the example, from 0: each is given 2³² numbers of its own.</param>
    public RandomDraws(ulong seed, int pass, int number, int place = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pass);
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfNegative(place);
        (_rng, _step, _position) = (new Rng(seed, RngStream.Augmentation), ((ulong)pass << 32) | (uint)number, (ulong)place << 32);
    }

    /// <summary>A number from 0 to below 1.</summary>
    public double Uniform() => _rng.Bits(_step, _position++) * (1.0 / 4294967296.0);

    /// <summary>A number between two others.</summary>
    /// <param name="low">The lowest.</param>
    /// <param name="high">Above it.</param>
    public double Between(double low, double high) => low + ((high - low) * Uniform());

    /// <summary>True with a given probability.</summary>
    /// <param name="probability">0 to 1.</param>
    public bool Chance(double probability) => Uniform() < probability;

    /// <summary>A whole number from 0 to below another.</summary>
    /// <param name="count">At least 1.</param>
    public int Below(int count) => _rng.Below(count, _step, _position++);

    /// <summary>A random order of 0 … n − 1.</summary>
    /// <param name="count">n.</param>
    public int[] Permutation(int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        for (int i = count - 1; i > 0; i--)
        {
            int j = Below(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }

        return order;
    }

    /// <summary>A number of the standard normal distribution (Box and Muller 1958).</summary>
    public double Normal()
    {
        double radius = Math.Sqrt(-2 * Math.Log(1 - Uniform())); // 1 − u lies above 0, so that the logarithm is finite
        return radius * Math.Cos(2 * Math.PI * Uniform());
    }

    /// <summary>A number of Beta(α, α), from two of the Gamma distribution; their logarithms are kept, as they fall below the smallest number when α is small.</summary>
    /// <param name="alpha">α, above 0.</param>
    public double Beta(double alpha)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(alpha);
        (double first, double second) = (LogGamma(alpha), LogGamma(alpha));
        return 1 / (1 + Math.Exp(second - first));
    }

    // The logarithm of a number of Gamma(α, 1): Marsaglia and Tsang 2000, "A simple method for generating gamma variables", with α + 1 and a power of a
    // uniform number (their section 6), which is right for α below 1 as well.
    private double LogGamma(double alpha)
    {
        double d = alpha + 1 - (1.0 / 3);
        double c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double x = Normal();
            double v = Math.Pow(1 + (c * x), 3);
            double u = 1 - Uniform();
            if (v > 0 && Math.Log(u) < (x * x / 2) + d - (d * v) + (d * Math.Log(v)))
            {
                return Math.Log(d * v) + (Math.Log(1 - Uniform()) / alpha);
            }
        }
    }
}
