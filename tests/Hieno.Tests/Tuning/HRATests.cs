using Hieno.Models.Layers;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class HRATests : PeftMethodInvariants
{
    protected override AdapterOptions Options => new HRAOptions { Rank = 4, Targets = [LayerTargets.AllLinear] };

    protected override double StartDifference => 1e-5;

    protected override (int Steps, double Rate) Learning => (20, 0.1);

    protected override (string Folder, string Base, AdapterOptions Options) Golden => ("hra", "llama", new HRAOptions { Rank = 4, Targets = ["q_proj", "v_proj"] });

    protected override long CountFor(string family) => 2 * 4 * family switch
    {
        "bert" => (5 * 16) + 24,
        "gpt2" => (3 * 16) + 24,
        _ => (6 * 16) + 24,
    };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_weight_is_reflected_at_one_vector_after_the_other_or_at_their_span(bool orthogonal)
    {
        const int Width = 16;
        const int Rank = 3;
        TunedModel tuned = new HRAOptions { Rank = Rank, Orthogonal = orthogonal, Targets = ["q_proj"] }.Create().Apply(TinyTuning.Language("llama"), seed: 3);
        var part = (HRAUpdate)tuned.Adapter!.Parts[0];
        double[][] vectors = [.. Enumerable.Range(0, Rank).Select(k => Enumerable.Range(0, Width).Select(i => (double)part.Parameters[0].Value.ToArray()[(i * Rank) + k]).ToArray())];
        float[] weight = part.Layer.Weight.Value.ToArray();
        double[] expected = Array.ConvertAll(weight, value => (double)value);
        for (int k = 0; k < Rank; k++)
        {
            // The span's reflection is that at orthonormal vectors, one after the other.
            for (int j = 0; orthogonal && j < k; j++)
            {
                double share = Dot(vectors[k], vectors[j]) / Dot(vectors[j], vectors[j]);
                vectors[k] = [.. vectors[k].Zip(vectors[j], (a, b) => a - (share * b))];
            }

            for (int row = 0; row < Width; row++)
            {
                double[] w = expected[(row * Width)..((row + 1) * Width)];
                double factor = 2 * Dot(w, vectors[k]) / Dot(vectors[k], vectors[k]);
                for (int i = 0; i < Width; i++)
                {
                    expected[(row * Width) + i] -= factor * vectors[k][i];
                }
            }
        }

        tuned.Adapter.Merge();
        TensorAssert.Close(expected, part.Layer.Weight.Base, absolute: 1e-5);
    }

    [Fact]
    public void The_weights_length_stays_as_it_was()
    {
        TunedModel tuned = new HRAOptions { Rank = 4, Targets = ["q_proj"] }.Create().Apply(TinyTuning.Language("llama"), seed: 3);
        TinyTuning.Train(tuned, steps: 10, rate: 0.1);
        Linear layer = ((LinearUpdate)tuned.Adapter!.Parts[0]).Layer;
        double before = layer.Weight.Value.ToArray().Sum(value => (double)value * value);
        tuned.Adapter.Merge();
        Assert.Equal(before, layer.Weight.Value.ToArray().Sum(value => (double)value * value), 1e-4 * before);
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
}
