using System.Globalization;
using Hieno.Augmentation;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Objectives;
using Hieno.Recipes;
using Hieno.Tensors.Cpu;
using Hieno.Tests.Training;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Vision;

/// <summary>Whole runs on pictures.</summary>
public sealed class PictureRunTests : IDisposable
{
    private readonly PictureRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_network_learns_to_tell_pictures_apart_and_is_opened_with_its_labels_and_its_preparation()
    {
        Recipe recipe = _run.Recipe(training: PictureRun.Training(epochs: 8), data: _run.Plain());
        (RunCompleted result, _) = TinyRun.Train(recipe);
        Assert.True(result.After["accuracy"] > 0.9, $"{result.Before["accuracy"]} → {result.After["accuracy"]}");
        LoadedModel opened = LoadedModel.Open(recipe.Output);
        Assert.Equal(["blue", "green", "red"], opened.Config.GetLabels());
        Assert.Equal(8, opened.Pictures.Input.Width);
        IObjective objective = new ImageClassificationOptions().Create();
        objective.Prepare(opened.ContextOf(recipe.Data, null, 0, _ => { }), []);
        IReadOnlyList<Example> examples = objective.Encode(DataSplit.ReadFile(_run.Data, recipe.Data, pictures: true), new List<DatasetException>());
        double accuracy = Evaluation.Run(opened.Model, objective, examples, [new Accuracy()], batchSize: 5, seed: 0).Values["accuracy"];
        Assert.Equal(result.After["accuracy"], accuracy);
    }

    [Fact]
    public void One_two_and_three_threads_give_the_same_bytes()
    {
        string[] hashes = [.. new[] { 1, 2, 3 }.Select(threads =>
        {
            using var backend = new CpuBackend(threads);
            Recipe recipe = _run.Recipe(string.Create(CultureInfo.InvariantCulture, $"run{threads}"));
            TinyRun.Train(recipe, new FineTunerOptions { Backend = backend });
            return TinyRun.FinalHash(recipe);
        })];
        Assert.Single(hashes.Distinct());
    }

    [Fact]
    public void A_run_that_is_stopped_after_each_step_and_resumed_gives_the_bytes_of_one_that_was_not()
    {
        Recipe whole = _run.Recipe("whole");
        TinyRun.Train(whole);
        Recipe stopped = _run.Recipe("stopped");
        for (int step = 1; step < 6; step++)
        {
            TinyRun.TrainUntil(stopped, step, new FineTunerOptions { Resume = true });
        }

        TinyRun.Train(stopped, new FineTunerOptions { Resume = true });
        Assert.Equal(TinyRun.FinalHash(whole), TinyRun.FinalHash(stopped));
        Assert.NotEqual(TinyVision.Statistics(LoadedModel.Open(whole.Output).Model)["bn1.running_mean"], new float[16]);
    }

    [Fact]
    public void What_a_picture_looks_like_depends_on_the_pass_and_evaluations_see_it_as_it_is()
    {
        IObjective objective = Prepared(_run.Augmented(), out IReadOnlyList<Example> examples);
        float[] Seen(int? pass) => objective.Collate([.. examples.Take(4)], default, 0, pass).Images.Pixels.ToArray();
        Assert.NotEqual(Seen(0), Seen(1));
        Assert.Equal(Seen(1), Seen(1));
        Assert.Equal(Seen(null), objective.Collate([.. examples.Take(4)], default, 5).Images.Pixels.ToArray());
        Assert.False(objective.ReadsRowsAsTheyAre);
    }

    [Fact]
    public void All_pictures_that_cannot_be_read_are_named_at_once_or_left_out()
    {
        File.WriteAllBytes(_run.PathOf(0, 1), [1, 2, 3, 4]);
        byte[] whole = File.ReadAllBytes(_run.PathOf(2, 3));
        File.WriteAllBytes(_run.PathOf(2, 3), whole[..(whole.Length / 2)]);
        var error = Assert.Throws<DatasetException>(() => TinyRun.Train(_run.Recipe(data: _run.Plain())));
        Assert.Contains(_run.PathOf(0, 1), error.Message, StringComparison.Ordinal);
        Assert.Contains(_run.PathOf(2, 3), error.Message, StringComparison.Ordinal);
        (_, List<TrainingEvent> events) = TinyRun.Train(_run.Recipe(data: _run.Plain() with { SkipInvalid = true }));
        Assert.Equal(22, events.OfType<RunStarted>().Single().TrainingRows);
    }

