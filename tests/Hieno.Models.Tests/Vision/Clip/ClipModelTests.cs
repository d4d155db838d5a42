using System.Text.Json;
using Hieno.Formats;
using Hieno.Models.Vision;
using Hieno.Models.Vision.Clip;
using Hieno.Parity;
using Hieno.Tensors;
using Hieno.Tests.Shared;
using Hieno.Tuning;

namespace Hieno.Models.Tests.Vision.Clip;

/// <summary>Both towers of CLIP.</summary>
public sealed class ClipModelTests
{
    // The text of each row is what stands before the padding.
    private static readonly int[][] s_texts = [[35, 70, 49, 40, 27, 73, 87, 2], [93, 37, 23, 60, 2], [71, 63, 42, 42, 57, 51, 2]];

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Logits_loss_and_gradients_agree_with_the_reference()
    {
        string folder = SharedFolder.Require("golden/clip");
        var model = ClipModel.Load(folder);
        Assert.Empty(model.Unused);
        var expected = TensorFile.Read(Path.Combine(folder, "expected.safetensors"));
        var gradients = TensorFile.Read(Path.Combine(folder, "grads.safetensors"));
        foreach (Parameter parameter in model.Parameters())
        {
            parameter.Trainable = true;
        }

        Assert.Equal(gradients.Names.Order(StringComparer.Ordinal), model.Parameters().Select(p => p.Name).Order(StringComparer.Ordinal));
        using var tape = Tape.Begin();
        Tensor logits = model.Head.Forward(model.PictureVectors(GoldenPictures.Read(TensorFile.Read(Path.Combine(folder, "inputs.safetensors")))), model.TextVectors(Texts()));
        Assert.InRange(Difference.LargestAbsolute(logits.ToArray(), expected.Floats("train.logits_per_image")), 0, 30 * 2.19e-6);
        Tensor loss = Ops.Scale(Ops.Add(MeanLoss(logits), MeanLoss(Ops.Transpose(logits))), 0.5f);
        Assert.Equal(expected.Floats("train.loss")[0], loss.Item(), 1e-5);
        tape.Backward(loss);
        Measurement worst = GradientsCheck.Worst("gradient", model.Parameters().Select(p => (p, p.Name)), gradients);
        Assert.True(worst.Passes, $"{worst.Where}: {worst.Value}");
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Three_steps_of_AdamW_agree_with_the_reference()
    {
        string folder = SharedFolder.Require("golden/clip");
        var model = ClipModel.Load(folder);
        Parameter[] parameters = [.. model.Parameters()];
        Train(model, parameters, learningRate: 1e-3);
        Measurement worst = AdamWCheck.Worst(
            "adamw", parameters.Select(p => (p, p.Name, p.Name)), TensorFile.Read(Path.Combine(folder, "grads.safetensors")), TensorFile.Read(Path.Combine(folder, "adamw3.safetensors")));
        Assert.True(worst.Passes, $"{worst.Where}: {worst.Value}");
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Lora_on_both_towers_agrees_with_peft()
    {
        string folder = SharedFolder.Require("golden/clip");
        var expected = TensorFile.Read(Path.Combine(folder, "lora", "expected.safetensors"));
        var merged = ClipModel.Load(folder);
        PeftFolder.Load(merged, Path.Combine(folder, "lora")).Merge();
        Assert.InRange(Difference.LargestAbsolute(Logits(merged), expected.Floats("merged.eval.logits_per_image")), 0, 30 * 2.19e-6);

        var model = ClipModel.Load(folder);
        Adapter adapter = PeftFolder.Load(model, Path.Combine(folder, "lora"));
        Assert.InRange(Difference.LargestAbsolute(Logits(model), expected.Floats("eval.logits_per_image")), 0, 30 * 2.19e-6);
        adapter.SetTrainable(true);
        Parameter[] parameters = [.. adapter.Parameters()];
        Assert.Equal(expected.Names.Count(name => name.StartsWith("grad.", StringComparison.Ordinal)), parameters.Length);
        using (var tape = Tape.Begin())
        {
            Tensor loss = Loss(model);
            Assert.Equal(expected.Floats("loss")[0], loss.Item(), 1e-5);
            tape.Backward(loss);
        }

        Measurement gradients = GradientsCheck.Worst("gradient", parameters.Select(p => (p, "grad." + NameOf(p))), expected);
        Assert.True(gradients.Passes, $"{gradients.Where}: {gradients.Value}");
        Train(model, parameters, learningRate: 1e-3);
        Measurement worst = AdamWCheck.Worst("adamw", parameters.Select(p => (p, "grad." + NameOf(p), "adamw3." + NameOf(p))), expected, expected);
        Assert.True(worst.Passes, $"{worst.Where}: {worst.Value}");
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Vision_tower_opens_by_itself_and_gives_the_same_vectors()
    {
        string folder = SharedFolder.Require("golden/clip");
        var whole = ClipModel.Load(folder);
        var tower = VisionModel.Load(folder, outputs: 4);
        Assert.Equal(["classifier.weight", "classifier.bias"], tower.NewlyInitialized);
        ImageBatch pictures = GoldenPictures.Read(TensorFile.Read(Path.Combine(folder, "inputs.safetensors")));
        using var tape = Tape.Begin(record: false);
        float[] vectors = whole.PictureVectors(pictures).ToArray();
        Assert.Equal(vectors, tower.Backbone.Forward(pictures).ToArray());
        Assert.All(vectors.Chunk(24), vector => Assert.Equal(1.0, vector.Sum(x => (double)x * x), 1e-5));
        Assert.Equal(3 * 4, tower.Classify(pictures).Count);
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void A_text_ends_at_its_end_token_or_at_its_largest_one()
    {
        var config = ModelConfig.Read(SharedFolder.Require("golden/clip"));
        Assert.Equal([6, 8, 13], ClipModel.Create(config, seed: 1).Text.EndsOf(Texts())); // the configuration says 2, as old ones do
        string json = config.Json.GetRawText().Replace("\"eos_token_id\": 2", "\"eos_token_id\": 42", StringComparison.Ordinal);
        ClipTextBackbone text = ClipModel.Create(ModelConfig.From(JsonDocument.Parse(json).RootElement, "config.json"), seed: 1).Text;
        Assert.Equal([0, 3], text.EndsOf(new TokenBatch([42, 9, 1, 42, 42], [2, 3])));
        Assert.Contains("Text 1 has no token 42", Assert.Throws<ArgumentException>(() => text.EndsOf(new TokenBatch([42, 9, 1], [1, 2]))).Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void A_vision_tower_alone_is_no_whole_model()
    {
        var config = ModelConfig.Read(SharedFolder.Require("golden/clip"));
        var tower = ModelConfig.From(config.Json.GetProperty("vision_config"), "config.json");
        var fault = Assert.Throws<CheckpointException>(() => ClipModel.Create(tower, seed: 1));
        Assert.Contains("'text_config' is missing", fault.Message, StringComparison.Ordinal);
    }

    // PEFT's name of a pair's half in memory: …q_proj.lora_A.default.weight.
    private static string NameOf(Parameter parameter)
    {
        int last = parameter.Name.LastIndexOf('.');
        return $"base_model.model.{parameter.Name[..last]}.default.{parameter.Name[(last + 1)..]}";
    }

    // The decay, 0.01, is that of the fixtures; betas and epsilon are AdamW's defaults.
    private static void Train(ClipModel model, Parameter[] parameters, double learningRate)
    {
        Tensor[] means = [.. parameters.Select(parameter => Tensor.CreateLongLived(parameter.Value.Shape))];
        Tensor[] squares = [.. parameters.Select(parameter => Tensor.CreateLongLived(parameter.Value.Shape))];
        for (int step = 1; step <= 3; step++)
        {
            foreach (Parameter parameter in parameters)
            {
                parameter.Trainable = true;
                parameter.Value.ClearGrad();
            }

            using (var tape = Tape.Begin())
            {
                tape.Backward(Loss(model));
            }

            for (int i = 0; i < parameters.Length; i++)
            {
                Updates.AdamWStep(parameters[i].Value, parameters[i].Value.Grad!, means[i], squares[i], new AdamWSettings { LearningRate = learningRate, WeightDecay = 0.01, Step = step });
            }
        }
    }

    private static float[] Logits(ClipModel model)
    {
        using var tape = Tape.Begin(record: false);
        return Compare(model).ToArray();
    }

    private static Tensor Loss(ClipModel model)
    {
        Tensor logits = Compare(model);
        return Ops.Scale(Ops.Add(MeanLoss(logits), MeanLoss(Ops.Transpose(logits))), 0.5f);
    }

    private static Tensor Compare(ClipModel model) => model.Head.Forward(
        model.PictureVectors(GoldenPictures.Read(TensorFile.Read(SharedFolder.Require("golden/clip/inputs.safetensors")))), model.TextVectors(Texts()));

    private static TokenBatch Texts() => new([.. s_texts.SelectMany(ids => ids)], [.. s_texts.Select(ids => ids.Length)]);

    private static Tensor MeanLoss(Tensor logits) => Ops.CrossEntropy(logits, [.. Enumerable.Range(0, logits.Rows)], scale: 1f / logits.Rows);
}
