using System.ComponentModel.DataAnnotations;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>Settings of <see cref="AdamW"/>.</summary>
public sealed record AdamWOptions : OptimizerOptions
{
    /// <summary>Share of each weight taken off in a step, times the learning rate; biases and norms are spared. Default 0.01.</summary>
    [Range(0.0, 10.0)]
    public override double WeightDecay { get; init; } = 0.01;

    /// <summary>Decay rate of the mean of the gradients. Default 0.9.</summary>
    [Range(0.0, 0.99999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay rate of the mean of their squares. Default 0.999.</summary>
    [Range(0.0, 0.9999999)]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the second mean. Default 1e-8.</summary>
    [Range(0.0, 1.0)]
    public double Epsilon { get; init; } = 1e-8;

    /// <inheritdoc/>
    public override IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters) => new AdamW(this, parameters);
}

/// <summary>Adam with bias correction and decoupled weight decay.</summary>
/// <remarks>Loshchilov and Hutter 2019, <see href="https://arxiv.org/abs/1711.05101"/>, algorithm 2. Frozen weights have no state, and a weight's first step is its step 1.</remarks>
public sealed class AdamW(AdamWOptions options, IReadOnlyList<OptimizedParameter> parameters) : IOptimizer
{
    private readonly Dictionary<Parameter, Moments> _moments = [];

    /// <inheritdoc/>
    public IEnumerable<(string Name, Tensor Value)> State => parameters
        .Where(item => _moments.ContainsKey(item.Parameter))
        .SelectMany(item =>
        {
            (string name, Moments moments) = (item.Parameter.Name, _moments[item.Parameter]);
            return new[] { ($"{name}.exp_avg", moments.First), ($"{name}.exp_avg_sq", moments.Second), SavedState.CountOf(name, moments.Steps) };
        });

    /// <inheritdoc/>
    public void Step(double learningRate, float gradientScale)
    {
        foreach ((Parameter parameter, double factor, double decay) in parameters)
        {
            if (parameter.Value.Grad is not { } grad)
            {
                continue;
            }

            if (!_moments.TryGetValue(parameter, out Moments? moments))
            {
                _moments[parameter] = moments = new Moments(parameter.Value);
            }

            moments.Steps++;
            Updates.AdamWStep(parameter.Value, grad, moments.First, moments.Second, new AdamWSettings
            {
                LearningRate = learningRate * factor,
                Beta1 = options.Beta1,
                Beta2 = options.Beta2,
                Epsilon = options.Epsilon,
                WeightDecay = decay,
                Step = moments.Steps,
                GradScale = gradientScale,
            });
        }
    }

    /// <inheritdoc/>
    public void Restore(Func<string, Shape, Tensor?> find)
    {
        ArgumentNullException.ThrowIfNull(find);
        _moments.Clear();
        foreach (OptimizedParameter item in parameters)
        {
            if (SavedState.Find(find, item.Parameter.Name, item.Parameter.Value.Shape, "exp_avg", "exp_avg_sq") is { } saved)
            {
                _moments[item.Parameter] = new Moments(saved.Parts[0], saved.Parts[1]) { Steps = saved.Steps };
            }
        }
    }

    private sealed class Moments(Tensor first, Tensor second)
    {
        public Moments(Tensor like)
            : this(Tensor.CreateLongLived(like.Shape, DType.F32, like.Backend), Tensor.CreateLongLived(like.Shape, DType.F32, like.Backend))
        {
        }

        public Tensor First { get; } = first;

        public Tensor Second { get; } = second;

        public int Steps { get; set; }
    }
}
