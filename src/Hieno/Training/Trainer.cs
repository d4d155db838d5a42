using System.Globalization;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Objectives;
using Hieno.Optimizers;
using Hieno.Schedules;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Training;

/// <summary>What a <see cref="Trainer"/> works on.</summary>
internal sealed record TrainerInput
{
    public required TunedModel Tuned { get; init; }

    public required IObjective Objective { get; init; }

    public required IReadOnlyList<Example> Train { get; init; }

    public required IReadOnlyList<Example> Validation { get; init; }

    public required TrainingOptions Options { get; init; }

    public required double LearningRate { get; init; }

    public required IReadOnlyList<IMetric> Metrics { get; init; }

    /// <summary>The metric that decides which weights are best, or null where none is watched.</summary>
    public required IMetric? Watched { get; init; }

    /// <summary>Which training rows go together, and in what order.</summary>
    public required BatchPlan Plan { get; init; }

    public required ulong Seed { get; init; }

    public required string RunFolder { get; init; }

    public required TimeProvider Clock { get; init; }

    public required RunEvents Events { get; init; }
}

/// <summary>The loop: step, evaluate, save, stop. Everything that varies is an object it calls.</summary>
internal sealed class Trainer : IDisposable
{
    private readonly TrainerInput _input;
    private readonly TrainingOptions _options;
    private readonly PretrainedModel _model;
    private readonly IOptimizer _optimizer;
    private readonly ISchedule _schedule;
    private readonly Checkpoints _checkpoints;
    private readonly NonFinite _nonFinite;
    private readonly FrozenCache? _frozen;
    private readonly GradualUnfreezing? _unfreezing;
    private readonly Lisa? _lisa;
    private readonly PullToStart? _pull;
    private readonly StepRule? _rule;
    private readonly StepGradients _gradients;
    private readonly GreenTrainer? _green;
    private readonly StepInBackward? _early;
    private readonly IReadOnlyList<OptimizedParameter> _optimized;
    private readonly long _stepsPerEpoch;
    private readonly Stopwatch _watch;
    private TrainingState _state;

    /// <summary>Makes ready to train; writes nothing.</summary>
    /// <exception cref="TrainingException">The schedule does not fit the run, or a weight of the base model is not finite.</exception>
    public Trainer(TrainerInput input, string fingerprint)
    {
        (_input, _options, _model) = (input, input.Options, input.Tuned.Model);
        _nonFinite = new NonFinite(input.Tuned, input.Objective, _options.Precision);
        _nonFinite.ThrowIfWeightsAre(step: 0);
        _stepsPerEpoch = (input.Plan.BatchesPerEpoch + _options.Accumulation - 1) / _options.Accumulation;
        TotalSteps = Math.Min(_options.MaxSteps ?? long.MaxValue, _stepsPerEpoch * _options.Epochs);
        long warmup = _options.WarmupSteps ?? (long)Math.Ceiling(TotalSteps * _options.WarmupRatio);
        _schedule = CreateSchedule(new ScheduleContext(TotalSteps, warmup, input.LearningRate) { HigherIsBetter = input.Watched?.HigherIsBetter ?? false });
        _optimized = OptimizedParameter.Create(
            input.Tuned.Trainable, _model.Blocks.Count, _options.Optimizer.WeightDecay, _options.LayerDecay, _options.HeadFactor, Rates());
        _optimizer = _options.Optimizer.Create(_optimized);
        _unfreezing = _options.Unfreeze is { } unfreeze ? new GradualUnfreezing(unfreeze, input.Tuned.Trainable, _stepsPerEpoch) : null;
        _lisa = _options.Lisa is { } lisa ? new Lisa(lisa, input.Tuned.Trainable, _model.Blocks.Count, _optimizer, input.Seed) : null;
        _pull = _options.PullToStart is { } pull ? new PullToStart(pull, input.Tuned, _optimized.ToDictionary(item => item.Parameter, item => item.LearningRateFactor)) : null;
        _rule = input.Tuned.StepRule;
        _rule?.Begin(TotalSteps);
        _checkpoints = new Checkpoints(input.RunFolder, input.Tuned, _optimizer, _options.KeepCheckpoints);
        _state = new TrainingState { Fingerprint = fingerprint };
        _watch = new Stopwatch(input.Clock);
        (_model.GradientCheckpointing, _model.CheckpointSpan) = (_options.GradientCheckpointing, _options.CheckpointSpan ?? 1);
        _gradients = new StepGradients(input, _stepsPerEpoch);
        _green = _options.GreenTrainer is not { } green ? null
            : _rule is not null ? throw new TrainingException(ErrorCodes.RecipeSettingsConflict, "training.greenTrainer", "the method itself chooses from step to step what learns, by gradients that would be missing", "Leave it out, or take another method")
            : new GreenTrainer(green, input.Tuned.Trainable, _gradients.FirstCost(TotalSteps), _stepsPerEpoch);
        _early = StepInBackward.Create(_options, input.Tuned, _optimizer, _optimized);
        _frozen = FrozenCache.Create(input.Tuned, input.Objective, _options, input.RunFolder);
    }

