using System.ComponentModel.DataAnnotations;
using Hieno.Models;
using Hieno.Recipes;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>Settings of <see cref="GaLore"/>.</summary>
public sealed record GaLoreOptions : OptimizerOptions, IValidated
{
    /// <summary>Share of each weight taken off in a step, times the learning rate; biases and norms are spared. Default 0.01.</summary>
    [Range(0.0, 10.0)]
    public override double WeightDecay { get; init; } = 0.01;

    /// <summary>r: directions in which the gradient of a matrix is kept. Default 128. Matrices with a shorter side of at most r are stepped whole.</summary>
    [Range(1, 1_000_000)]
    public int Rank { get; init; } = 128;

    /// <summary>T: steps after which the directions are found anew. Default 200.</summary>
    [Range(1, int.MaxValue)]
    public int Every { get; init; } = 200;

    /// <summary>α: what steps of projected matrices are multiplied by. Default 0.25.</summary>
    [Range(0.0, 1e6)]
    public double Scale { get; init; } = 0.25;

    /// <summary>The optimizer in the subspace, and of all other weights. Default adamw.</summary>
    public OptimizerOptions Inner { get; init; } = new AdamWOptions();

    /// <summary>The inner optimizer's.</summary>
    public override double DefaultLearningRate(double ofAdamW) => Inner.DefaultLearningRate(ofAdamW);

    /// <inheritdoc/>
    public override IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters) => new GaLore(this, parameters);

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (Inner is GaLoreOptions or AsgdOptions or AdafactorOptions { ScaleParameter: true })
        {
            yield return "'inner' needs the weights themselves, which the subspace does not show. Choose adamw, adamw-8bit, lion, sgd, or adafactor with 'scaleParameter: false'";
        }
        else if (Inner.WeightDecay != ((OptimizerOptions)Activator.CreateInstance(Inner.GetType())!).WeightDecay)
        {
            yield return "'inner' has a weight decay of its own, which would be applied in the subspace. Set 'weightDecay' beside 'inner'";
        }
    }
}

/// <summary>Projects the gradients of matrices on a few directions, steps in that subspace, and turns the step back: optimizer state of the subspace's size.</summary>
/// <remarks>
/// Zhao et al. 2024, <see href="https://arxiv.org/abs/2403.03507"/>, algorithm 2: of a gradient with at most as many rows as columns the rows are projected,
/// else the columns. Matrices of attention and feed-forward layers are projected; tables, head and vectors are not. When directions change, the inner optimizer's means are kept
/// as they are, as in the official implementation. Weight decay acts on the whole weight.
/// </remarks>
public sealed class GaLore : IOptimizer
{
    private readonly GaLoreOptions _options;
    private readonly IOptimizer _whole;
    private readonly IReadOnlyList<Projected> _projected;

    /// <summary>Over these weights.</summary>
    public GaLore(GaLoreOptions options, IReadOnlyList<OptimizedParameter> parameters)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(parameters);
        _options = options;
        ILookup<bool, OptimizedParameter> byProjection = parameters.ToLookup(IsProjected);
        _whole = options.Inner.Create([.. byProjection[false]]);
        _projected = [.. byProjection[true].Select(item => new Projected(item, options))];
    }

    /// <inheritdoc/>
    public IEnumerable<(string Name, Tensor Value)> State => _whole.State.Concat(_projected.SelectMany(item => item.State));

    /// <inheritdoc/>
    public void Step(double learningRate, float gradientScale)
    {
        _whole.Step(learningRate, gradientScale);
        foreach (Projected item in _projected)
        {
            item.Step(learningRate, gradientScale);
        }
    }

    /// <inheritdoc/>
    public void Restore(StateSource find)
    {
        _whole.Restore(find);
        foreach (Projected item in _projected)
        {
            item.Restore(find);
        }
    }

    /// <inheritdoc/>
    public void Forget(Parameter parameter)
    {
        _whole.Forget(parameter);
        foreach (Projected item in _projected.Where(item => item.Parameter == parameter))
        {
            item.Forget();
        }
    }

    private bool IsProjected(OptimizedParameter item) =>
        item.Parameter is { Kind: ParameterKind.Attention or ParameterKind.FeedForward, Value.Shape.Rank: 2 } parameter
        && Math.Min(parameter.Value.Rows, parameter.Value.Columns) > _options.Rank;

    /// <summary>A matrix that is stepped in a subspace of its shorter side.</summary>
    private sealed class Projected
    {
        private readonly OptimizedParameter _item;
        private readonly GaLoreOptions _options;
        private readonly bool _isWide;
        private readonly StatePart[] _parts;
        private readonly Parameter _inSubspace; // stands for the step: 0 before it, the change afterwards
        private readonly IOptimizer _inner;
        private Tensor? _directions; // [rank, shorter side]
        private int _steps;

        public Projected(OptimizedParameter item, GaLoreOptions options)
        {
            Tensor weight = item.Parameter.Value;
            (_item, _options, _isWide) = (item, options, weight.Rows <= weight.Columns);
            _parts = [new StatePart("projector", [options.Rank, _isWide ? weight.Rows : weight.Columns])];
            Shape shape = _isWide ? [options.Rank, weight.Columns] : [weight.Rows, options.Rank];
            _inSubspace = new Parameter(item.Parameter.Name, Tensor.CreateLongLived(shape, DType.F32, weight.Backend), item.Parameter.Kind, item.Parameter.Depth);
            _inner = options.Inner.Create([new OptimizedParameter(_inSubspace, item.LearningRateFactor, WeightDecay: 0)]);
        }

        public Parameter Parameter => _item.Parameter;

        public IEnumerable<(string Name, Tensor Value)> State =>
            _directions is null ? [] : [.. _inner.State, ($"{NameOfOwn}.{_parts[0].Name}", _directions), SavedState.CountOf(NameOfOwn, _steps)];

        private string NameOfOwn => $"{Parameter.Name}.galore";

        public void Step(double learningRate, float gradientScale)
        {
            Tensor weight = Parameter.Value;
            if (weight.Grad is not { } grad)
            {
                return;
            }

            if (_directions is null || _steps % _options.Every == 0)
            {
                _directions = GradientSubspace.Of(grad, _options.Rank);
            }

            _steps++;
            Backend backend = weight.Backend;
            using Tape tape = Tape.Begin(record: false, backend: backend); // its memory is for this step only
            Shape shape = _inSubspace.Value.Shape;
            (Tensor projected, Tensor change) = (Tensor.Create(shape, backend), Tensor.Create(shape, backend));
            backend.MatMul(_isWide ? _directions : grad, false, _isWide ? grad : _directions, !_isWide, null, projected, add: false);
            backend.Fill(change, 0);
            change.TakeGrad(projected);
            _inSubspace.Replace(change);
            _inner.Step(learningRate, gradientScale);
            change.ClearGrad();

            Updates.ScaleInPlace(change, (float)_options.Scale);
            Updates.ScaleInPlace(weight, (float)(1 - (learningRate * _item.LearningRateFactor * _item.WeightDecay)));
            backend.MatMul(_isWide ? _directions : change, _isWide, _isWide ? change : _directions, false, null, weight, add: true);
        }

        public void Restore(StateSource find)
        {
            SavedState? saved = SavedState.Find(find, NameOfOwn, _parts);
            (_directions, _steps) = (saved?.Parts[0], saved?.Steps ?? 0);
            _inner.Restore(find);
        }

        public void Forget()
        {
            (_directions, _steps) = (null, 0);
            _inner.Forget(_inSubspace);
        }
    }
}
