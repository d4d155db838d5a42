using Hieno.Tensors.Cpu;

namespace Hieno.Tensors.Tests.Cpu;

/// <summary>Products with a weight in NF4 against those with its expanded numbers.</summary>
public sealed class Nf4NumbersTests
{
    // Rows, depth, columns: few rows and many, weights whose rows are whole blocks, parts of blocks and odd, one slice of the depth and
    // several, which begin anywhere in a block.
    public static TheoryData<int, int, int> Sizes => new()
    {
        { 1, 1, 1 }, { 1, 64, 64 }, { 3, 129, 64 }, { 5, 768, 96 }, { 8, 65, 33 }, { 17, 1126, 70 }, { 40, 64, 160 }, { 70, 1125, 130 }, { 100, 800, 192 }, { 600, 45, 67 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Product_is_bit_by_bit_that_of_the_expanded_weight(int rows, int depth, int columns)
    {
        float[]? first = null;
        foreach (CpuBackend backend in TestTensors.Widths.Concat(TestTensors.Teams))
        {
            float[] results = [.. ((bool[])[false, true]).SelectMany(transposed =>
            {
                (Tensor x, Tensor weight) = (TestTensors.Random([rows, depth], 1, backend), TestTensors.Random(transposed ? [columns, depth] : [depth, columns], 2, DType.NF4, backend));
                Tensor wide = TestTensors.Of(weight.Shape, weight.ToArray(), DType.F32, backend, 0, false);
                float[] product = Product(x, wide, transposed, MatMulPrecision.Fp32);
                TestTensors.SameBits(product, Product(x, weight, transposed, MatMulPrecision.Fp32));
                TestTensors.SameBits(Product(x, wide, transposed, MatMulPrecision.Bf16), Product(x, weight, transposed, MatMulPrecision.Bf16));
                return product;
            })];
            TestTensors.SameBits(first ??= results, results);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gradient_of_the_input_equals_central_differences(bool transposed)
    {
        Tensor x = TestTensors.Random([3, 66], 1, trained: true);
        Tensor weight = TestTensors.Random(transposed ? [66, 35] : [35, 66], 2, DType.NF4);
        TestTensors.CheckGradients(() => TestTensors.WeightedSum(Hieno.Tensors.Ops.Linear(x, weight, null, transposed), TestTensors.Normal(3 * 35, 5)), x);
    }

    [Fact]
    public void A_trained_weight_in_4_bits_is_refused()
    {
        Tensor weight = TestTensors.Random([5, 64], 2, DType.NF4);
        weight.NeedsGrad = true;
        var refusal = Assert.Throws<ArgumentException>(() => Hieno.Tensors.Ops.Linear(TestTensors.Random([2, 64], 1), weight));
        Assert.Contains("cannot be trained", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_and_transposes_are_read_as_what_they_stand_for()
    {
        Tensor weight = TestTensors.Random([20, 70], 2, DType.NF4);
        Tensor wide = TestTensors.Of(weight.Shape, weight.ToArray(), DType.F32, null, 0, false);
        int[] rows = [3, 0, 19, 3];
        TestTensors.SameBits(Hieno.Tensors.Ops.Rows(wide, rows).ToArray(), Hieno.Tensors.Ops.Rows(weight, rows).ToArray());
        TestTensors.SameBits(Hieno.Tensors.Ops.Transpose(wide).ToArray(), Hieno.Tensors.Ops.Transpose(weight).ToArray());
    }

    private static float[] Product(Tensor x, Tensor weight, bool transposed, MatMulPrecision precision)
    {
        Tensor y = Tensor.CreateLongLived([x.Rows, transposed ? weight.Rows : weight.Columns], DType.F32, x.Backend);
        x.Backend.MatMul(x, false, weight, transposed, null, y, add: false, precision);
        return y.ToArray();
    }
}