    /// <summary>Optimizer steps of the whole run.</summary>
    public long TotalSteps { get; }

    /// <summary>The model that is trained.</summary>
    public TunedModel Tuned => _input.Tuned;

    /// <summary>Metrics of the base model on the test rows, measured before the first step.</summary>
    public IReadOnlyDictionary<string, double> Before => _state.Before;

    /// <summary>Steps done.</summary>
    public long Step => _state.Step;

    /// <summary>Floating-point operations of all steps, forward and backward, over all sittings.</summary>
    public (long Forward, long Backward) Flops => (_state.ForwardFlops + _gradients.ForwardFlops, _state.BackwardFlops + _gradients.BackwardFlops);

    /// <summary>Time spent training, over all sittings, in seconds.</summary>
    public double Seconds => _state.Seconds + _watch.Seconds;

    /// <summary>What the optimizer remembers, in bytes.</summary>
    public long OptimizerBytes => _optimizer.State.Sum(item => item.Value.Count * item.Value.DType.Size());

    /// <summary>Continues from the newest complete checkpoint, if there is one.</summary>
    /// <exception cref="TrainingException">The checkpoint belongs to another recipe or other data.</exception>
    public bool Resume()
    {
        TrainingState? saved = _checkpoints.Restore(_state.Fingerprint, _input.Events.Say);
        if (saved is null)
        {
            return false;
        }

        _state = saved;
        if (_schedule is PlateauSchedule plateau && saved.Plateau is { } remembered)
        {
            plateau.State = remembered;
        }

        _green?.Restore(saved.Learning);
        return true;
    }

    /// <summary>Remembers how the base model did on the test rows.</summary>
    public void SetBefore(IReadOnlyDictionary<string, double> metrics) => _state = _state with { Before = metrics };

    /// <summary>Forgets what frozen layers computed.</summary>
    public void Dispose() => _frozen?.Dispose();

    /// <summary>Trains to the end, to an early stop, or to a cancellation, which takes effect after the step at hand.</summary>
    public RunOutcome Run(CancellationToken cancellation)
    {
        _input.Events.Emit(new RunStarted(_input.Tuned.TrainableCount, _input.Tuned.TotalCount, _input.Train.Count, TotalSteps, _state.Step));
        if (_frozen is not null)
        {
            _input.Events.Say(_frozen.Announcement());
        }

        RunOutcome outcome = RunSteps(cancellation);
        if (_frozen is not null)
        {
            _input.Events.Say(_frozen.Summary());
        }

        return outcome;
    }

    private RunOutcome RunSteps(CancellationToken cancellation)
    {
        if (_state.Step == 0)
        {
            Save(); // so that a run can be resumed from any moment on
        }

        long tokens = 0;
        double sinceStart = _watch.Seconds;
        while (_state.Step < TotalSteps)
        {
            if (IsStopping())
            {
                return RunOutcome.StoppedEarly;
            }

            if (cancellation.IsCancellationRequested)
            {
                Save();
                return RunOutcome.Cancelled;
            }

            StepCompleted done = TrainStep();
            tokens += done.Tokens;
            double seconds = Math.Max(1e-9, _watch.Seconds - sinceStart);
            _input.Events.Emit(done with { TokensPerSecond = tokens / seconds, SecondsLeft = SecondsLeft(seconds, tokens, done.Tokens) });

            bool last = _state.Step == TotalSteps;
            if (_input.Validation.Count > 0 && (last || _state.Step % (_options.EvaluateEvery ?? _stepsPerEpoch) == 0))
            {
                double before = _watch.Seconds;
                EvaluateAndCompare();
                sinceStart += _watch.Seconds - before; // evaluating is not training: it must not lower the tokens per second
            }

            if (last || _state.Step % (_options.CheckpointEvery ?? _stepsPerEpoch) == 0)
            {
                Save();
            }
        }

        return RunOutcome.Completed;
    }

