using Hieno.Charts;
using Hieno.Data;
using Hieno.Formats.Durable;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Png;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Objectives;
using Hieno.Saliency;
using Hieno.Tensors;

namespace Hieno.Training;

/// <summary>A picture of a report.</summary>
/// <param name="File">Its path in the run folder.</param>
/// <param name="Title">What it shows.</param>
public sealed record ReportPicture(string File, string Title);

/// <summary>Draws what a report shows: what was taken for what, how sure the model is, and of vision models where it looked and how its first filters moved.</summary>
/// <param name="folder">The run folder.</param>
/// <param name="model">The tuned model.</param>
/// <param name="say">Told what could not be drawn, and why.</param>
internal sealed class ReportPictures(string folder, PretrainedModel model, Action<string> say)
{
    /// <summary>The folder in the run folder that they lie in.</summary>
    public const string FolderName = "pictures";

    private const int MostLabels = 100; // of a matrix that can be read
    private const int Shown = 8; // pictures with their saliency

    private readonly List<ReportPicture> _pictures = [];

    /// <summary>What was drawn.</summary>
    public IReadOnlyList<ReportPicture> Drawn => _pictures;

    /// <summary>Draws the confusion matrix and the reliability diagram of the test rows.</summary>
    public void DrawPredictions(ClassPredictions predictions)
    {
        ConfusionMatrix confusion = ConfusionMatrix.Of(predictions);
        if (confusion.Labels.Count <= MostLabels)
        {
            DurableFile.ReplaceText(PathOf("confusion.svg"), confusion.ToSvg());
            Add("confusion.png", "What was taken for what on the test rows", confusion.ToImage());
        }

        if (predictions.HasScores)
        {
            DurableFile.ReplaceText(PathOf("reliability.svg"), ReliabilityDiagram.ToSvg("Accuracy over confidence on the test rows", predictions));
            _pictures.Add(new ReportPicture($"{FolderName}/reliability.svg", "Accuracy over confidence on the test rows"));
        }
    }

    /// <summary>Draws the first filters before and after training, where there are some and they moved.</summary>
    public void DrawFilters(PretrainedModel before)
    {
        if (model is VisionModel && FirstFilters.Compare(before, model) is { } filters)
        {
            Add("filters.png", "The filters of the first convolution", filters);
        }
    }

    /// <summary>Draws where the model looked in some of the test pictures, chosen by the seed.</summary>
    public void DrawSaliency(IReadOnlyList<Example> test, ClassPredictions predictions, ImagePreparation preparation, IObjective objective, ulong seed)
    {
        if (model is not VisionModel vision)
        {
            return;
        }

        int[] chosen = [.. new Rng(seed, RngStream.Sampling).Permutation(test.Count, 0).Take(Shown)];
        try
        {
            using Tape tape = Tape.Begin(record: false, backend: vision.Backend);
            Batch batch = objective.Collate([.. chosen.Select(i => test[i])], new Rng(seed, RngStream.Augmentation), ulong.MaxValue);
            IReadOnlyList<SaliencyMap> maps = GradCam.Of(vision, new ImageBatch(batch.Images.Pixels), [.. chosen.Select(i => predictions.Predicted[i])]);
            ContactRow[] rows = [.. chosen.Select((i, k) =>
            {
                Image seen = preparation.Apply(test[i].Picture!.Read());
                return new ContactRow($"{Path.GetFileName(test[i].Source)}: {predictions.NameOf(predictions.Truth[i])} as {predictions.NameOf(predictions.Predicted[i])}", [seen, maps[k].Overlay(seen)]);
            })];
            Add("saliency.png", "Where the model looked for the class it chose (Grad-CAM)", new ContactSheet(["seen", "red: spoke for it"], rows, Cell: 160).Draw());
        }
        catch (NotSupportedException reason)
        {
            say($"no saliency is drawn: {reason.Message}");
        }
    }

    private void Add(string file, string title, Image picture)
    {
        DurableFile.Replace(PathOf(file), stream => stream.Write(PngWriter.Encode(picture)));
        _pictures.Add(new ReportPicture($"{FolderName}/{file}", title));
    }

    private string PathOf(string file) => Path.Combine(Directory.CreateDirectory(Path.Combine(folder, FolderName)).FullName, file);
}
