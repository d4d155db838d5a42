using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Training;

/// <summary>Settings of <see cref="GreenTrainer"/>: under <c>training.greenTrainer</c> of a recipe.</summary>
public sealed record GreenTrainerOptions
{
    /// <summary>
    /// ρ: the share that steps may cost of the floating-point operations, forward and backward, of steps in which everything learns that the
    /// method makes trainable; measuring the importance is paid from it. The forward pass alone is about a third. Default 0.5.
    /// </summary>
    [Range(0.01, 1.0)]
    public double Flops { get; init; } = 0.5;

    /// <summary>Steps after which the weights that learn are chosen anew. Default: an epoch.</summary>
    [Range(1, int.MaxValue)]
    public int? EverySteps { get; init; }

    /// <summary>The weights' importance is measured on the batches of this many of the coming steps. Default 1.</summary>
    [Range(1, 10_000)]
    public int ProbeSteps { get; init; } = 1;
}

/// <summary>Lets those weights learn that lower the loss most within a budget of computation, and chooses them anew every so often.</summary>
/// <remarks>
/// Huang et al. 2023, <see href="https://arxiv.org/abs/2309.13192"/>. What gradients cost is asked of the operations of the run's first batch
/// (<see cref="StepCost"/>). What learns is part of a checkpoint, so that a resumed run goes on bit for bit.
/// </remarks>
internal sealed class GreenTrainer
{
    private const int Units = 1 << 14; // the full backward pass: rounding each cost up to one of these wastes little of the budget

    private readonly long _every;
    private readonly IReadOnlyList<Parameter> _all;
    private readonly Parameter[] _chain; // from the output down
    private readonly int[] _passing;
    private readonly int[] _weights;
    private readonly int _limit; // what a backward pass may cost
    private readonly StepCost _cost;
    private readonly StepFlops _full;

    /// <summary>Prepares the choice.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="parameters">The weights that may learn.</param>
    /// <param name="cost">What a step costs.</param>
    /// <param name="stepsPerEpoch">Steps of an epoch.</param>
    /// <exception cref="TrainingException">Not even the cheapest gradient fits the budget.</exception>
    public GreenTrainer(GreenTrainerOptions options, IReadOnlyList<Parameter> parameters, StepCost cost, long stepsPerEpoch)
    {
        (_every, _all, _cost) = (options.EverySteps ?? stepsPerEpoch, parameters, cost);
        Dictionary<Tensor, Parameter> owners = parameters.ToDictionary(parameter => parameter.Value);
        Tensor[] leaves = [.. cost.Leaves.Where(owners.ContainsKey).Reverse()];
        _chain = Array.ConvertAll(leaves, leaf => owners[leaf]);
        HashSet<Tensor> everything = [.. leaves];
        _full = cost.Of(everything);
        IReadOnlyDictionary<Tensor, long> weights = cost.OfWeights(everything);
        _weights = Array.ConvertAll(leaves, leaf => UnitsOf(weights.GetValueOrDefault(leaf)));
        _passing = Passing(leaves);

        IsEverything = options.Flops >= 1;
        _limit = LimitFor(options.Flops, options.ProbeSteps);
        int least = Cheapest();
        if (!IsEverything && _limit < least)
        {
            int enough = Enumerable.Range(1, 100).First(percent => percent == 100 || LimitFor(percent / 100.0, options.ProbeSteps) >= least);
            throw new TrainingException(
                ErrorCodes.RecipeValueOutOfRange,
                "training.greenTrainer.flops",
                string.Create(CultureInfo.InvariantCulture, $"{options.Flops} of a full step is less than the forward pass ({(double)_full.Forward / _full.Total:0.00}), the probe and the cheapest gradient take"),
                string.Create(CultureInfo.InvariantCulture, $"Give {enough / 100.0} or more, or choose less often by 'everySteps'"));
        }
    }

    /// <summary>The names of the weights that learn at present, or null before the first choice.</summary>
    public IReadOnlyList<string>? Chosen { get; private set; }

    /// <summary>True where the budget is that of a full step, so that nothing has to be chosen.</summary>
    private bool IsEverything { get; }

    /// <summary>Lets the weights learn that a checkpoint names.</summary>
    public void Restore(IReadOnlyList<string>? chosen)
    {
        if (chosen is not null)
        {
            LetLearn([.. chosen]);
        }
    }