    /// <summary>Goes back to the best weights, where a metric was watched for that.</summary>
    /// <exception cref="TrainingException">The weights to end with are not finite, or the best ones are gone or damaged.</exception>
    public void TakeBest()
    {
        _optimizer.ExchangeAverages(); // the result of a method that averages; checkpoints hold the weights it goes on from
        if (_options.EarlyStopping is not null && _state.BestValue is not null && _state.BestStep != _state.Step)
        {
            _checkpoints.RestoreBest(_state.BestStep);
            _input.Events.Say($"went back to the weights of step {_state.BestStep}, the best on the validation rows");
        }

        _nonFinite.ThrowIfWeightsAre(_state.Step);
    }

    /// <summary>Measures the model on examples, in order, without dropout.</summary>
    /// <exception cref="TrainingException">An output is not a finite number.</exception>
    public Evaluation Evaluate(IReadOnlyList<Example> examples)
    {
        // The passes of the evaluation open tapes of their own, which compute as the one around them.
        using Tape around = Tape.Begin(record: false, backend: Backend, precision: _options.Precision);
        try
        {
            return Evaluation.Run(_model, _input.Objective, examples, _input.Metrics, _options.BatchSize, _input.Seed);
        }
        catch (MetricException e) when (e.Code == ErrorCodes.MetricNotFinite)
        {
            IEnumerable<Batch> batches = Evaluation.Batches(_input.Objective, examples, _options.BatchSize, _input.Seed);
            throw (Exception?)_nonFinite.InEvaluation(batches, _state.Step) ?? e;
        }
    }

    private StepCompleted TrainStep()
    {
        long step = _state.Step;
        Batch[] batches = _gradients.BatchesOf(step);
        if (batches.Sum(_input.Objective.TargetWeight) == 0)
        {
            _input.Events.Say($"step {step + 1} had no target to learn from; it changed nothing");
        }

        if ((_unfreezing?.Turn(step) ?? _lisa?.Turn(step) ?? _green?.Turn(step, ImportanceOf)) is { } turn)
        {
            _input.Events.Say(turn);
        }

        double rate = _input.LearningRate * _schedule.Factor(step);
        _early?.Begin(rate);
        double loss = _gradients.Accumulate(step, batches, complete: _early is null ? null : _early.Take);
        loss += _pull?.AddGradient() ?? 0;
        loss += _rule?.AddGradient() ?? 0;
        foreach (ElementMask mask in _input.Tuned.Masks)
        {
            mask.MaskGradient();
        }

        double norm = _early?.Norm ?? GradientClipping.Norm(_input.Tuned.Trainable);
        if (!double.IsFinite(loss) || !double.IsFinite(norm))
        {
            throw _nonFinite.InStep(batches.Select((batch, i) => (batch, (DropoutSource?)_gradients.DropoutOf(step, i))), step, loss, norm);
        }

        float scale = GradientClipping.Scale(norm, _options.ClipNorm);
        _optimizer.Step(rate, scale);
        _pull?.Decay(rate);
        _rule?.AfterStep(step + 1, scale);
        foreach (ElementMask mask in _input.Tuned.Masks)
        {
            mask.RestoreValues();
        }

        foreach (Parameter parameter in _input.Tuned.Trainable)
        {
            parameter.Value.ClearGrad(); // the next forward pass needs the memory, as do evaluations and checkpoints until then
        }

        _state = _state with { Step = step + 1 };
        long tokens = batches.Sum(batch => (long)batch.Positions);
        return new StepCompleted(step + 1, TotalSteps, (double)(step + 1) / _stepsPerEpoch, loss, rate, norm, tokens, 0, 0, Backend.Pool.PeakBytes) { Unit = _model is TextModel ? null : "pictures" };
    }

