using Hieno.Models.Layers;
using Hieno.Tensors;
using Hieno.Testing;

namespace Hieno.Models.Tests.Layers;

public sealed class HeadNormTests
{
    private const int Heads = 3;
    private const int Width = 4;
    private const float Eps = 1e-5f;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Each_head_is_normalised_by_itself_and_scaled_by_gains_of_its_own(bool apart)
    {
        var norm = new ScaledHeadNorm(new WeightScope(new NumberedWeights()).At("q_norm"), Heads, Width, Eps, apart);
        Assert.Equal(apart ? ["q_norm.norms.0.weight", "q_norm.norms.1.weight", "q_norm.norms.2.weight"] : ["q_norm.weight"], norm.Parameters().Select(parameter => parameter.Name));
        float[] gains = [.. norm.Parameters().SelectMany(parameter => parameter.Value.ToArray())];
        TensorAssert.Close(Expected(head => gains.AsSpan(head * Width, Width).ToArray()), norm.Forward(Input()), 1e-5, 1e-5);
    }

    [Fact]
    public void One_scale_serves_all_heads()
    {
        var norm = new HeadNorm(new LayerNorm(new WeightScope(new NumberedWeights()), Width, Eps, bias: false), Width);
        float[] gain = norm.Parameters().Single().Value.ToArray();
        TensorAssert.Close(Expected(_ => gain), norm.Forward(Input()), 1e-5, 1e-5);
    }

    private static Tensor Input() => Tensor.FromValues([2, Heads * Width], Values());

    private static float[] Values()
    {
        float[] values = new float[2 * Heads * Width];
        new Rng(5, RngStream.Augmentation).FillNormal(values, 1f, 2f, 0);
        return values;
    }

    private static double[] Expected(Func<int, float[]> gains) =>
    [
        .. Values().Chunk(Width).SelectMany((head, i) =>
        {
            double mean = head.Average(x => (double)x);
            double deviation = Math.Sqrt(head.Average(x => (x - mean) * (x - mean)) + Eps);
            return head.Zip(gains(i % Heads), (x, gain) => (x - mean) / deviation * gain);
        }),
    ];

    // Weights that all differ.
    private sealed class NumberedWeights : WeightSource
    {
        private int _next = 1;

        public override bool Has(string name) => true;

        public override Tensor Take(string name, Shape shape, Initializer initializer, bool mayBeNew) =>
            Tensor.FromValues(shape, [.. Enumerable.Range(0, (int)shape.Count).Select(_ => 0.25f * _next++)]);
    }
}