    /// <summary>Chooses where it is time to.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="measure">Measures the importance of weights, which learn while it does.</param>
    /// <returns>What to tell the user, or null where nothing was chosen.</returns>
    public string? Turn(long step, Func<IReadOnlyList<Parameter>, double[]> measure)
    {
        if (step % _every != 0)
        {
            return null;
        }

        if (IsEverything)
        {
            LetLearn([.. _chain.Select(parameter => parameter.Name)]);
            return null;
        }

        int affordable = Affordable(_limit);
        LetLearn([.. _chain.Take(affordable).Select(parameter => parameter.Name)]);
        double[] importance = measure([.. _chain.Take(affordable)]);
        bool[] chosen = Fitting(importance);
        string? note = null;
        if (!chosen.Contains(true))
        {
            Array.Fill(importance, 1);
            chosen = Fitting(importance);
            note = "; no update within the budget lowered the loss of the probe, so all counted alike";
        }

        LetLearn([.. _chain.Take(affordable).Where((_, i) => chosen[i]).Select(parameter => parameter.Name)]);
        return Describe(step) + note;
    }

    // Costs that depend on what else learns may add up to a little more than the table says: then the table is given less to spend.
    private bool[] Fitting(double[] importance)
    {
        int count = importance.Length;
        int limit = _limit;
        while (true)
        {
            bool[] chosen = BackwardKnapsack.Choose(_passing.AsSpan(0, count), _weights.AsSpan(0, count), importance, limit);
            HashSet<Tensor> learning = [.. _chain.Take(count).Where((_, i) => chosen[i]).Select(parameter => parameter.Value)];
            int excess = UnitsOf(_cost.Of(learning).Backward) - _limit;
            if (excess <= 0)
            {
                return chosen;
            }

            limit = Math.Max(limit - excess, Cheapest()); // at which a single weight is chosen, whose cost is exact
        }
    }

    private string Describe(long step)
    {
        Parameter[] learning = [.. _chain.Where(parameter => parameter.Trainable)];
        StepFlops flops = _cost.Of(learning.Select(parameter => parameter.Value).ToHashSet());
        return string.Create(
            CultureInfo.InvariantCulture,
            $"from step {step + 1} on {learning.Length} of {_all.Count} tensors learn, {learning.Sum(parameter => parameter.Count):N0} weights; a step costs {100.0 * flops.Total / _full.Total:0.0} % of a full one");
    }

    private void LetLearn(HashSet<string> names)
    {
        foreach (Parameter parameter in _all)
        {
            parameter.Trainable = names.Contains(parameter.Name);
        }

        Chosen = [.. _chain.Where(parameter => parameter.Trainable).Select(parameter => parameter.Name)];
    }

    // What it costs to pass gradients down to each weight: if all above learn, or none, whichever is more. Within a block more gradients
    // are passed the more of it learns; a low-rank update, though, shares a product with its A where that learns.
    private int[] Passing(Tensor[] leaves)
    {
        int[] passing = new int[leaves.Length];
        var above = new HashSet<Tensor>();
        int before = 0;
        for (int i = 0; i < leaves.Length; i++)
        {
            above.Add(leaves[i]);
            int passed = Math.Max(before, Math.Max(Passed(above), Passed([leaves[i]])));
            (passing[i], before) = (passed - before, passed);
        }

        return passing;

        int Passed(HashSet<Tensor> learning)
        {
            StepFlops flops = _cost.Of(learning);
            return UnitsOf(flops.Passed + flops.Recomputed);
        }
    }

    // The forward pass is always run whole, and each choice takes two passes a probe; the rest is for the backward pass.
    private int LimitFor(double share, int probeSteps)
    {
        double backward = (share * _full.Total) - _full.Forward;
        HashSet<Tensor> reached = [.. _chain.Take(Affordable(LimitOf(backward))).Select(parameter => parameter.Value)];
        return LimitOf(backward - (2.0 * probeSteps * _cost.Of(reached).Total / _every));
    }

    private int LimitOf(double backward) => (int)Math.Floor(Math.Max(0, backward) / _full.Backward * Units);

    private int UnitsOf(long flops) => (int)Math.Ceiling((double)flops / _full.Backward * Units);

    private int Cheapest()
    {
        (int passed, int least) = (0, int.MaxValue);
        for (int i = 0; i < _chain.Length; i++)
        {
            passed += _passing[i];
            least = Math.Min(least, passed + _weights[i]);
        }

        return least;
    }

    // Weights below a depth that the budget does not even reach need not be measured.
    private int Affordable(int limit)
    {
        int passed = 0;
        int count = 0;
        while (count < _chain.Length && (passed += _passing[count]) <= limit)
        {
            count++;
        }

        return count;
    }
}
