using Hieno.Data;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Models.Vision.Clip;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tests.Vision;
using Hieno.ZeroShot;

namespace Hieno.Tests.ZeroShot;

/// <summary>An output layer made of the names of classes.</summary>
public sealed class ZeroShotClassifierTests : IDisposable
{
    private static readonly string[] s_classes = ["cat", "dog", "bird"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_classifier_gives_the_logits_of_the_two_towers()
    {
        string folder = TinyClip.Save(_folder.PathOf("clip"));
        ZeroShotClassifier.Save(folder, s_classes, s_classes, ["a photo of a {}"], _folder.PathOf("classifier"));
        ClipModel clip = ClipModel.Load(folder);
        VisionModel classifier = VisionModel.Load(_folder.PathOf("classifier"), 3);
        Assert.Empty(classifier.NewlyInitialized);
        Assert.Equal(s_classes, classifier.Config.GetLabels());

        using var tape = Tape.Begin(record: false);
        ImageBatch pictures = TinyVision.Batch();
        int[] ids = [.. new[] { 5, 6, 7 }.SelectMany(word => new[] { 0, 2, 3, 4, 2, word, 1 })]; // <start> a photo of a … <end>
        Tensor expected = clip.Head.Forward(clip.PictureVectors(pictures), clip.TextVectors(new TokenBatch(ids, [7, 7, 7])));
        TensorAssert.Close(expected.ToArray(), classifier.Classify(pictures), 1e-5, 1e-5);
    }

    [Fact]
    public void Prompts_of_a_class_are_averaged_as_vectors_and_made_as_long_as_one()
    {
        string folder = TinyClip.Save(_folder.PathOf("clip"));
        ClipModel clip = ClipModel.Load(folder);
        ModelTokenizer tokenizer = ModelTokenizer.Load(folder);
        float[] first = ZeroShotClassifier.Weights(clip, tokenizer, ["cat"], ["a photo of a {}"]);
        float[] second = ZeroShotClassifier.Weights(clip, tokenizer, ["cat"], ["the drawing of a {}"]);
        float[] both = ZeroShotClassifier.Weights(clip, tokenizer, ["cat"], ["a photo of a {}", "the drawing of a {}"]);
        double factor = Math.Exp(1.5);
        double[] mean = [.. first.Zip(second, (a, b) => (a + b) / 2.0)];
        double length = Math.Sqrt(mean.Sum(x => x * x));
        Assert.True(length < 0.999 * factor); // the two differ
        TensorAssert.Close([.. mean.Select(x => (float)(x / length * factor))], Tensor.FromValues([6], both), 1e-5, 1e-5);
    }

    [Fact]
    public void A_classifier_can_be_made_of_a_folder_again_with_other_classes()
    {
        string folder = TinyClip.Save(_folder.PathOf("clip"));
        ZeroShotClassifier.Save(folder, s_classes, s_classes, ["a {}"], _folder.PathOf("one"));
        byte[] before = File.ReadAllBytes(Path.Combine(folder, "model.safetensors"));
        ZeroShotClassifier.Save(folder, ["1", "2"], ["dog", "cat"], ["a {}"], _folder.PathOf("two"));
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(folder, "model.safetensors")));
        VisionModel one = VisionModel.Load(_folder.PathOf("one"), 3);
        VisionModel two = VisionModel.Load(_folder.PathOf("two"), 2);
        Assert.Equal(((FirstVectorHead)one.Head).Weight.Value.Row(0).ToArray(), ((FirstVectorHead)two.Head).Weight.Value.Row(1).ToArray());
    }

    [Fact]
    public void A_prompt_without_a_place_for_the_name_or_longer_than_the_tower_reads_is_refused()
    {
        string folder = TinyClip.Save(_folder.PathOf("clip"));
        (ClipModel clip, ModelTokenizer tokenizer) = (ClipModel.Load(folder), ModelTokenizer.Load(folder));
        Assert.Throws<ArgumentException>(() => ZeroShotClassifier.Weights(clip, tokenizer, ["cat"], ["a photo"]));
        Assert.Throws<ArgumentException>(() => ZeroShotClassifier.Weights(clip, tokenizer, [], ["a {}"]));
        var fault = Assert.Throws<CheckpointException>(() => ZeroShotClassifier.Weights(clip, tokenizer, ["cat"], ["a photo of a photo of the {}"]));
        Assert.Contains("it has 10 tokens, and the text tower reads 8", fault.Message, StringComparison.Ordinal);
    }
}
