using Hieno.Models;

namespace Hieno.Optimizers;

/// <summary>A weight that is trained, with what applies to it alone.</summary>
/// <param name="Parameter">The weight.</param>
/// <param name="LearningRateFactor">Its share of the learning rate.</param>
/// <param name="WeightDecay">Its weight decay λ.</param>
public sealed record OptimizedParameter(Parameter Parameter, double LearningRateFactor, double WeightDecay)
{
    /// <summary>Gives each weight its factor and decay.</summary>
    /// <param name="parameters">The weights that are trained; each may have a factor of its own.</param>
    /// <param name="blocks">Number of blocks L of the model.</param>
    /// <param name="weightDecay">Decay of matrices; vectors (biases, norms) are spared.</param>
    /// <param name="layerDecay">d: a weight at depth i learns d^(L + 1 − i) times as fast, so the head at full rate.</param>
    /// <param name="headFactor">Factor of the output layer.</param>
    /// <param name="rates">Factors of weights by name; all that match are multiplied. Null: none.</param>
    /// <remarks>Layer-wise decay: Clark et al. 2020, <see href="https://arxiv.org/abs/2003.10555"/>, appendix A; head factor: Zhang et al., "Dive into Deep Learning", section 14.2.</remarks>
    public static IReadOnlyList<OptimizedParameter> Create(IEnumerable<Parameter> parameters, int blocks, double weightDecay, double layerDecay = 1, double headFactor = 1, IReadOnlyList<RateRule>? rates = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return [.. parameters.Select(parameter => new OptimizedParameter(
            parameter,
            parameter.LearningRateFactor * Math.Pow(layerDecay, blocks + 1 - parameter.Depth) * (parameter.Kind == ParameterKind.Head ? headFactor : 1) * FactorOf(parameter, rates ?? []),
            parameter.Value.Shape.Rank > 1 ? weightDecay : 0))];
    }

    private static double FactorOf(Parameter parameter, IReadOnlyList<RateRule> rates) =>
        rates.Where(rule => rule.Matches(parameter.Name)).Aggregate(1.0, (product, rule) => product * rule.Factor);
}
