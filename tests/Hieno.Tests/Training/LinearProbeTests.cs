using System.Globalization;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Optimizers;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Tests.Tuning;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Training;

public sealed class LinearProbeTests
{
    [Fact]
    public void Step_0_of_the_second_phase_has_the_outputs_and_the_accuracy_of_the_probe()
    {
        using TinyRun run = TinyRun.Classifier();
        // Steps of a rate of 1e-12 change nothing that shows.
        Recipe recipe = run.Recipe(training: TinyRun.Training(epochs: 1) with { Probe = new ProbeOptions { Strengths = 10 }, LearningRate = 1e-12, Dropout = 0, Optimizer = new SgdOptions() }, validated: true);
        var (_, events) = TinyRun.Train(recipe);
        string said = events.OfType<LogMessage>().Single(message => message.Text.Contains("linear probe", StringComparison.Ordinal)).Text;
        double evaluated = events.OfType<Evaluated>().First(item => item.Split == "validation").Metrics["accuracy"];
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"accuracy {evaluated:0.0000} on"), said, StringComparison.Ordinal);
        Assert.True(events.OfType<StepCompleted>().First().Loss < 0.9 * Math.Log(3), "the first step starts from a fitted layer, below the loss of guessing");
    }

    [Theory]
    [InlineData("bert")]
    [InlineData("llama")]
    public void Only_the_output_layer_changes_and_the_model_computes_what_the_probe_does(string family)
    {
        TextModel model = TinyTuning.Classifier(family);
        Dictionary<string, float[]> before = TinyTuning.Weights(model);
        Example[] rows = [.. Enumerable.Range(0, 12).Select(i => new Example { Ids = [i, (3 * i) + 1, 39 - i], Class = i % 3, Source = "row" })];
        var objective = new Classification(new ClassificationOptions());
        new LinearProbe(new ProbeOptions { Strengths = 1 }, model, objective).Fit(rows, rows, batchSize: 5, seed: 0);
        Dictionary<string, float[]> after = TinyTuning.Weights(model);
        string[] changed = [.. after.Keys.Where(name => !before[name].SequenceEqual(after[name]))];
        Assert.Equal(family == "bert" ? ["classifier.weight", "classifier.bias"] : ["score.weight"], changed);

        // At the minimum for C = 1 the gradient of Σ cross-entropy is −W; the engine's own gradient says so without the probe's code.
        using Tape tape = Tape.Begin();
        Parameter weight = model.Parameters().Single(parameter => parameter.Name == changed[0]);
        weight.Trainable = true;
        var batch = new Batch(rows);
        tape.Backward(Ops.CrossEntropy(model.Classify(batch.Tokens), [.. rows.Select(row => row.Class)]));
        Assert.All(weight.Value.Grad!.ToArray().Zip(after[changed[0]]), pair => Assert.Equal(-pair.Second, pair.First, 2e-3));
    }

    [Fact]
    public void A_run_resumed_after_the_probe_gives_the_same_bytes()
    {
        using TinyRun run = TinyRun.Classifier();
        TrainingOptions training = TinyRun.Training() with { Probe = new ProbeOptions { Strengths = 5 } };
        Recipe whole = run.Recipe("whole", training, validated: true);
        TinyRun.Train(whole);
        Recipe stopped = run.Recipe("stopped", training, validated: true);
        TinyRun.TrainUntil(stopped, 1);
        TinyRun.Train(stopped, new FineTunerOptions { Resume = true });
        Assert.Equal(TinyRun.FinalHash(whole), TinyRun.FinalHash(stopped));
    }

    [Fact]
    public void Another_task_and_missing_validation_rows_are_refused_before_anything_is_written()
    {
        using TinyRun language = TinyRun.Language();
        Recipe recipe = language.Recipe(training: TinyRun.Training() with { Probe = new ProbeOptions() }, validated: true);
        Assert.Equal(ErrorCodes.RecipeSettingsConflict, Assert.Throws<TrainingException>(() => TinyRun.Train(recipe)).Code);
        Assert.False(Directory.Exists(recipe.Output));

        using TinyRun classifier = TinyRun.Classifier();
        Recipe blind = classifier.Recipe(training: TinyRun.Training() with { Probe = new ProbeOptions() });
        Assert.Equal(ErrorCodes.RecipeSettingMissing, Assert.Throws<TrainingException>(() => TinyRun.Train(blind)).Code);
    }
}
