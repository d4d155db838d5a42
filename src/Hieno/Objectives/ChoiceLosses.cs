namespace Hieno.Objectives;

/// <summary>How much each of a row's losses over its choices counts, and how they are computed.</summary>
/// <param name="Likelihood">Factor of −log p of the right choice, the mean over its tokens.</param>
/// <param name="Unlikelihood">Factor of −log(1 − p + 0.01) of the wrong choices, the mean over their tokens.</param>
/// <param name="LengthNormalized">Factor of the cross-entropy over the choices' scores.</param>
/// <param name="LengthPower">The power of a choice's length by which its log-probability is divided to be its score.</param>
internal readonly record struct ChoiceLosses(double Likelihood, double Unlikelihood, double LengthNormalized, double LengthPower)
{
    // Keeps the logarithm finite where a wrong token is certain; the value of T-Few's code.
    private const double Floor = 1e-2;

    /// <summary>A choice's score: the sum of its tokens' log-probabilities divided by a power of their number.</summary>
    public double Score(ReadOnlySpan<double> logProbabilities)
    {
        double sum = 0;
        foreach (double value in logProbabilities)
        {
            sum += value;
        }

        return sum / Math.Pow(logProbabilities.Length, LengthPower);
    }

    /// <summary>A row's loss and its derivatives.</summary>
    /// <param name="logProbabilities">Log-probabilities of the tokens of all choices, one choice after the other.</param>
    /// <param name="lengths">Tokens of each choice.</param>
    /// <param name="right">The number of the right choice.</param>
    /// <param name="gradient">Receives the derivative by each log-probability.</param>
    public double Compute(ReadOnlySpan<double> logProbabilities, ReadOnlySpan<int> lengths, int right, Span<double> gradient)
    {
        int wrongTokens = logProbabilities.Length - lengths[right];
        double[] scores = new double[lengths.Length];
        double loss = 0;
        for (int choice = 0, start = 0; choice < lengths.Length; start += lengths[choice++])
        {
            scores[choice] = Score(logProbabilities.Slice(start, lengths[choice]));
            for (int i = start; i < start + lengths[choice]; i++)
            {
                if (choice == right)
                {
                    loss -= Likelihood * logProbabilities[i] / lengths[right];
                    gradient[i] = -Likelihood / lengths[right];
                }
                else
                {
                    double p = Math.Exp(logProbabilities[i]);
                    double rest = 1 - p + Floor;
                    loss -= Unlikelihood * Math.Log(rest) / wrongTokens;
                    gradient[i] = Unlikelihood * p / rest / wrongTokens;
                }
            }
        }

        double largest = scores.Max();
        double total = scores.Sum(score => Math.Exp(score - largest));
        loss += LengthNormalized * (largest + Math.Log(total) - scores[right]);
        for (int choice = 0, start = 0; choice < lengths.Length; start += lengths[choice++])
        {
            double share = (Math.Exp(scores[choice] - largest) / total) - (choice == right ? 1 : 0);
            for (int i = start; i < start + lengths[choice]; i++)
            {
                gradient[i] += LengthNormalized * share / Math.Pow(lengths[choice], LengthPower);
            }
        }

        return loss;
    }
}