    [Fact]
    public void A_table_of_paths_gives_labels_or_numbers_and_names_the_line_of_a_picture_that_is_absent()
    {
        string table = Path.Combine(_run.Root, "table.csv");
        File.WriteAllText(table, "path,label,size\n" + string.Concat(Enumerable.Range(0, 6).Select(i => $"pictures/{(i % 2 == 0 ? "red" : "blue")}/{i}.png,{(i % 2 == 0 ? "red" : "blue")},{i}\n")));
        TinyRun.Train(_run.Recipe("labels", data: new DataOptions { Train = [table] }));
        Recipe numbers = _run.Recipe("numbers", data: new DataOptions { Train = [table], LabelColumn = "size" }, task: new ImageRegressionOptions());
        TinyRun.Train(numbers);
        Assert.Equal("regression", ModelConfig.Read(Path.Combine(numbers.Output, "final")).GetString("problem_type"));
        Assert.Equal(1, LoadedModel.Open(numbers.Output).Model is VisionModel vision ? vision.Head.Outputs : 0);
        File.AppendAllText(table, "pictures/red/none.png,red,3\n");
        var error = Assert.Throws<DatasetException>(() => TinyRun.Train(_run.Recipe("absent", data: new DataOptions { Train = [table] })));
        Assert.Contains("line 8", error.Message, StringComparison.Ordinal);
        Assert.Contains("none.png", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_of_other_classes_keeps_its_body_and_its_unchanged_statistics_where_only_the_head_learns()
    {
        Recipe first = _run.Recipe("first", data: _run.Plain());
        TinyRun.Train(first);
        string two = Path.Combine(_run.Root, "two");
        foreach (string name in (string[])["cold", "warm"])
        {
            Directory.CreateDirectory(Path.Combine(two, name));
            File.Copy(_run.PathOf(name == "cold" ? 0 : 2, 1), Path.Combine(two, name, "a.png"));
            File.Copy(_run.PathOf(name == "cold" ? 0 : 2, 2), Path.Combine(two, name, "b.png"));
        }

        Recipe second = _run.Recipe("second", tuning: new HeadOptions(), data: new DataOptions { Train = [two] }, baseModel: Path.Combine(first.Output, "final"));
        (_, List<TrainingEvent> events) = TinyRun.Train(second);
        Assert.Contains(events.OfType<LogMessage>(), item => item.Text.Contains("linear.weight, linear.bias", StringComparison.Ordinal));
        PretrainedModel before = LoadedModel.Open(first.Output).Model;
        PretrainedModel after = LoadedModel.Open(second.Output).Model;
        Assert.Equal(TinyVision.Statistics(before), TinyVision.Statistics(after));
        Assert.Equal(2, ((VisionModel)after).Head.Outputs);
        Assert.Equal(TinyVision.Weights(before)["layer1.0.conv1.weight"], TinyVision.Weights(after)["layer1.0.conv1.weight"]);
    }

    [Fact]
    public void Settings_about_tokens_are_refused_for_pictures_and_augmentation_for_texts()
    {
        Assert.Contains("data.packing", Refusal(_run.Recipe(data: _run.Plain() with { Packing = true })), StringComparison.Ordinal);
        Assert.Contains("data.maxLength", Refusal(_run.Recipe(data: _run.Plain() with { MaxLength = 8 })), StringComparison.Ordinal);
        using TinyRun text = TinyRun.Classifier();
        Recipe recipe = text.Recipe();
        Assert.Contains("data.augment", Refusal(recipe with { Data = recipe.Data with { Augment = [new HorizontalFlipOptions()] } }), StringComparison.Ordinal);

        static string Refusal(Recipe recipe) => Assert.Throws<TrainingException>(() => TinyRun.Train(recipe)).Message;
    }

    [Fact]
    public void A_method_for_text_is_refused() =>
        Assert.Equal(ErrorCodes.TuningNeedsText, Assert.Throws<TuningException>(() => TinyRun.Train(_run.Recipe(tuning: new PromptTuningOptions(), data: _run.Plain()))).Code);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_frozen_blocks_make_of_a_picture_is_computed_once_and_changes_no_byte(bool head)
    {
        TuningOptions tuning = head ? new HeadOptions() : new PartialOptions { LastBlocks = 1 };
        string[] hashes = [.. new[] { FrozenCaching.Auto, FrozenCaching.Off }.Select(caching =>
        {
            Recipe recipe = _run.Recipe($"frozen-{caching}", tuning, PictureRun.Training(epochs: 3) with { CacheFrozen = caching }, new DataOptions { Train = [_run.Data], Test = Path.Combine(_run.Data) });
            (_, List<TrainingEvent> events) = TinyRun.Train(recipe);
            string[] said = [.. events.OfType<LogMessage>().Select(item => item.Text)];
            Assert.Equal(caching == FrozenCaching.Auto, said.Any(text => text.Contains("is remembered for each picture", StringComparison.Ordinal)));
            if (caching == FrozenCaching.Auto)
            {
                Assert.Contains(said, text => text.StartsWith("frozen layers ran for 48 pictures and were spared for 48", StringComparison.Ordinal)); // 24 to train on, 24 for the report before
            }

            return TinyRun.FinalHash(recipe);
        })];
        Assert.Single(hashes.Distinct());
    }

    [Fact]
    public void Pictures_that_change_in_each_pass_are_not_remembered()
    {
        (_, List<TrainingEvent> events) = TinyRun.Train(_run.Recipe(tuning: new HeadOptions()));
        Assert.DoesNotContain(events.OfType<LogMessage>(), item => item.Text.Contains("is remembered", StringComparison.Ordinal));
        var error = Assert.Throws<TrainingException>(() => TinyRun.Train(_run.Recipe("on", new HeadOptions(), PictureRun.Training() with { CacheFrozen = FrozenCaching.On })));
        Assert.Contains("'data.augment'", error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string> Methods => ["head", "partial", "bitfit", "norms", "fisher-norms", "random-mask", "ln-tuning"];

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_method_trains_what_it_says_and_the_saved_model_gives_the_same_values(string name)
    {
        TuningOptions tuning = name switch
        {
            "head" => new HeadOptions(),
            "partial" => new PartialOptions { LastBlocks = 1 },
            "bitfit" => new BitFitOptions(),
            "norms" => new NormsOptions(),
            "fisher-norms" => new FisherNormsOptions(),
            "random-mask" => new RandomMaskOptions(),
            _ => new LnTuningOptions(),
        };
        Recipe pretrained = _run.Recipe("before", training: PictureRun.Training(epochs: 1), data: _run.Plain());
        TinyRun.Train(pretrained);
        Recipe recipe = _run.Recipe("after", tuning, data: _run.Plain(), baseModel: Path.Combine(pretrained.Output, "final"));
        (RunCompleted result, List<TrainingEvent> events) = TinyRun.Train(recipe);
        Assert.InRange(events.OfType<RunStarted>().Single().TrainableWeights, 1, 78_000);
        LoadedModel opened = LoadedModel.Open(recipe.Output);
        IObjective objective = new ImageClassificationOptions().Create();
        objective.Prepare(opened.ContextOf(recipe.Data, null, 0, _ => { }), []);
        IReadOnlyList<Example> examples = objective.Encode(DataSplit.ReadFile(_run.Data, recipe.Data, pictures: true), new List<DatasetException>());
        Assert.Equal(result.After["log-loss"], Evaluation.Run(opened.Model, objective, examples, [new LogLoss()], batchSize: 4, seed: 0).Values["log-loss"]);
    }

    [Fact]
    public void Settings_of_training_work_on_pictures_as_on_texts()
    {
        TrainingOptions usual = PictureRun.Training(epochs: 3);
        foreach ((string name, TrainingOptions training) in new (string, TrainingOptions)[]
        {
            ("probe", usual with { Probe = new ProbeOptions { Strengths = 3 } }),
            ("decay", usual with { LayerDecay = 0.8 }),
            ("unfreeze", usual with { Unfreeze = new UnfreezeOptions() }),
            ("checkpointing", usual with { GradientCheckpointing = true }),
            ("green", usual with { GreenTrainer = new GreenTrainerOptions { Flops = 0.9, EverySteps = 9 } }),
            ("stopping", usual with { EarlyStopping = new EarlyStoppingOptions { Patience = 1 } }),
        })
        {
            (RunCompleted result, _) = TinyRun.Train(_run.Recipe(name, training: training, data: _run.Plain() with { Validation = _run.Data }));
            Assert.True(result.After["log-loss"] < result.Before["log-loss"], name);
        }
    }

    private IObjective Prepared(DataOptions data, out IReadOnlyList<Example> examples)
    {
        IObjective objective = new ImageClassificationOptions().Create();
        List<DataRow> rows = DataSplit.ReadFile(_run.Data, data, pictures: true);
        objective.Prepare(new ObjectiveContext(new ImagePreparation(new ImageInput(8, 8, [0.5f, 0.5f, 0.5f], [0.5f, 0.5f, 0.5f])) { ShorterSide = 8 }, TinyVision.Config(), data, seed: 3, _ => { }), rows);
        examples = objective.Encode(rows, new List<DatasetException>());
        return objective;
    }
}
