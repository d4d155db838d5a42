using Hieno.Data;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Tensors;

namespace Hieno.Training;

/// <summary>The batches of each step and the gradients they give: functions of the seed and of the step, so that a resumed run computes the same.</summary>
/// <param name="input">The run.</param>
/// <param name="stepsPerEpoch">Steps of an epoch.</param>
internal sealed class StepGradients(TrainerInput input, long stepsPerEpoch)
{
    private readonly PretrainedModel _model = input.Tuned.Model;
    private int _plannedEpoch = -1;
    private int[][] _batches = [];

    /// <summary>Floating-point operations of all forward passes that were run for a gradient.</summary>
    public long ForwardFlops { get; private set; }

    /// <summary>Floating-point operations of all backward passes.</summary>
    public long BackwardFlops { get; private set; }

    /// <summary>The batches of a step.</summary>
    public Batch[] BatchesOf(long step)
    {
        int epoch = (int)(step / stepsPerEpoch);
        if (epoch != _plannedEpoch)
        {
            (_plannedEpoch, _batches) = (epoch, input.Plan.Epoch(epoch));
        }

        int first = (int)(step % stepsPerEpoch) * input.Options.Accumulation;
        int count = Math.Min(input.Options.Accumulation, _batches.Length - first);
        var rng = new Rng(input.Seed, RngStream.Augmentation);
        var batches = new Batch[count];
        for (int i = 0; i < count; i++)
        {
            Example[] examples = Array.ConvertAll(_batches[first + i], index => input.Train[index]);
            batches[i] = input.Objective.Collate(examples, rng, NumberOf(step, i), epoch);
        }

        return batches;
    }

    /// <summary>The dropout masks of a batch.</summary>
    public DropoutSource DropoutOf(long step, int batch) => new(new Rng(input.Seed, RngStream.Dropout), NumberOf(step, batch));

    /// <summary>Adds the gradient of the mean loss over a step's targets to the weights that learn.</summary>
    /// <param name="step">The step.</param>
    /// <param name="batches">Its batches.</param>
    /// <param name="share">What the gradient is multiplied by.</param>
    /// <param name="complete">Told of each weight whose gradient is complete, see <see cref="Tape.Backward"/>; for steps of a single batch.</param>
    /// <returns>The loss; 0 where there was no target to learn from.</returns>
    public double Accumulate(long step, Batch[] batches, double share = 1, Action<Tensor>? complete = null)
    {
        double weight = batches.Sum(input.Objective.TargetWeight);
        double loss = 0;
        for (int i = 0; i < batches.Length; i++)
        {
            // A batch without a target (in masked language modelling, one in which no token was drawn) has nothing to add.
            loss += input.Objective.TargetWeight(batches[i]) == 0 ? 0 : Accumulate(batches[i], (float)(share / weight), DropoutOf(step, i), complete);
        }

        return loss;
    }

    /// <summary>Adds the mean gradient of several steps to the weights that learn, without taking them: running statistics stay.</summary>
    public void Probe(long[] steps)
    {
        (Tensor Value, float[] Numbers)[] statistics = [.. _model.Buffers().Select(buffer => (buffer.Value, buffer.Value.ToArray()))];
        Array.ForEach(steps, step => Accumulate(step, BatchesOf(step), 1.0 / steps.Length));
        Array.ForEach(statistics, item => item.Value.Backend.CopyFromHost(item.Numbers, item.Value));
    }

    /// <summary>What the operations of the run's first batch with a target cost, those of frozen layers included.</summary>
    /// <param name="totalSteps">Steps of the run.</param>
    public StepCost FirstCost(long totalSteps)
    {
        for (long step = 0; step < totalSteps; step++)
        {
            Batch[] batches = BatchesOf(step);
            int first = Array.FindIndex(batches, batch => input.Objective.TargetWeight(batch) > 0);
            if (first >= 0 || step == totalSteps - 1)
            {
                return CostOf(batches[Math.Max(first, 0)], DropoutOf(step, Math.Max(first, 0)));
            }
        }

        throw new InvalidOperationException("A run without steps costs nothing.");
    }

    private StepCost CostOf(Batch batch, DropoutSource dropout)
    {
        using FrozenCache.Pause pause = FrozenCache.Suspend(_model);
        using Tape trace = Tape.BeginTrace(dropout, Backend, precision: input.Options.Precision);
        input.Objective.Loss(_model, batch, 1f);
        return new StepCost(trace);
    }

    // Masks are a function of the seed and of the batch's number in the run, so that a resumed run draws the same ones.
    private ulong NumberOf(long step, int batch) => ((ulong)step * (ulong)input.Options.Accumulation) + (ulong)batch;

    private double Accumulate(Batch batch, float scale, DropoutSource dropout, Action<Tensor>? complete)
    {
        using Tape tape = Tape.Begin(record: true, dropout, Backend, precision: input.Options.Precision);
        Tensor loss = input.Objective.Loss(_model, batch, scale);
        tape.Backward(loss, onComplete: complete);
        (ForwardFlops, BackwardFlops) = (ForwardFlops + tape.ForwardFlops, BackwardFlops + tape.BackwardFlops);
        return loss.Item();
    }

    private Backend Backend => _model.Backend;
}
