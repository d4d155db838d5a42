using Hieno.Models.Layers;
using Hieno.Tensors;
using Hieno.Testing;

namespace Hieno.Models.Tests.Layers;

public sealed class LinearUpdateTests
{
    [Fact]
    public void Changes_of_input_and_weight_come_before_the_product_and_those_of_the_output_after_it()
    {
        Linear layer = Layer();
        float[] x = [0.5f, -1f, 2f];
        new Scaling(layer, input: 2f, weight: 3f, output: 1f).Attach();
        new Scaling(layer, input: 0.5f, weight: 1f, output: 10f).Attach(); // acts on what the first made

        double[] expected = new double[2];
        (float[] w, float[] b) = (layer.Weight.Value.ToArray(), layer.Bias!.Value.ToArray());
        for (int o = 0; o < 2; o++)
        {
            for (int i = 0; i < 3; i++)
            {
                expected[o] += 3.0 * w[(o * 3) + i] * x[i];
            }

            expected[o] = 10 * (expected[o] + b[o]);
        }

        using var tape = Tape.Begin(record: false);
        TensorAssert.Close(expected, layer.Forward(Tensor.FromValues([1, 3], x)), absolute: 1e-5);
    }

    [Fact]
    public void An_update_that_overrides_nothing_and_one_that_is_off_leave_the_output_bit_for_bit()
    {
        Linear layer = Layer();
        float[] before = Output(layer);
        new Nothing(layer).Attach();
        var off = new Scaling(layer, 2f, 2f, 2f) { Enabled = false };
        off.Attach();
        Assert.Equal(before, Output(layer));
        Assert.Equal(2, layer.Parts.Count);
        off.Detach();
        Assert.Single(layer.Parts);
    }

    private static Linear Layer() => new(new WeightScope(new RandomWeights(3)).At("layer"), 3, 2, Initializer.Normal(1f));

    private static float[] Output(Linear layer)
    {
        using var tape = Tape.Begin(record: false);
        return layer.Forward(Tensor.FromValues([2, 3], [1, 2, 3, -1, 0.5f, 7])).ToArray();
    }

    private sealed class Nothing(Linear layer) : LinearUpdate(layer, "test")
    {
        public override IReadOnlyList<Parameter> Parameters => [];
    }

    private sealed class Scaling(Linear layer, float input, float weight, float output) : LinearUpdate(layer, "test")
    {
        public override IReadOnlyList<Parameter> Parameters => [];

        public override Tensor TransformInput(Tensor x) => Ops.Scale(x, input);

        public override Tensor TransformWeight(Tensor w) => Ops.Scale(w, weight);

        public override Tensor Apply(Tensor x, Tensor y) => Ops.Scale(y, output);
    }
}
