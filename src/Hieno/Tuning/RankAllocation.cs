using System.Globalization;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>
/// Shares a falling budget of ranks out among the layers of an AdaLoRA adapter, by how much the loss depends on each triplet, and keeps the
/// factors orthogonal.
/// </summary>
/// <remarks>
/// Zhang et al. 2023, <see href="https://arxiv.org/abs/2303.10512"/>: the penalty after equation 4 (its norm is not squared here, as in the
/// authors' own code and PEFT), the importance of equations 8 to 10, the budget of equation 12. Where two triplets are equally important, the one of
/// the lower layer stays: the paper does not say.
/// </remarks>
internal sealed class RankAllocation(Adapter adapter, AdaLoRAOptions options) : StepRule
{
    private readonly AdaLoRAUpdate[] _updates = [.. adapter.Parts.OfType<AdaLoRAUpdate>()];
    private readonly Dictionary<Parameter, (Tensor Sensitivity, Tensor Uncertainty)> _importance = [];

    /// <summary>Optimizer steps of the run, or null before it begins.</summary>
    public long? TotalSteps { get; private set; }

    /// <inheritdoc/>
    public override void Begin(long totalSteps)
    {
        if ((long)options.WarmupSteps + options.FinalSteps >= totalSteps)
        {
            throw new TuningException(
                ErrorCodes.RecipeValueOutOfRange, "tuning.warmupSteps",
                string.Create(CultureInfo.InvariantCulture, $"{options.WarmupSteps} steps before the ranks fall and {options.FinalSteps} after it leave none of the run's {totalSteps}"),
                "Lower 'tuning.warmupSteps' or 'tuning.finalSteps', or train longer");
        }

        TotalSteps = totalSteps;
    }

    /// <summary>Triplets that may be left after <paramref name="step"/> steps, over all layers.</summary>
    public long BudgetAt(long step)
    {
        (long first, long last) = (_updates.Sum(update => (long)update.Rank), (long)options.TargetRank * _updates.Length);
        long end = TotalSteps!.Value - options.FinalSteps;
        double left = Math.Clamp(1 - ((double)(step - options.WarmupSteps) / (end - options.WarmupSteps)), 0, 1);
        return (long)((first - last) * (left * left * left)) + last;
    }

    /// <inheritdoc/>
    public override double AddGradient()
    {
        double penalty = 0;
        double share = options.Orthogonality / (2 * _updates.Length);
        foreach (AdaLoRAUpdate update in _updates.Where(update => update.Rank > 0))
        {
            using Tape tape = Tape.Begin(record: false, backend: update.A.Value.Backend);
            Tensor columns = Ops.Transpose(update.B);
            penalty += share * AddDistance(update.A, update.A, share, gram => Ops.Linear(gram, update.A, transposed: true));
            penalty += share * AddDistance(columns, update.B, share, gram => Ops.Linear(update.B, gram));
        }

        return penalty;
    }

