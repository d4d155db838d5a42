using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class LinearTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Values_are_the_weighted_sums_plus_bias(bool transposed)
    {
        Tensor x = TestTensors.Random([2, 3, 5], 1, gap: 4);
        Tensor weight = TestTensors.Random(transposed ? [5, 7] : [7, 5], 2);
        Tensor bias = TestTensors.Random([7], 3);
        Tensor y = Linear(x, weight, bias, transposed);

        Assert.Equal([2, 3, 7], y.Shape);
        (float[] xs, float[] w, float[] b) = (x.ToArray(), weight.ToArray(), bias.ToArray());
        double[] expected = new double[6 * 7];
        for (int i = 0; i < expected.Length; i++)
        {
            (int row, int feature) = Math.DivRem(i, 7);
            expected[i] = b[feature];
            for (int c = 0; c < 5; c++)
            {
                expected[i] += (double)xs[(row * 5) + c] * w[transposed ? (c * 7) + feature : (feature * 5) + c];
            }
        }

        TestTensors.Close(expected, y.ToArray(), 1e-6);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gradients_equal_central_differences(bool transposed)
    {
        OpChecks.Gradient(inputs => Linear(inputs[0], inputs[1], inputs[2], transposed), [[2, 3, 5], transposed ? [5, 7] : [7, 5], [7]]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void In_bf16_all_three_products_round_their_operands_and_nothing_else_does(bool transposed)
    {
        float[][] rounded = Results(MatMulPrecision.Bf16, 40, 50);
        (Tensor x, Tensor weight, Tensor bias, float[] dy) = Operands(transposed, 40, 50);
        (Tensor roundedX, Tensor roundedWeight) = (Rounded(x), Rounded(weight));
        Tensor roundedDy = TestTensors.Of([9, 50], [.. dy.Select(value => DTypes.FromBF16(DTypes.ToBF16(value)))], DType.F32, null, 0, false);
        float[] product = Linear(roundedX, roundedWeight, bias, transposed).ToArray();
        float[] dx = Linear(roundedDy, roundedWeight, null, !transposed).ToArray();
        Tensor dweight = Tensor.CreateLongLived(weight.Shape);
        (Tensor left, Tensor right) = transposed ? (roundedX, roundedDy) : (roundedDy, roundedX);
        dweight.Backend.MatMul(left, true, right, false, null, dweight, add: false);
        TestTensors.SameBits(product, rounded[0]);
        TestTensors.SameBits(dx, rounded[1]);
        TestTensors.SameBits(dweight.ToArray(), rounded[2]);
        TestTensors.SameBits(Results(MatMulPrecision.Fp32, 40, 50)[3], rounded[3]); // the bias' gradient is a sum, not a product

        float[][] Results(MatMulPrecision precision, int inputs, int features)
        {
            (Tensor input, Tensor w, Tensor b, float[] factors) = Operands(transposed, inputs, features);
            using var tape = Tape.Begin(precision: precision);
            Tensor y = Linear(input, w, b, transposed);
            float[] values = y.ToArray();
            tape.Backward(TestTensors.WeightedSum(y, factors));
            return [values, input.Grad!.ToArray(), w.Grad!.ToArray(), b.Grad!.ToArray()];
        }
    }

    [Theory]
    [InlineData(31, 40)]
    [InlineData(40, 31)]
    public void A_narrow_weight_is_multiplied_in_32_bits_whatever_the_tape_says(int inputs, int features)
    {
        (Tensor x, Tensor weight, Tensor bias, _) = Operands(transposed: false, inputs, features);
        float[] exact = Linear(x, weight, bias).ToArray();
        using var tape = Tape.Begin(precision: MatMulPrecision.Bf16);
        TestTensors.SameBits(exact, Linear(x, weight, bias).ToArray());
    }

    private static (Tensor X, Tensor Weight, Tensor Bias, float[] Dy) Operands(bool transposed, int inputs, int features) => (
        TestTensors.Random([9, inputs], 1, trained: true),
        TestTensors.Random(transposed ? [inputs, features] : [features, inputs], 2, trained: true),
        TestTensors.Random([features], 3, trained: true),
        TestTensors.Normal(9 * features, 7));

    private static Tensor Rounded(Tensor tensor) =>
        TestTensors.Of(tensor.Shape, [.. tensor.ToArray().Select(value => DTypes.FromBF16(DTypes.ToBF16(value)))], DType.F32, null, 0, false);

    [Fact]
    public void Gradients_of_a_layer_used_twice_add_up()
    {
        Tensor x = TestTensors.Random([4, 6], 1, trained: true);
        Tensor weight = TestTensors.Random([6, 6], 2, trained: true);
        Tensor bias = TestTensors.Random([6], 3, trained: true);
        TestTensors.CheckGradients(() => Add(Linear(Linear(x, weight, bias), weight, bias), x), x, weight, bias);
    }

    [Fact]
    public void Gradients_of_micro_batches_add_up_until_they_are_cleared()
    {
        Tensor weight = TestTensors.Random([3, 4], 2, trained: true);
        float[] once = GradientAfter(weight, passes: 1);
        float[] twice = GradientAfter(weight, passes: 2);
        TestTensors.Close([.. once.Select(g => 2.0 * g)], twice, 1e-6);
        TestTensors.SameBits(once, GradientAfter(weight, passes: 1));

        static float[] GradientAfter(Tensor weight, int passes)
        {
            weight.ClearGrad();
            for (int pass = 0; pass < passes; pass++)
            {
                using Tape tape = Tape.Begin();
                tape.Backward(TestTensors.WeightedSum(Linear(TestTensors.Random([5, 4], 1), weight), TestTensors.Normal(15, 7)));
            }

            return weight.Grad!.ToArray();
        }
    }

    [Fact]
    public void A_frozen_weight_keeps_nothing_and_receives_no_gradient()
    {
        Tensor x = TestTensors.Random([4, 6], 1, trained: true);
        Tensor weight = TestTensors.Random([3, 6], 2, DType.BF16);
        using Tape tape = Tape.Begin();
        Tensor y = Linear(x, weight);
        Assert.Empty(tape.Nodes[^1].Held);
        tape.Backward(TestTensors.WeightedSum(y, TestTensors.Normal(12, 7)));
        Assert.Null(weight.Grad);
        Assert.NotNull(x.Grad);
    }

    [Theory]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void Gradient_passes_through_a_sixteen_bit_weight(DType dtype)
    {
        Tensor x = TestTensors.Random([4, 6], 1, trained: true);
        Tensor weight = TestTensors.Random([3, 6], 2, dtype);
        TestTensors.CheckGradients(() => Linear(x, weight), x);
    }

    [Fact]
    public void Gradients_are_the_same_bits_for_any_number_of_threads()
    {
        float[][]? first = null;
        foreach (var backend in TestTensors.Teams)
        {
            Tensor x = TestTensors.Random([150, 70], 1, backend, trained: true);
            Tensor weight = TestTensors.Random([90, 70], 2, backend, trained: true);
            Tensor bias = TestTensors.Random([90], 3, backend, trained: true);
            using (Tape tape = Tape.Begin(backend: backend))
            {
                tape.Backward(TestTensors.WeightedSum(Linear(x, weight, bias), TestTensors.Normal(150 * 90, 4)));
            }

            float[][] gradients = [x.Grad!.ToArray(), weight.Grad!.ToArray(), bias.Grad!.ToArray()];
            first ??= gradients;
            for (int i = 0; i < gradients.Length; i++)
            {
                TestTensors.SameBits(first[i], gradients[i]);
            }
        }
    }

    [Fact]
    public void Faults_name_both_shapes()
    {
        Tensor x = TestTensors.Random([2, 5], 1);
        Tensor weight = TestTensors.Random([7, 5], 2);
        Assert.Equal("Linear: weight has shape [7, 5], expected [5, Out] for x [2, 5].", Assert.Throws<ShapeException>(() => Linear(x, weight, transposed: true)).Message);
        Assert.Equal("Linear: bias has shape [5], expected [7].", Assert.Throws<ShapeException>(() => Linear(x, weight, TestTensors.Random([5], 3))).Message);
        Assert.Throws<ShapeException>(() => Linear(x, TestTensors.Random([5], 3)));
    }

    [Fact]
    public void A_sixteen_bit_weight_cannot_be_trained()
    {
        Tensor weight = TestTensors.Random([7, 5], 2, DType.BF16);
        weight.NeedsGrad = true;
        Assert.Contains("cannot be trained", Assert.Throws<ArgumentException>(() => Linear(TestTensors.Random([2, 5], 1), weight)).Message, StringComparison.Ordinal);
    }
}
