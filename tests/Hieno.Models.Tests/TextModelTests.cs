using Hieno.Formats;
using Hieno.Tensors;
using Hieno.Testing;

namespace Hieno.Models.Tests;

public sealed class TextModelTests
{
    [Theory]
    [InlineData("gpt2")]
    [InlineData("bert")]
    [InlineData("llama")]
    [InlineData("qwen2")]
    public void Same_seed_gives_the_same_model_and_another_seed_another(string family)
    {
        TextModel first = TextModel.Create(TinyModels.Config(family), HeadChoice.Language, seed: 3);
        TextModel again = TextModel.Create(TinyModels.Config(family), HeadChoice.Language, seed: 3);
        TextModel other = TextModel.Create(TinyModels.Config(family), HeadChoice.Language, seed: 4);
        foreach ((Parameter a, Parameter b, Parameter c) in first.Parameters().Zip(again.Parameters(), other.Parameters()))
        {
            TensorAssert.Identical(a.Value, b.Value);
            if (a.Value.Shape.Rank > 1)
            {
                Assert.NotEqual(a.Value.ToArray(), c.Value.ToArray());
            }
        }
    }

    [Fact]
    public void Body_does_not_depend_on_the_head()
    {
        TextModel language = TextModel.Create(TinyModels.Config("llama"), HeadChoice.Language, seed: 3);
        TextModel classifier = TextModel.Create(TinyModels.Config("llama"), HeadChoice.Classification(2), seed: 3);
        foreach ((Parameter a, Parameter b) in language.Backbone.Parameters().Zip(classifier.Backbone.Parameters()))
        {
            TensorAssert.Identical(a.Value, b.Value);
        }
    }

    [Fact]
    public void First_weights_have_the_configured_deviation()
    {
        TextModel model = TextModel.Create(TinyModels.Config("gpt2", json => (json["n_embd"], json["initializer_range"]) = (64, 0.05)), HeadChoice.Language, seed: 3);
        double Deviation(string name) => Math.Sqrt(model.Parameters().Single(p => p.Name == name).Value.ToArray().Average(v => (double)v * v));
        Assert.Equal(0.05, Deviation("transformer.h.0.mlp.c_fc.weight"), 0.0015);
        Assert.Equal(0.025, Deviation("transformer.h.0.mlp.c_proj.weight"), 0.00075); // divided by √(2 · 2 layers)
        Assert.Equal(1, Deviation("transformer.ln_f.weight"));
        Assert.Equal(0, Deviation("transformer.h.0.mlp.c_fc.bias"));
    }

    [Fact]
    public void Unknown_family_is_named_along_with_the_known_ones()
    {
        var error = Assert.Throws<CheckpointException>(() => TextModel.Create(TinyModels.Config("gpt9"), HeadChoice.Language, seed: 1));
        Assert.Equal(ErrorCodes.CheckpointFamilyUnknown, error.Code);
        Assert.Contains("'gpt9' is not known. Known are albert, bert, bloom", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Model_without_the_wanted_head_says_how_to_open_it()
    {
        using var tape = Tape.Begin(record: false);
        TextModel classifier = TinyModels.Create("bert", HeadChoice.Classification(3));
        Assert.Contains("HeadChoice.Language", Assert.Throws<InvalidOperationException>(() => classifier.Logits(TinyModels.Batch(3))).Message, StringComparison.Ordinal);
        TextModel language = TinyModels.Create("bert");
        Assert.Contains("HeadChoice.Classification", Assert.Throws<InvalidOperationException>(() => language.Classify(TinyModels.Batch(3))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("bert")]
    [InlineData("llama")]
    public void Row_longer_than_the_positions_is_refused(string family)
    {
        TextModel model = TinyModels.Create(family);
        var error = Assert.Throws<ArgumentException>(() => TinyModels.Logits(model, TinyModels.Batch(2, 25)));
        Assert.Contains("25 tokens is longer than the 24 positions", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("bert")]
    [InlineData("llama")]
    public void Classifier_gives_each_row_its_numbers(string family)
    {
        using var tape = Tape.Begin(record: false);
        TextModel model = TinyModels.Create(family, HeadChoice.Classification(3));
        Assert.Equal([2, 3], model.Classify(TinyModels.Batch(4, 2)).Shape.AsSpan().ToArray());
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("bert")]
    [InlineData("llama")]
    [InlineData("mistral")]
    public void Gradient_checkpointing_gives_identical_gradients(string family)
    {
        TextModel model = TinyModels.Create(family, change: json => (json["attn_pdrop"], json["resid_pdrop"], json["hidden_dropout_prob"], json["attention_dropout"]) = (0.2, 0.2, 0.2, 0.2));
        DropoutSource Dropout() => new(new Rng(8, RngStream.Dropout), pass: 2);
        Dictionary<string, float[]> kept = TinyModels.Gradients(model, TinyModels.Batch(6, 3), Dropout());
        model.Backbone.GradientCheckpointing = true;
        Dictionary<string, float[]> recomputed = TinyModels.Gradients(model, TinyModels.Batch(6, 3), Dropout());
        Assert.Equal(kept.Keys, recomputed.Keys);
        Assert.All(kept, entry => Assert.Equal(entry.Value, recomputed[entry.Key]));
        Assert.All(kept, entry => Assert.Contains(entry.Value, v => v != 0));

        // Without masks the gradients are others: dropout was on in both passes.
        Assert.NotEqual(kept.Values.First(), TinyModels.Gradients(model, TinyModels.Batch(6, 3)).Values.First());
    }

    [Fact]
    public void Frozen_lower_blocks_get_no_gradient_and_change_nothing_above()
    {
        TextModel model = TinyModels.Create("llama");
        Dictionary<string, float[]> all = TinyModels.Gradients(model, TinyModels.Batch(6, 3));
        foreach (Parameter parameter in model.Parameters().Where(p => p.Depth < 2))
        {
            parameter.Trainable = false;
        }

        foreach (Parameter parameter in model.Parameters().Where(p => p.Trainable))
        {
            parameter.Value.ClearGrad();
        }

        using var tape = Tape.Begin();
        Tensor logits = model.Logits(TinyModels.Batch(6, 3));
        tape.Backward(Ops.Sum(Ops.Mul(logits, Ops.Scale(logits, 1f))));
        Assert.All(model.Parameters().Where(p => p.Depth < 2), p => Assert.Null(p.Value.Grad));
        Assert.All(model.Parameters().Where(p => p.Depth >= 2), p => Assert.Equal(all[p.Name], p.Value.Grad!.ToArray()));
    }
}
