using Hieno.Models;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class LoRAStartTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("bert", LoRAStart.Pissa)]
    [InlineData("gpt2", LoRAStart.Pissa)]
    [InlineData("llama", LoRAStart.Olora)]
    [InlineData("gpt2", LoRAStart.Olora)]
    [InlineData("bert", LoRAStart.Gaussian)]
    public void Every_start_begins_at_the_base_model_and_comes_back_from_its_folder(string family, LoRAStart start)
    {
        TextModel model = TinyTuning.Classifier(family);
        float[] before = TinyTuning.Output(model);
        Dictionary<string, float[]> weights = TinyTuning.Weights(model);
        TunedModel tuned = new LoRAOptions { Rank = 4, Initialization = start, Targets = [LayerTargets.AllLinear] }.Create().Apply(model, seed: 3);
        TensorAssert.Close(before, Tensor.FromValues([before.Length], TinyTuning.Output(model)), absolute: 1e-4);

        float[] losses = TinyTuning.Train(tuned, steps: 8);
        Assert.True(losses[^1] < 0.7f * losses[0], $"{losses[0]} → {losses[^1]}");
        Assert.Equal(weights, TinyTuning.Weights(model));
        PeftFolder.Save(tuned.Adapter!, _folder.Path, "base");
        TextModel other = TinyTuning.Classifier(family);
        PeftFolder.Load(other, _folder.Path);
        TensorAssert.Close(TinyTuning.Output(model), Tensor.FromValues([before.Length], TinyTuning.Output(other)), absolute: 1e-6);
    }

    [Fact]
    public void Pissa_takes_the_strongest_directions()
    {
        // diag(3, 2, 1) turned a little: what is left without the two strongest directions is as long as the third.
        (double[] u, double[] s, double[] v) = Matrices.LeadingSingular([3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0], 4, 3, 2);
        Assert.Equal([3.0, 2.0], s, (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(1, Math.Abs(u[0]), 1e-12);
        Assert.Equal(1, Math.Abs(v[0]), 1e-12);
        Assert.Equal(1, Math.Abs(v[3]), 1e-12);
    }

    [Theory]
    [InlineData(40, 24)]
    [InlineData(24, 40)]
    [InlineData(260, 300)] // large enough for the projection
    public void Singular_vectors_reproduce_a_matrix_of_low_rank(int rows, int columns)
    {
        const int Rank = 5;
        float[] noise = new float[(rows + columns) * Rank];
        new Rng(4, RngStream.Initialization).FillNormal(noise, 0, 1, step: 0);
        double[] all = Array.ConvertAll(noise, value => (double)value);
        double[] w = Matrices.Multiply(all[..(rows * Rank)], all[(rows * Rank)..], rows, Rank, columns);
        (double[] u, double[] s, double[] v) = Matrices.LeadingSingular(w, rows, columns, Rank);
        for (int i = 0; i < w.Length; i++)
        {
            double sum = Enumerable.Range(0, Rank).Sum(k => u[((i / columns) * Rank) + k] * s[k] * v[((i % columns) * Rank) + k]);
            Assert.Equal(w[i], sum, 1e-9);
        }

        Assert.Equal(s.OrderDescending(), s);
    }

    [Fact]
    public void Blocks_are_chosen_by_number_and_B_learns_faster_with_a_ratio()
    {
        TunedModel tuned = new LoRAOptions { Layers = [1], PlusRatio = 16, Bias = LoRABias.LoraOnly }.Create().Apply(TinyTuning.Language("bert"), seed: 1);
        Assert.All(tuned.Adapter!.Parts, part => Assert.Contains("layer.1.", part.Place.Path, StringComparison.Ordinal));
        Assert.All(tuned.Trainable, parameter => Assert.Equal(parameter.Name.EndsWith("lora_A.weight", StringComparison.Ordinal) ? 1 : 16, parameter.LearningRateFactor));
        Assert.Throws<TuningException>(() => new LoRAOptions { Layers = [7] }.Create().Apply(TinyTuning.Language("bert"), seed: 1));
    }
}
