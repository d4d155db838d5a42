using Hieno.Augmentation;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Metrics;
using Hieno.Models.Vision.Clip;
using Hieno.Objectives;
using Hieno.Recipes;
using Hieno.Tests.Vision;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Objectives;

/// <summary>Bringing pictures and texts together, in whole runs.</summary>
public sealed class ImageTextTests : IDisposable
{
    private readonly PictureRun _project = new();
    private readonly string _clip;

    public ImageTextTests() => _clip = TinyClip.Save(Path.Combine(_project.Root, "clip"));

    public void Dispose() => _project.Dispose();

    [Fact]
    public void Pictures_find_the_names_of_their_folders_and_the_model_opens_again()
    {
        RunCompleted run = Run(Recipe("run", PictureRun.Training(epochs: 25)));
        Assert.InRange(run.Before["accuracy"], 0, 0.7);
        Assert.InRange(run.After["accuracy"], 0.9, 1);

        var loaded = LoadedModel.Open(run.Folder);
        var objective = (ImageText)new ImageTextOptions().Create();
        objective.Prepare(loaded.ContextOf(_project.Plain(), null, 7, _ => { }), []);
        var invalid = new List<DatasetException>();
        IReadOnlyList<Example> examples = objective.Encode(DataSplit.ReadFile(_project.Data, _project.Plain(), pictures: true), invalid);
        Assert.Empty(invalid);
        Evaluation again = Evaluation.Run(loaded.Model, objective, examples, [BuiltInMetrics.Find("accuracy"), BuiltInMetrics.Find("log-loss")], 5, 7);
        Assert.Equal(run.After["accuracy"], again.Values["accuracy"]);
        Assert.Equal(run.After["log-loss"], again.Values["log-loss"], 1e-6);
    }

    [Fact]
    public void Weights_after_a_pause_are_those_of_a_run_without_one()
    {
        string whole = Weights(Run(Recipe("whole", PictureRun.Training(epochs: 2), templates: ["a photo of a {}", "the drawing of a {}"])).Folder);
        Recipe paused = Recipe("paused", PictureRun.Training(epochs: 2), templates: ["a photo of a {}", "the drawing of a {}"]);
        using (var stop = new CancellationTokenSource())
        {
            FineTuner.Create(paused).Run(happening => { if (happening is StepCompleted { Step: 3 }) { stop.Cancel(); } }, stop.Token);
        }

        Assert.Equal(whole, Weights(FineTuner.Create(paused, new FineTunerOptions { Resume = true }).Run().Folder));
    }

    [Fact]
    public void Lora_goes_into_both_towers_and_merges()
    {
        RunCompleted run = Run(Recipe("lora", PictureRun.Training(epochs: 1), tuning: new LoRAOptions { Rank = 2 }));
        var loaded = LoadedModel.Open(run.Folder);
        Assert.Equal(2 * (2 + 1), loaded.Adapter!.Parts.Count); // queries and values of two blocks for pictures and one for texts
        loaded.SaveMerged(Path.Combine(_project.Root, "merged"));
        Assert.IsType<ClipModel>(LoadedModel.Open(Path.Combine(_project.Root, "merged")).Model);
    }

    [Fact]
    public void A_caption_is_read_before_a_label_is_spoken_of()
    {
        ImageText objective = Prepared();
        string table = Path.Combine(_project.Root, "table.csv");
        File.WriteAllText(table, $"image,caption,label\n{_project.PathOf(0, 0)},a cat,blue\n{_project.PathOf(1, 0)},a dog,green\n{_project.PathOf(2, 0)},a cat,red\n");
        Batch batch = Collated(objective, table);
        Assert.Equal([0, 2, 5, 1, 0, 2, 6, 1], batch.Tokens.Ids); // <start> a cat <end> <start> a dog <end>
        Assert.Equal([0, 1, 0], batch.Labels);
    }

    [Fact]
    public void Rows_without_text_or_label_and_texts_that_are_too_long_are_reported()
    {
        ImageText objective = Prepared();
        string table = Path.Combine(_project.Root, "table.csv");
        File.WriteAllText(table, $"image,note,caption\n{_project.PathOf(0, 0)},x,a photo of a photo of a photo of a cat\n");
        var invalid = new List<DatasetException>();
        objective.Encode(DataSplit.ReadFile(table, _project.Plain(), pictures: true), invalid);
        File.WriteAllText(table, $"image,note\n{_project.PathOf(0, 0)},x\n");
        objective.Encode(DataSplit.ReadFile(table, _project.Plain(), pictures: true), invalid);
        Assert.Contains("the text has 13 tokens, and the text tower reads 8", invalid[0].Message, StringComparison.Ordinal);
        Assert.Contains("there is neither a text nor a label; the row has image, note", invalid[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_that_do_not_go_together_are_refused()
    {
        var mixed = Assert.Throws<DatasetException>(() => Run(Recipe("mixed", PictureRun.Training(), data: _project.Plain() with { Augment = [new MixupOptions()] })));
        Assert.Contains("their texts cannot be mixed", mixed.Message, StringComparison.Ordinal);
        Assert.Contains("'templates' has 'a photo', in which no {} stands. Put it where the label goes.", new ImageTextOptions { Templates = ["a photo"] }.Validate());
    }

    [Fact]
    public void The_factor_of_cosines_is_kept_from_exceeding_a_hundred()
    {
        ImageText objective = Prepared();
        ClipModel model = TinyClip.Model();
        model.Head.LogitScale.Trainable = true;
        model.Head.LogitScale.Value.Span[0] = 5f;
        using var tape = Tensors.Tape.Begin();
        objective.Loss(model, Collated(objective, _project.Data), 1f);
        Assert.Equal(Math.Log(100), model.Head.LogitScale.Value.Item(), 1e-6);
    }

    private static Batch Collated(ImageText objective, string path)
    {
        var invalid = new List<DatasetException>();
        IReadOnlyList<Example> examples = objective.Encode(DataSplit.ReadFile(path, new DataOptions { Train = [path] }, pictures: true), invalid);
        Assert.Empty(invalid);
        return objective.Collate(examples, new Tensors.Rng(1, Tensors.RngStream.Augmentation), 0);
    }

    private ImageText Prepared()
    {
        var objective = (ImageText)new ImageTextOptions().Create();
        objective.Prepare(LoadedModel.Open(_clip).ContextOf(_project.Plain(), null, 7, _ => { }), []);
        return objective;
    }

    private Recipe Recipe(string output, TrainingOptions training, TuningOptions? tuning = null, DataOptions? data = null, IReadOnlyList<string>? templates = null) => _project.Recipe(
        output, tuning, training with { Accumulation = 1, BatchSize = 6, LearningRate = 0.05 }, data ?? _project.Plain() with { Augment = [new HorizontalFlipOptions()] },
        new ImageTextOptions { Templates = templates ?? ["a photo of a {}"] }, _clip);

    private static RunCompleted Run(Recipe recipe) => FineTuner.Create(recipe).Run();

    private static string Weights(string folder) => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, "model.safetensors"))));
}
