using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class EmbeddingTests
{
    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void Rows_of_the_table_are_looked_up_exactly(DType dtype)
    {
        Tensor table = TestTensors.Random([6, 37], 1, dtype);
        float[] values = table.ToArray();
        foreach (var backend in TestTensors.Widths)
        {
            Tensor copy = TestTensors.Of(table.Shape, values, dtype, backend, 0, false);
            Tensor y = Embedding(copy, [3, 0, 3, 5]);
            Assert.Equal([4, 37], y.Shape);
            TestTensors.SameBits([.. values[111..148], .. values[..37], .. values[111..148], .. values[185..]], y.ToArray());
        }
    }

    [Fact]
    public void Gradient_of_a_row_is_the_sum_over_the_positions_that_used_it()
    {
        Tensor table = TestTensors.Random([9, 5], 1, trained: true);
        TestTensors.CheckGradients(() => Embedding(table, [3, 0, 3, 8, 3, 0]), table);
    }

    [Fact]
    public void Gradients_add_to_those_of_a_tied_projection()
    {
        Tensor table = TestTensors.Random([9, 5], 1, trained: true);
        TestTensors.CheckGradients(() => Linear(Embedding(table, [3, 0, 3]), table), table);
    }

    [Fact]
    public void Gradient_is_the_same_bits_for_any_number_of_threads()
    {
        int[] ids = [.. TestTensors.Normal(3000, 5).Select(value => Math.Min(19, (int)(Math.Abs(value) * 7)))]; // long runs of equal ids
        double[]? expected = null;
        float[]? first = null;
        foreach (var backend in TestTensors.Teams)
        {
            Tensor table = TestTensors.Random([20, 33], 1, backend, trained: true);
            float[] dy = TestTensors.Normal(3000 * 33, 6);
            using (Tape tape = Tape.Begin(backend: backend))
            {
                tape.Backward(TestTensors.WeightedSum(Embedding(table, ids), dy));
            }

            if (expected is null)
            {
                expected = new double[20 * 33];
                for (int i = 0; i < dy.Length; i++)
                {
                    expected[(ids[i / 33] * 33) + (i % 33)] += dy[i];
                }
            }

            float[] gradient = table.Grad!.ToArray();
            TestTensors.Close(expected, gradient, 1e-4);
            first ??= gradient;
            TestTensors.SameBits(first, gradient);
        }
    }

    [Theory]
    [InlineData(9)]
    [InlineData(-1)]
    public void An_unknown_id_is_named_with_the_size_of_the_vocabulary(int id)
    {
        Tensor table = TestTensors.Random([9, 5], 1);
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => Embedding(table, [3, id]));
        Assert.Contains($"id {id} at position 1 is outside the vocabulary of 9", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_ids_give_no_rows() => Assert.Equal([0, 5], Embedding(TestTensors.Random([9, 5], 1), []).Shape);

    [Fact]
    public void A_table_must_be_a_matrix() => Assert.Throws<ShapeException>(() => Embedding(TestTensors.Random([9], 1), [0]));

    [Fact]
    public void A_sixteen_bit_table_cannot_be_trained()
    {
        Tensor table = TestTensors.Random([9, 5], 1, DType.F16);
        table.NeedsGrad = true;
        Assert.Throws<ArgumentException>(() => Embedding(table, [0]));
    }
}
