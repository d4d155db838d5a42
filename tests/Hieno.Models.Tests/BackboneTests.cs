using Hieno.Tensors;

namespace Hieno.Models.Tests;

public sealed class BackboneTests
{
    [Theory]
    [InlineData("gpt2")]
    [InlineData("bert")]
    [InlineData("llama")]
    [InlineData("mistral")]
    [InlineData("qwen2")]
    public void Vectors_of_some_tokens_alone_are_those_of_all_tokens(string family)
    {
        TextModel model = TinyModels.Create(family);
        TokenBatch batch = TinyModels.Batch(7, 1, 9);
        foreach (int[] tokens in (int[][])[[0, 7, 8], [6, 7, 16], [2, 3, 4, 5, 6, 9, 10, 11, 12], [.. Enumerable.Range(0, 17)], []])
        {
            using Tape tape = Tape.Begin(record: false);
            float[] expected = Ops.Rows(model.Backbone.Forward(batch), tokens).ToArray();
            float[] actual = model.Backbone.Forward(batch, tokens).ToArray();
            Assert.Equal(expected.Length, actual.Length);
            Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-4f * (1 + Math.Abs(pair.First))));
        }
    }

    [Theory]
    [InlineData("gpt2", false)]
    [InlineData("bert", false)]
    [InlineData("llama", false)]
    [InlineData("qwen2", true)]
    [InlineData("gpt2", true)]
    public void Gradients_through_some_tokens_alone_are_those_through_all_tokens(string family, bool checkpointing)
    {
        TextModel model = TinyModels.Create(family);
        model.Backbone.GradientCheckpointing = checkpointing;
        TokenBatch batch = TinyModels.Batch(7, 1, 9);
        int[] tokens = [3, 7, 8, 12, 13, 14, 15, 16];
        Dictionary<string, float[]> expected = Gradients(() => Ops.Rows(model.Backbone.Forward(batch), tokens));
        Dictionary<string, float[]> actual = Gradients(() => model.Backbone.Forward(batch, tokens));
        Assert.Equal(expected.Keys, actual.Keys);
        foreach ((string name, float[] gradient) in expected)
        {
            float largest = gradient.Max(Math.Abs);
            Assert.All(gradient.Zip(actual[name]), pair => Assert.Equal(pair.First, pair.Second, (1e-4f * largest) + 1e-6f));
        }

        Dictionary<string, float[]> Gradients(Func<Tensor> hidden)
        {
            Parameter[] parameters = [.. model.Backbone.Parameters()];
            Array.ForEach(parameters, parameter =>
            {
                parameter.Trainable = true;
                parameter.Value.ClearGrad();
            });
            using Tape tape = Tape.Begin();
            Tensor x = hidden();
            tape.Backward(Ops.Sum(Ops.Mul(x, Ops.Scale(x, 1f))));
            return parameters.Where(p => p.Value.Grad is not null).ToDictionary(p => p.Name, p => p.Value.Grad!.ToArray(), StringComparer.Ordinal);
        }
    }

    [Fact]
    public void A_token_that_the_batch_does_not_have_is_refused()
    {
        TextModel model = TinyModels.Create("bert");
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Backbone.Forward(TinyModels.Batch(3), [3]));
    }
}
