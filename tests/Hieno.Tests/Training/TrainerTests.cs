using Hieno.Data;
using Hieno.Formats;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Optimizers;
using Hieno.Recipes;
using Hieno.Schedules;
using Hieno.Tensors;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Training;

public sealed class TrainerTests
{
    // What the watched metric says at each evaluation, and what must come of it.
    [Theory]
    [InlineData("5 4 3 2 1", false, 2, 0.0, 5, 5)] // always better
    [InlineData("5 4 4 4 4", false, 2, 0.0, 4, 2)] // equal is no improvement; two evaluations later the end
    [InlineData("5 4 3.95 3.9 3.85", false, 3, 0.5, 5, 2)] // each step too small to count
    [InlineData("1 2 3 2 1", true, 2, 0.0, 5, 3)] // higher is better
    [InlineData("1 2 3 2 1", false, 3, 0.0, 4, 1)] // lower is better
    [InlineData("NaN 4 NaN NaN 1", false, 2, 0.0, 4, 2)] // a NaN never is the best
    [InlineData("3 2 4 1 4", false, 2, 0.0, 5, 4)] // a single bad one is tolerated
    public void Early_stopping_ends_after_the_tolerated_evaluations_with_the_best_weights(string values, bool higherIsBetter, int patience, double minDelta, long lastStep, long bestStep)
    {
        using var folder = new TemporaryFolder();
        var script = new Script(values.Split(' ').Select(value => double.Parse(value, System.Globalization.CultureInfo.InvariantCulture)), higherIsBetter);
        TunedModel tuned = TinyClassifier();
        var atStep = new Dictionary<long, float[]>();
        var events = new List<TrainingEvent>();
        Trainer trainer = Create(tuned, folder.Path, script, new EarlyStoppingOptions { Patience = patience, MinDelta = minDelta }, item =>
        {
            events.Add(item);
            if (item is Evaluated evaluated)
            {
                atStep[evaluated.Step] = tuned.Trainable[0].Value.ToArray();
            }
        });

        RunOutcome outcome = trainer.Run(CancellationToken.None);
        trainer.TakeBest();
        Assert.Equal(lastStep, trainer.Step);
        Assert.Equal(lastStep == 5 ? RunOutcome.Completed : RunOutcome.StoppedEarly, outcome);
        Assert.Equal(bestStep, events.OfType<Evaluated>().Last(item => item.IsBest).Step);
        Assert.Equal(atStep[bestStep], tuned.Trainable[0].Value.ToArray());
    }