    private double[] ImportanceOf(IReadOnlyList<Parameter> parameters)
    {
        long[] steps = [.. Enumerable.Range(0, _options.GreenTrainer!.ProbeSteps).Select(i => _state.Step + i).Where(step => step < TotalSteps)];
        return TensorImportance.Of(
            parameters,
            () => _gradients.Probe(steps),
            TensorImportance.Copy(_optimizer, _options.Optimizer, _optimized),
            _input.LearningRate, // the highest one: it may be 0 at the time
            _options.ClipNorm,
            _input.Tuned.Masks);
    }

    private Backend Backend => _model.Backend;

    private void EvaluateAndCompare()
    {
        _optimizer.ExchangeAverages();
        IReadOnlyDictionary<string, double> metrics = Evaluate(_input.Validation).Values;
        bool isBest = false;
        if (_input.Watched is { } watched)
        {
            double value = metrics[watched.Name];
            isBest = IsBetter(value, watched.HigherIsBetter);
            _state = isBest
                ? _state with { BestValue = value, BestStep = _state.Step, BadEvaluations = 0 }
                : _state with { BadEvaluations = _state.BadEvaluations + 1 };
            if (isBest && _options.EarlyStopping is not null)
            {
                _nonFinite.ThrowIfWeightsAre(_state.Step);
                _checkpoints.SaveBest(_state);
            }

            (_schedule as PlateauSchedule)?.Report(value);
        }

        _optimizer.ExchangeAverages();
        _input.Events.Emit(new Evaluated(_state.Step, "validation", metrics, isBest));
    }

    private bool IsBetter(double value, bool higherIsBetter)
    {
        if (!double.IsFinite(value))
        {
            return false;
        }

        double delta = _options.EarlyStopping?.MinDelta ?? 0;
        return _state.BestValue is not { } best || (higherIsBetter ? value > best + delta : value < best - delta);
    }

    private bool IsStopping() => _options.EarlyStopping is { } stopping && _state.BadEvaluations >= stopping.Patience;

    private void Save()
    {
        _nonFinite.ThrowIfWeightsAre(_state.Step);
        TrainingState state = _state with { Seconds = Seconds, Plateau = (_schedule as PlateauSchedule)?.State, Learning = _green?.Chosen, ForwardFlops = Flops.Forward, BackwardFlops = Flops.Backward };
        _input.Events.Emit(new CheckpointSaved(_state.Step, _checkpoints.Save(state)));
    }

    private double SecondsLeft(double seconds, long tokens, long tokensOfStep) =>
        tokens == 0 ? 0 : (TotalSteps - _state.Step) * (seconds / tokens) * tokensOfStep;

    // A pattern that matches nothing would go unnoticed.
    private IReadOnlyList<RateRule> Rates()
    {
        foreach (RateRule rule in _options.Rates)
        {
            if (!_input.Tuned.Trainable.Any(parameter => rule.Matches(parameter.Name)))
            {
                throw new TrainingException(ErrorCodes.TuningTargetUnknown, "training.rates", $"no weight that learns matches '{rule.Names}'", "Give a pattern with * for any text, such as '*.bias'; 'hieno inspect' lists the names");
            }
        }

        return _options.Rates;
    }

    // A schedule that does not fit the run is a fault of the recipe, found before anything is written.
    private ISchedule CreateSchedule(ScheduleContext context)
    {
        try
        {
            return _options.Schedule.Create(context);
        }
        catch (ArgumentException e)
        {
            string[] parts = e.Message.Split(" (Parameter", 2)[0].Split(". ", 2);
            throw new TrainingException(ErrorCodes.RecipeValueOutOfRange, "training.schedule", parts[0], parts.Length > 1 ? parts[1] : "Change its settings", e);
        }
    }

    /// <summary>Seconds since it was made.</summary>
    private sealed class Stopwatch(TimeProvider clock)
    {
        private readonly long _start = clock.GetTimestamp();

        public double Seconds => clock.GetElapsedTime(_start).TotalSeconds;
    }
}
