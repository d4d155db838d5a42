using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class BlockExpansionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("gpt2", false)]
    [InlineData("gpt2", true)]
    [InlineData("llama", false)]
    [InlineData("llama", true)]
    [InlineData("qwen2", false)]
    [InlineData("mistral", false)]
    public void The_grown_model_starts_from_the_base_and_only_new_blocks_learn(string family, bool classifier)
    {
        TextModel model = Open(family, classifier);
        float[] before = TinyTuning.Output(model);
        TunedModel tuned = new BlockExpansionOptions { Groups = 2 }.Create().Apply(model, seed: 3);
        Assert.Equal(4, tuned.Text().Backbone.Blocks.Count);

        // A classifier's last block computes only the tokens that are read, and products of fewer rows round otherwise; that block is now another one.
        TensorAssert.Close(before, Tensor.FromValues([before.Length], TinyTuning.Output(tuned.Text())), absolute: classifier ? 1e-6 : 0, relative: 0);
        Assert.All(tuned.Trainable, parameter => Assert.True(parameter.Depth is 2 or 4, parameter.Name)); // on top of blocks 0 and 1
        Assert.Equal(model.Parameters().Where(parameter => parameter.Depth is 1 or 2).Sum(parameter => parameter.Count), tuned.TrainableCount);
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void Training_lowers_the_loss_and_changes_no_bit_of_the_base(string family)
    {
        TextModel model = TinyTuning.Language(family);
        Dictionary<string, float[]> before = TinyTuning.Weights(model);
        TunedModel tuned = new BlockExpansionOptions { Groups = 1, Copies = 2 }.Create().Apply(model, seed: 3);
        float[] losses = TinyTuning.Train(tuned, steps: 20);
        Assert.True(losses[^1] < 0.7f * losses[0], $"{losses[0]} → {losses[^1]}");
        Assert.Equal(before, TinyTuning.Weights(model));
        Dictionary<string, float[]> after = TinyTuning.Weights(tuned.Text());
        Assert.All(before, weight => Assert.Equal(weight.Value, after[weight.Key])); // blocks 0 and 1 keep their numbers, copies are 2 and 3
    }

    [Theory]
    [InlineData("gpt2", "n_layer")]
    [InlineData("llama", "num_hidden_layers")]
    public void It_is_saved_as_a_plain_model_of_more_layers(string family, string key)
    {
        TunedModel tuned = new BlockExpansionOptions { Groups = 2 }.Create().Apply(TinyTuning.Language(family), seed: 3);
        TinyTuning.Train(tuned, steps: 3);
        WeightFiles.SaveModel(tuned.Model, _folder.Path, companions: null);
        var config = ModelConfig.Read(_folder.Path);
        Assert.Equal(4, config.GetInt(key));
        Assert.Equal(TinyTuning.Output(tuned.Text()), TinyTuning.Output(TextModel.Load(_folder.Path, HeadChoice.Language)));
    }

    [Fact]
    public void What_the_configuration_says_of_single_blocks_moves_with_them()
    {
        JsonObject json = JsonObject.Create(TinyTuning.Config("llama").Json)!;
        (json["model_type"], json["use_sliding_window"], json["sliding_window"], json["max_window_layers"]) = ("qwen2", true, 2, 1);
        json["layer_types"] = new JsonArray("full_attention", "sliding_attention");
        TextModel model = TextModel.Create(ModelConfig.From(JsonDocument.Parse(json.ToJsonString()).RootElement.Clone(), "config.json"), HeadChoice.Language, seed: 1);
        TunedModel tuned = new BlockExpansionOptions { Groups = 2 }.Create().Apply(model, seed: 3);
        Assert.Equal(TinyTuning.Output(model), TinyTuning.Output(tuned.Text())); // rows longer than the window
        Assert.Equal(2, tuned.Model.Config.GetInt("max_window_layers"));
        Assert.Equal(["full_attention", "full_attention", "sliding_attention", "sliding_attention"], tuned.Model.Config.GetStrings("layer_types"));
    }

    [Fact]
    public void Blocks_that_cannot_be_grown_are_refused_by_name()
    {
        TuningException Refusal(TextModel model, BlockExpansionOptions options) => Assert.Throws<TuningException>(() => options.Create().Apply(model, seed: 1));
        Assert.StartsWith("block-expansion: a block of a 'bert' model normalises what it adds up", Refusal(TinyTuning.Language("bert"), new()).Message, StringComparison.Ordinal);
        Assert.Contains("the model's 2 blocks in 3 groups are 0 to a group, fewer than the 1", Refusal(TinyTuning.Language("llama"), new() { Groups = 3 }).Message, StringComparison.Ordinal);
        Assert.Single(new SeveralOptions { Methods = [new BlockExpansionOptions(), new LoRAOptions()] }.Validate());
    }

    private static TextModel Open(string family, bool classifier)
    {
        if (family is "gpt2" or "llama")
        {
            return classifier ? TinyTuning.Classifier(family) : TinyTuning.Language(family);
        }

        JsonObject json = JsonObject.Create(TinyTuning.Config("llama").Json)!;
        json["model_type"] = family;
        return TextModel.Create(ModelConfig.From(JsonDocument.Parse(json.ToJsonString()).RootElement.Clone(), "config.json"), HeadChoice.Language, seed: 1);
    }
}