    [Fact]
    public void What_early_stopping_has_counted_survives_a_resume()
    {
        using var folder = new TemporaryFolder();
        var script = new Script([5, 4, 6, 7, 8], higherIsBetter: false);
        using var stop = new CancellationTokenSource();
        Trainer first = Create(TinyClassifier(), folder.Path, script, new EarlyStoppingOptions { Patience = 2 }, item =>
        {
            if (item is Evaluated { Step: 3 })
            {
                stop.Cancel();
            }
        });
        Assert.Equal(RunOutcome.Cancelled, first.Run(stop.Token));

        TunedModel tuned = TinyClassifier();
        var events = new List<TrainingEvent>();
        Trainer second = Create(tuned, folder.Path, script, new EarlyStoppingOptions { Patience = 2 }, events.Add);
        Assert.True(second.Resume());
        Assert.Equal(RunOutcome.StoppedEarly, second.Run(CancellationToken.None));
        Assert.Equal(4, second.Step);
        second.TakeBest();
        Assert.Contains("step 2", events.OfType<LogMessage>().Single().Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Best_weights_that_were_damaged_are_refused()
    {
        using var folder = new TemporaryFolder();
        Trainer trainer = Create(TinyClassifier(), folder.Path, new Script([1, 2, 3, 4, 5], higherIsBetter: false), new EarlyStoppingOptions { Patience = 4 }, _ => { });
        trainer.Run(CancellationToken.None);
        string file = folder.PathOf("checkpoints/best/weights.safetensors");
        byte[] bytes = File.ReadAllBytes(file);
        bytes[^1] ^= 1;
        File.WriteAllBytes(file, bytes);
        TrainingException error = Assert.Throws<TrainingException>(trainer.TakeBest);
        Assert.Equal(ErrorCodes.RunFolderUnusable, error.Code);
        Assert.Contains("step 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_step_in_which_no_batch_has_a_target_changes_nothing_and_says_so()
    {
        using var folder = new TemporaryFolder();
        TunedModel tuned = new Full().Apply(TextModel.Create(TinyConfig(), HeadChoice.Language, seed: 1), seed: 1);
        float[] before = tuned.Trainable[0].Value.ToArray();
        Example[] rows = [new Example { Ids = [2, 5, 3], TokenLabels = [Example.Ignore, Example.Ignore, Example.Ignore], Source = "row 1" }];
        var events = new List<TrainingEvent>();
        Trainer trainer = Create(tuned, folder.Path, script: null, stopping: null, events.Add, new CausalLanguageModeling(), rows);
        trainer.Run(CancellationToken.None);
        Assert.Equal(before, tuned.Trainable[0].Value.ToArray());
        Assert.Equal("step 1 had no target to learn from; it changed nothing", events.OfType<LogMessage>().First().Text);
    }

    private static ModelConfig TinyConfig()
    {
        using TinyRun run = TinyRun.Classifier();
        return ModelConfig.Read(run.Base);
    }

    private static TunedModel TinyClassifier() => new Full().Apply(TextModel.Create(TinyConfig(), HeadChoice.Classification(2), seed: 1), seed: 1);

    private static Trainer Create(
        TunedModel tuned, string folder, Script? script, EarlyStoppingOptions? stopping, Action<TrainingEvent> listener, IObjective? objective = null, Example[]? rows = null)
    {
        rows ??= [.. Enumerable.Range(0, 5).Select(i => new Example { Ids = [2, 5 + i, 3], Class = i % 2, Source = $"row {i}" })];
        return new Trainer(
            new TrainerInput
            {
                Tuned = tuned,
                Objective = objective ?? new ScriptedObjective(script!),
                Train = rows,
                Validation = script is null ? [] : rows,
                Options = new TrainingOptions { Epochs = 1, BatchSize = 1, EvaluateEvery = 1, EarlyStopping = stopping, Dropout = 0 },
                LearningRate = 0.01,
                Metrics = script is null ? [] : [script],
                Watched = script,
                Plan = new BatchPlan(rows, 1, null, 0),
                Seed = 1,
                RunFolder = folder,
                Clock = TimeProvider.System,
                Events = new RunEvents(TimeProvider.System, listener),
            },
            "test");
    }

    /// <summary>A metric that says what it was told to, a value for each step.</summary>
    private sealed class Script(IEnumerable<double> values, bool higherIsBetter) : IMetric
    {
        private readonly double[] _values = [.. values];

        public string Name => "script";

        public bool HigherIsBetter => higherIsBetter;

        public int Evaluations { get; set; }

        public double Compute(Predictions predictions, MetricWarnings? warnings = null) => _values[Evaluations++];
    }

    /// <summary>Classification without data files behind it.</summary>
    private sealed class ScriptedObjective(Script script) : IObjective
    {
        private readonly Classification _inner = new(new ClassificationOptions());

        public HeadChoice Head => HeadChoice.Classification(2);

        public IReadOnlyList<string> DefaultMetrics => [script.Name];

        public void Prepare(ObjectiveContext context, IReadOnlyList<Formats.Text.DataRow> train) => throw new NotSupportedException();

        public IReadOnlyList<Example> Encode(IReadOnlyList<Formats.Text.DataRow> rows, ICollection<Formats.Text.DatasetException> invalid) => throw new NotSupportedException();

        public Batch Collate(IReadOnlyList<Example> examples, Rng rng, ulong draw) => new(examples);

        public double TargetWeight(Batch batch) => _inner.TargetWeight(batch);

        public Tensor Loss(PretrainedModel model, Batch batch, float scale) => _inner.Loss(model, batch, scale);

        public IPredictionCollector Collect() => new Nothing();

        public void Describe(System.Text.Json.Nodes.JsonObject config)
        {
        }

        private sealed class Nothing : IPredictionCollector
        {
            public void Add(PretrainedModel model, Batch batch)
            {
            }

            public Predictions Result() => TokenPredictions.FromTotals(1, 1);
        }
    }
}