    /// <inheritdoc/>
    public override void AfterStep(long step, float gradientScale)
    {
        long end = TotalSteps!.Value - options.FinalSteps;
        if (step < end)
        {
            foreach (Parameter parameter in _updates.SelectMany(update => update.Parameters))
            {
                Watch(parameter, gradientScale);
            }
        }

        if (step == end || (step > options.WarmupSteps && step < end && step % options.Interval == 0))
        {
            ShareOut(BudgetAt(step));
        }

        if (step >= end)
        {
            _importance.Clear();
            foreach (AdaLoRAUpdate update in _updates)
            {
                ZeroWhatIsGone(update);
            }
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Tensor Value)> State
    {
        get
        {
            foreach ((Parameter parameter, (Tensor sensitivity, Tensor uncertainty)) in _importance)
            {
                yield return ($"{parameter.Name}.sensitivity", sensitivity);
                yield return ($"{parameter.Name}.uncertainty", uncertainty);
            }

            foreach (AdaLoRAUpdate update in _updates)
            {
                if (update.Kept is { } kept)
                {
                    Tensor tensor = Tensor.CreateLongLived([update.Rank]);
                    tensor.Backend.CopyFromHost([.. kept.Select(stays => stays ? 1f : 0f)], tensor);
                    yield return ($"{update.E.Name}.kept", tensor);
                }
            }
        }
    }

    /// <inheritdoc/>
    public override void Restore(Func<string, Shape, Tensor?> find)
    {
        ArgumentNullException.ThrowIfNull(find);
        _importance.Clear();
        foreach (Parameter parameter in _updates.SelectMany(update => update.Parameters))
        {
            if (find($"{parameter.Name}.sensitivity", parameter.Value.Shape) is { } sensitivity && find($"{parameter.Name}.uncertainty", parameter.Value.Shape) is { } uncertainty)
            {
                _importance.Add(parameter, (sensitivity, uncertainty));
            }
        }

        foreach (AdaLoRAUpdate update in _updates)
        {
            update.Kept = find($"{update.E.Name}.kept", [update.Rank])?.ToArray().Select(stays => stays != 0).ToArray();
        }
    }

    // ‖MMᵀ − I‖ in the Frobenius norm, for M [r, …] = A or Bᵀ; its gradient 2(MMᵀ − I)M / ‖MMᵀ − I‖ is added to that of the weight.
    private static double AddDistance(Tensor m, Parameter weight, double share, Func<Tensor, Tensor> product)
    {
        Tensor gram = Ops.Linear(m, m);
        float[] distance = gram.ToArray();
        for (int k = 0; k < m.Rows; k++)
        {
            distance[(k * m.Rows) + k] -= 1;
        }

        double norm = Math.Sqrt(distance.Sum(value => (double)value * value));
        if (norm > 0 && weight.Value.Grad is { } grad)
        {
            gram.Backend.CopyFromHost(distance, gram);
            gram.Backend.Scale(product(gram), (float)(2 * share / norm), grad, add: true);
        }

        return norm;
    }

    // I = |w · ∂L/∂w|; Ī and Ū are running means of it and of its distance from them, from zero and uncorrected.
    private void Watch(Parameter parameter, float gradientScale)
    {
        if (parameter.Value.Grad is not { } grad)
        {
            return; // it is not learning yet
        }

        if (!_importance.TryGetValue(parameter, out (Tensor Sensitivity, Tensor Uncertainty) known))
        {
            known = (Tensor.CreateLongLived(parameter.Value.Shape), Tensor.CreateLongLived(parameter.Value.Shape));
            _importance.Add(parameter, known);
        }

        (float beta1, float beta2) = ((float)options.Beta1, (float)options.Beta2);
        (float[] w, float[] g) = (parameter.Value.ToArray(), grad.ToArray());
        (float[] sensitivity, float[] uncertainty) = (known.Sensitivity.ToArray(), known.Uncertainty.ToArray());
        for (int i = 0; i < w.Length; i++)
        {
            float importance = Math.Abs(w[i] * (g[i] * gradientScale));
            sensitivity[i] = (beta1 * sensitivity[i]) + ((1 - beta1) * importance);
            uncertainty[i] = (beta2 * uncertainty[i]) + ((1 - beta2) * Math.Abs(importance - sensitivity[i]));
        }

        known.Sensitivity.Backend.CopyFromHost(sensitivity, known.Sensitivity);
        known.Uncertainty.Backend.CopyFromHost(uncertainty, known.Uncertainty);
    }

    private void ShareOut(long budget)
    {
        (int Update, int Triplet, double Score)[] triplets = [.. _updates.SelectMany((update, index) => ScoresOf(update).Select((score, k) => (index, k, score)))];
        var kept = triplets.OrderByDescending(triplet => triplet.Score).Take(checked((int)budget)).Select(triplet => (triplet.Update, triplet.Triplet)).ToHashSet(); // a stable sort
        for (int i = 0; i < _updates.Length; i++)
        {
            int index = i;
            _updates[i].Kept = [.. Enumerable.Range(0, _updates[i].Rank).Select(k => kept.Contains((index, k)))];
            ZeroWhatIsGone(_updates[i]);
        }
    }

    // S_k = s(E_k) + the mean of s over row k of A + that over column k of B, with s = Ī · Ū.
    private double[] ScoresOf(AdaLoRAUpdate update)
    {
        int rank = update.Rank;
        double[] scores = new double[rank];
        double[] a = ElementScores(update.A);
        double[] e = ElementScores(update.E);
        double[] b = ElementScores(update.B);
        (int inputs, int outputs) = (update.Layer.In, update.Layer.Out);
        for (int k = 0; k < rank; k++)
        {
            scores[k] = e[k] + (a.AsSpan(k * inputs, inputs).ToArray().Sum() / inputs);
            for (int o = 0; o < outputs; o++)
            {
                scores[k] += b[(o * rank) + k] / outputs;
            }
        }

        return scores;
    }

    private double[] ElementScores(Parameter parameter) => _importance.TryGetValue(parameter, out (Tensor Sensitivity, Tensor Uncertainty) known)
        ? [.. known.Sensitivity.ToArray().Zip(known.Uncertainty.ToArray(), (mean, deviation) => (double)mean * deviation)]
        : new double[parameter.Count];

    private static void ZeroWhatIsGone(AdaLoRAUpdate update)
    {
        if (update.Kept is { } kept)
        {
            float[] values = [.. update.E.Value.ToArray().Select((value, k) => kept[k] ? value : 0)];
            update.E.Value.Backend.CopyFromHost(values, update.E.Value);
        }
    }
}
