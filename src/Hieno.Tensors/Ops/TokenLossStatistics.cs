namespace Hieno.Tensors;

/// <summary>What <see cref="Ops.LinearCrossEntropy"/> saw, added up over as many calls as are wanted; not affected by weights or scale.</summary>
public sealed class TokenLossStatistics
{
    /// <summary>Sum of −log p(label) in nats over all target tokens.</summary>
    public double NegativeLogLikelihood { get; private set; }

    /// <summary>Number of target tokens: rows whose label is not −100.</summary>
    public long Tokens { get; private set; }

    /// <summary>Target tokens whose label had the largest logit; where several are largest, the first counts.</summary>
    public long Correct { get; private set; }

    /// <summary>Mean −log p(label) in nats; NaN where there was no token.</summary>
    public double MeanLoss => NegativeLogLikelihood / Tokens;

    /// <summary>e to the mean loss.</summary>
    public double Perplexity => Math.Exp(MeanLoss);

    /// <summary>Share of correct predictions, 0 to 1; NaN where there was no token.</summary>
    public double Accuracy => (double)Correct / Tokens;

    /// <summary>Adds one row.</summary>
    internal void Add(double negativeLogLikelihood, bool correct)
    {
        NegativeLogLikelihood += negativeLogLikelihood;
        Tokens++;
        Correct += correct ? 1 : 0;
    }
}
