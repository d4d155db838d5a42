using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Hieno.Advice;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Durable;
using Hieno.Formats.Text;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Objectives;
using Hieno.Plugins;
using Hieno.Recipes;
using Hieno.Schedules;
using Hieno.Tensors;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno;

/// <summary>What a run may need from outside; every member has a default.</summary>
public sealed record FineTunerOptions
{
    /// <summary>True goes on from the newest checkpoint in the run folder; without one the run begins.</summary>
    public bool Resume { get; init; }

    /// <summary>True removes what an earlier run left in the run folder.</summary>
    public bool Overwrite { get; init; }

    /// <summary>The kinds that recipes may name; the built-in ones and those of the recipe's plugins when null.</summary>
    public KindCatalog? Kinds { get; init; }

    /// <summary>The model families that can be read; the built-in ones when null.</summary>
    public ModelCatalog? Models { get; init; }

    /// <summary>The vision families that can be read; the built-in ones when null.</summary>
    public VisionCatalog? VisionModels { get; init; }

    /// <summary>Where it computes; the CPU with all its cores when null.</summary>
    public Backend? Backend { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>Fine-tunes a model by a recipe: reads the data, opens the model, chooses what learns, trains, judges and saves.</summary>
public sealed class FineTuner
{
    private readonly Recipe _recipe;
    private readonly FineTunerOptions _options;
    private readonly KindCatalog _kinds;
    private readonly Backend _backend;
    private readonly Plugin[] _plugins;

    private FineTuner(Recipe recipe, FineTunerOptions options)
    {
        (_recipe, _options) = (recipe, options);
        (_kinds, _backend) = (options.Kinds ?? Plugin.Add(recipe.Plugins), options.Backend ?? Backend.Default);
        _plugins = [.. recipe.Plugins.Select(Plugin.Load)];
    }

    /// <summary>A run of <paramref name="recipe"/>; nothing happens before it is run.</summary>
    public static FineTuner Create(Recipe recipe, FineTunerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        return new FineTuner(recipe, options ?? new FineTunerOptions());
    }

    /// <summary>
    /// Runs on a thread of its own and yields what happens. Cancelling ends at the next step with a checkpoint, which is no error. So does
    /// leaving the loop that reads the events; it then waits for that step.
    /// </summary>
    /// <exception cref="HienoException">A fault of the recipe, the data, the model or the disk.</exception>
    public async IAsyncEnumerable<TrainingEvent> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var channel = Channel.CreateUnbounded<TrainingEvent>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task work = Task.Factory.StartNew(
            () =>
            {
                try
                {
                    Run(item => channel.Writer.TryWrite(item), stop.Token);
                }
                finally
                {
                    channel.Writer.Complete();
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);

        try
        {
            await foreach (TrainingEvent item in channel.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            {
                yield return item;
            }

            await work.ConfigureAwait(false); // throws what the run threw
        }
        finally
        {
            // Reached early only when the reader left: the run must not go on unseen. If it fails now, its folder says so.
            await stop.CancelAsync().ConfigureAwait(false);
            await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Runs on the calling thread.</summary>
    /// <param name="onEvent">Told of everything that happens, or null.</param>
    /// <param name="cancellationToken">Ends the run at the next step, with a checkpoint.</param>
    /// <returns>How it ended.</returns>
    /// <exception cref="HienoException">A fault of the recipe, the data, the model or the disk.</exception>
    public RunCompleted Run(Action<TrainingEvent>? onEvent = null, CancellationToken cancellationToken = default)
    {
        var events = new RunEvents(_options.Clock, onEvent);
        try
        {
            return Run(events, cancellationToken);
        }
        catch (Exception e)
        {
            RecordFailure(events, e);
            throw;
        }
        finally
        {
            events.Folder?.Dispose();
        }
    }

    private static readonly IReadOnlyDictionary<string, double> NoMetrics = new Dictionary<string, double>(StringComparer.Ordinal);

    private RunCompleted Run(RunEvents events, CancellationToken cancellationToken)
    {
        // Everything that can be wrong with recipe, data and model shows before the run folder is touched.
        if (!_options.Resume && !_options.Overwrite)
        {
            RunFolder.ThrowIfUsed(_recipe.Output);
        }

        RequireWhatIsWatched();
        IObjective objective = _recipe.Task.Create();
        var messages = new List<string>();
        ModelConfig config = ModelConfig.Read(_recipe.Base);
        var input = new RunInput(_recipe, objective.Head.Kind, config, _options.Models, _options.VisionModels);
        DataSplit data = DataSplit.Read(_recipe.Data, _recipe.Seed, input.Pictures is not null);
        objective.Prepare(input.Context(messages.Add), data.Known);
        IReadOnlyList<Example> train = Encode(objective, data.Train, "training", messages);
        IReadOnlyList<Example> validation = Encode(objective, data.Validation, "validation", messages);
        IReadOnlyList<Example> test = Encode(objective, data.Test, "test", messages);
        IReadOnlyList<IMetric> metrics = MetricsOf(objective);
        ITuningMethod method = _recipe.Tuning.Create();
        TunedModel tuned = method.Apply(OpenModel(config, objective.Head, input), _recipe.Seed, input.Tokenizer?.Tokenizer);
        tuned = input.Tokens is null ? tuned : TokenRows.Train(tuned, input.Tokens.Ids);
        messages.AddRange(WhatIsNew(tuned.Model));
        RequireFittingMetrics(tuned.Model, objective, metrics, validation.Count > 0 ? validation : test);

        var plan = new BatchPlan(train, _recipe.Training.BatchSize, input.PackLength, _recipe.Seed);
        RunFacts facts = RunFacts.Of(_recipe, _kinds, tuned, plan, train, RowFacts.Of(objective, input.Tokenizer, train, validation, test));
        LinearProbe? probe = _recipe.Training.Probe is { } settings ? new LinearProbe(settings, tuned.Model, objective) : null;
        using var trainer = new Trainer(
            new TrainerInput
            {
                Tuned = tuned,
                Objective = objective,
                Train = train,
                Validation = validation,
                Options = _recipe.Training,
                LearningRate = _recipe.Training.LearningRate ?? _recipe.Training.Optimizer.DefaultLearningRate(_recipe.Tuning.DefaultLearningRate),
                Metrics = metrics,
                Watched = WatchedMetric(metrics),
                Plan = plan,
                Seed = _recipe.Seed,
                RunFolder = _recipe.Output,
                Clock = _options.Clock,
                Events = events,
            },
            RunFolder.Fingerprint(_recipe, _kinds, data.Hash, BaseFingerprint.Of(_recipe.Base) + string.Concat(_plugins.Select(plugin => plugin.Sha256))));

        RunFolder folder = RunFolder.Open(_recipe.Output, _options.Resume, _options.Overwrite, _options.Clock);
        events.Folder = folder;
        bool resumed = _options.Resume && trainer.Resume(); // refuses another run's checkpoints before its recipe is written over
        folder.Describe(_recipe, _kinds, data.Hash, _backend, _plugins);
        if (_recipe.Training.Precision != MatMulPrecision.Fp32)
        {
            messages.Add(_backend.Describe(_recipe.Training.Precision));
        }

        messages.ForEach(events.Say);
        events.Warn(BuiltInWarnings.Of(facts));
        if (!resumed && test.Count > 0)
        {
            trainer.SetBefore(trainer.Evaluate(test).Values);
        }

        if (!resumed && probe is not null)
        {
            events.Say(probe.Fit(train, validation, _recipe.Training.BatchSize, _recipe.Seed));
        }

        (method as IPreparedMethod)?.Prepare(tuned, new PreparationRows(train.Count, row => LossOf(tuned.Model, objective, train[row]), folder.Path, resumed, events.Say));
        if (tuned.Shares.Count > 0)
        {
            events.Say($"weights that learn: {string.Join(", ", tuned.Shares.Select(share => string.Create(CultureInfo.InvariantCulture, $"{share.Method} {tuned.CountOf(share.Parameters):N0}")))}");
        }

        RunOutcome outcome = trainer.Run(cancellationToken);
        RunCompleted result = outcome == RunOutcome.Cancelled
            ? new RunCompleted(outcome, trainer.Step, _recipe.Output, trainer.Before, NoMetrics, trainer.Seconds)
            : Finish(outcome, trainer, objective, train, test, input.Pictures, events, folder, () => FinalModel.Save(tuned, objective, input, config, _recipe.Base, folder.Final), () => OpenModel(config, objective.Head, input));
        events.Emit(result);
        folder.Close();
        return result;
    }

    private RunCompleted Finish(
        RunOutcome outcome, Trainer trainer, IObjective objective, IReadOnlyList<Example> train, IReadOnlyList<Example> test, ImagePreparation? preparation,
        RunEvents events, RunFolder folder, Action save, Func<PretrainedModel> openBase)
    {
        trainer.TakeBest();
        Evaluation? after = test.Count > 0 ? trainer.Evaluate(test) : null;
        save();
        PretrainedModel? before = trainer.Tuned.Adapter is null && _recipe.Tuning is not BlockExpansionOptions ? openBase() : null;
        using var process = Process.GetCurrentProcess();
        var report = new Report
        {
            Outcome = outcome,
            Steps = trainer.Step,
            Seconds = trainer.Seconds,
            TrainableWeights = trainer.Tuned.TrainableCount,
            TotalWeights = trainer.Tuned.TotalCount,
            ForwardFlops = trainer.Flops.Forward,
            BackwardFlops = trainer.Flops.Backward,
            PeakStepBytes = _backend.Pool.PeakBytes,
            PeakProcessBytes = process.PeakWorkingSet64,
            OptimizerBytes = trainer.OptimizerBytes,
            Before = trainer.Before,
            After = after?.Values ?? NoMetrics,
            Changes = before is null ? null : ChangesOf(before, trainer.Tuned, objective, train),
            Pictures = Draw(new ReportPictures(folder.Path, trainer.Tuned.Model, events.Say), after, before, objective, test, preparation),
            Classes = after?.Predictions is ClassPredictions classes ? ClassificationReport.Of(classes).ToText() : null,
        };
        report.Write(folder.Path, _recipe, _kinds);
        if (after is not null)
        {
            events.Emit(new Evaluated(trainer.Step, "test", after.Values, IsBest: false));
        }

        return new RunCompleted(outcome, trainer.Step, folder.Final, report.Before, report.After, report.Seconds);
    }

    private string ChangesOf(PretrainedModel before, TunedModel tuned, IObjective objective, IReadOnlyList<Example> train)
    {
        int blocks = tuned.Model.Blocks.Count;
        IReadOnlyDictionary<string, double> gradient = GradientShare.Of(tuned, objective, train, _recipe.Seed, parameter => WeightChange.LayerOf(parameter, blocks), _recipe.Training.StepInBackward);
        return $"{WeightChange.ToMarkdown(WeightChange.ByLayer(before, tuned.Model), gradient)}\nGradient: the part of its squared length that each layer has now, on up to {(_recipe.Training.StepInBackward ? 8 : 64)} training rows.\n\n"
            + WeightChange.ToMarkdown(WeightChange.ByComponent(before, tuned.Model));
    }

    private IReadOnlyList<ReportPicture> Draw(
        ReportPictures pictures, Evaluation? after, PretrainedModel? before, IObjective objective, IReadOnlyList<Example> test, ImagePreparation? preparation)
    {
        if (after?.Predictions is ClassPredictions predictions)
        {
            pictures.DrawPredictions(predictions);
            if (preparation is not null)
            {
                pictures.DrawSaliency(test, predictions, preparation, objective, _recipe.Seed);
            }
        }

        if (before is not null)
        {
            pictures.DrawFilters(before);
        }

        return pictures.Drawn;
    }

    // A run folder is the record of a run, also of one that failed.
    private static void RecordFailure(RunEvents events, Exception error)
    {
        if (events.Folder is null)
        {
            return;
        }

        try
        {
            events.Emit(new RunFailed((error as HienoException)?.Code, error.Message));
        }
        catch (StorageException e)
        {
            // On a full disk the record cannot be written either; the first error is the one that counts.
            Debug.WriteLine(e.Message);
        }
    }

    // −log p of a row, summed over its targets.
    private Tensor LossOf(PretrainedModel model, IObjective objective, Example row) =>
        objective.Loss(model, objective.Collate([row], new Rng(_recipe.Seed, RngStream.Augmentation), ulong.MaxValue), scale: 1);

    // Early stopping that has nothing to watch would never stop, and nobody would know.
    private void RequireWhatIsWatched()
    {
        if (_recipe.Data.Validation is null && _recipe.Training.Probe is not null)
        {
            throw new TrainingException(ErrorCodes.RecipeSettingMissing, "training.probe", "there are no validation rows to choose the probe's strength by", "Set 'data.validation' to a file, or to a share such as 10%");
        }

        if (_recipe.Data.Validation is null && (_recipe.Training.EarlyStopping is not null || _recipe.Training.Schedule is PlateauScheduleOptions))
        {
            string setting = _recipe.Training.EarlyStopping is not null ? "training.earlyStopping" : "training.schedule";
            throw new TrainingException(ErrorCodes.RecipeSettingMissing, setting, "there are no validation rows to watch", "Set 'data.validation' to a file, or to a share such as 10%");
        }
    }

    // A metric of another task would otherwise be found out at the first evaluation, an epoch later.
    private void RequireFittingMetrics(PretrainedModel model, IObjective objective, IReadOnlyList<IMetric> metrics, IReadOnlyList<Example> examples)
    {
        if (examples.Count == 0)
        {
            return;
        }

        try
        {
            Evaluation.Run(model, objective, [.. examples.Take(_recipe.Training.BatchSize)], metrics, _recipe.Training.BatchSize, _recipe.Seed);
        }
        catch (MetricException e) when (e.Code is ErrorCodes.MetricEmpty or ErrorCodes.MetricNotFinite)
        {
            // These few rows say nothing about that; the evaluation of all of them will.
            Debug.WriteLine(e.Message);
        }
    }

    private PretrainedModel OpenModel(ModelConfig config, HeadChoice head, RunInput input) =>
        BaseModel.Open(_recipe, config, head, input.Tokens, _options.Models, _backend, _options.VisionModels);

    private IReadOnlyList<Example> Encode(IObjective objective, IReadOnlyList<DataRow> rows, string what, List<string> messages)
    {
        if (rows.Count == 0)
        {
            return [];
        }

        var invalid = new List<DatasetException>();
        IReadOnlyList<Example> examples = objective.Encode(rows, invalid);
        if (invalid.Count > 0)
        {
            if (!_recipe.Data.SkipInvalid)
            {
                throw InvalidRows.Error(invalid);
            }

            messages.Add($"{invalid.Count} of {rows.Count} {what} rows were left out: {invalid[0].Message}");
        }

        return examples.Count > 0 ? examples : throw new DatasetException(ErrorCodes.DatasetEmpty, rows[0].File, 0, 0, $"none of the {rows.Count} {what} rows can be learned from", "Look at them with 'hieno lint'");
    }

    private IReadOnlyList<IMetric> MetricsOf(IObjective objective)
    {
        IReadOnlyList<string> names = _recipe.Evaluation.Metrics.Count > 0 ? _recipe.Evaluation.Metrics : objective.DefaultMetrics;
        string? watched = _recipe.Training.EarlyStopping?.Metric;
        return [.. (watched is null ? names : names.Append(watched)).Distinct(StringComparer.Ordinal).Select(BuiltInMetrics.Find)];
    }

    private IMetric? WatchedMetric(IReadOnlyList<IMetric> metrics) =>
        _recipe.Data.Validation is null ? null
        : _recipe.Training.EarlyStopping?.Metric is { } name ? metrics.First(metric => metric.Name == name)
        : metrics[0];

    private static IEnumerable<string> WhatIsNew(PretrainedModel model)
    {
        if (model.NewlyInitialized.Count > 0)
        {
            yield return $"starts at random, because the base model does not hold it: {string.Join(", ", model.NewlyInitialized)}";
        }

        if (model.Unused.Count > 0)
        {
            yield return $"not used by this task: {string.Join(", ", model.Unused.Take(8))}{(model.Unused.Count > 8 ? $" and {model.Unused.Count - 8} more" : string.Empty)}";
        }
    }
}
