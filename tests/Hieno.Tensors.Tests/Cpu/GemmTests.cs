using Hieno.Tensors.Cpu;

namespace Hieno.Tensors.Tests.Cpu;

public sealed class GemmTests
{
    // Rows, depth, columns: single numbers, fewer than a tile, exact tiles, ragged tiles, one and several slices of the depth,
    // adapters of rank 8, several blocks, and strides that collide in the cache.
    public static TheoryData<int, int, int> Sizes => new()
    {
        { 1, 1, 1 }, { 1, 5, 1 }, { 1, 40, 70 }, { 5, 3, 2 }, { 11, 8, 33 }, { 12, 16, 32 }, { 13, 17, 31 }, { 24, 384, 64 }, { 25, 385, 65 },
        { 37, 800, 100 }, { 100, 70, 8 }, { 90, 8, 150 }, { 8, 300, 90 }, { 530, 20, 45 }, { 61, 33, 400 }, { 30, 512, 40 }, { 61, 512, 70 },
        { 40, 8, 2400 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Product_equals_the_sum_in_double_precision_in_every_layout(int rows, int depth, int columns)
    {
        foreach (CpuBackend backend in TestTensors.Widths)
        {
            foreach ((bool transposeA, bool transposeB) in Layouts)
            {
                Tensor a = Operand(rows, depth, transposeA, 1, backend);
                Tensor b = Operand(depth, columns, transposeB, 2, backend);
                Tensor c = TestTensors.Random([rows, columns], 3, backend, gap: 3);
                backend.MatMul(a, transposeA, b, transposeB, null, c, add: false);
                TestTensors.Close(Reference(a, transposeA, b, transposeB, depth), c.ToArray(), 2e-6 * Math.Sqrt(depth + 1));
            }
        }
    }

    [Fact]
    public void Bias_is_added_to_each_row_and_add_keeps_what_was_there()
    {
        Tensor a = TestTensors.Random([29, 50], 1, gap: 7);
        Tensor b = TestTensors.Random([45, 50], 2);
        Tensor bias = TestTensors.Random([45], 3);
        Tensor c = TestTensors.Random([29, 45], 4, gap: 2);
        float[] before = c.ToArray();
        float[] biases = bias.ToArray();
        double[] expected = Reference(a, false, b, true, 50);
        for (int i = 0; i < expected.Length; i++)
        {
            expected[i] += before[i] + biases[i % 45];
        }

        CpuBackend.Shared.MatMul(a, false, b, true, bias, c, add: true);
        TestTensors.Close(expected, c.ToArray(), 2e-5);
    }

    [Fact]
    public void Numbers_between_the_rows_of_the_result_are_left_alone()
    {
        Tensor memory = TestTensors.Random([20, 60], 5);
        float[] before = memory.ToArray();
        CpuBackend.Shared.MatMul(TestTensors.Random([20, 9], 1), false, TestTensors.Random([9, 41], 2), false, null, memory.ColumnRange(4, 41), add: false);
        float[] after = memory.ToArray();
        for (int i = 0; i < after.Length; i++)
        {
            Assert.True(i % 60 is >= 4 and < 45 || after[i] == before[i], $"Number {i} was overwritten.");
        }
    }

    [Theory]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    [InlineData(DType.NF4)]
    public void Operands_of_fewer_bits_give_the_product_of_their_expanded_numbers(DType dtype)
    {
        foreach (CpuBackend backend in TestTensors.Widths)
        {
            foreach ((bool transposeA, bool transposeB) in Layouts)
            {
                Tensor a = TestTensors.Random(transposeA ? [45, 27] : [27, 45], 1, dtype, backend);
                Tensor b = TestTensors.Random(transposeB ? [67, 45] : [45, 67], 2, dtype, backend);
                Tensor wideA = TestTensors.Of(a.Shape, a.ToArray(), DType.F32, backend, 0, false);
                Tensor wideB = TestTensors.Of(b.Shape, b.ToArray(), DType.F32, backend, 0, false);
                Tensor c = Tensor.CreateLongLived([27, 67], DType.F32, backend);
                Tensor expected = Tensor.CreateLongLived([27, 67], DType.F32, backend);
                backend.MatMul(a, transposeA, b, transposeB, null, c, add: false);
                backend.MatMul(wideA, transposeA, wideB, transposeB, null, expected, add: false);
                TestTensors.SameBits(expected.ToArray(), c.ToArray());
            }
        }
    }

    [Theory]
    [InlineData(1, 900, 300)]
    [InlineData(40, 900, 300)]
    [InlineData(700, 100, 70)]
    [InlineData(50, 1024, 70)]
    [InlineData(600, 8, 70)]
    public void Result_is_the_same_bit_by_bit_for_any_number_of_threads_and_any_vectors(int rows, int depth, int columns)
    {
        foreach ((bool transposeA, bool transposeB) in Layouts)
        {
            float[]? first = null;
            foreach (CpuBackend backend in TestTensors.Teams.Concat(TestTensors.Widths))
            {
                Tensor c = Tensor.CreateLongLived([rows, columns], DType.F32, backend);
                backend.MatMul(
                    Operand(rows, depth, transposeA, 1, backend), transposeA, Operand(depth, columns, transposeB, 2, backend), transposeB, null, c, add: false);
                first ??= c.ToArray();
                TestTensors.SameBits(first, c.ToArray());
            }
        }
    }

    [Fact]
    public void A_row_gives_the_same_bits_alone_and_among_others()
    {
        Tensor a = TestTensors.Random([1100, 450], 1);
        Tensor b = TestTensors.Random([450, 90], 2);
        Tensor all = Tensor.CreateLongLived([1100, 90]);
        CpuBackend.Shared.MatMul(a, false, b, false, null, all, add: false);
        foreach ((int start, int count) in new[] { (0, 1), (17, 5), (600, 13), (3, 1097) })
        {
            Tensor some = Tensor.CreateLongLived([count, 90]);
            CpuBackend.Shared.MatMul(a.RowRange(start, count), false, b, false, null, some, add: false);
            TestTensors.SameBits(all.RowRange(start, count).ToArray(), some.ToArray());
        }
    }

    [Fact]
    public void A_long_transposed_operand_is_packed_in_several_passes()
    {
        int depth = 9000; // 4 Mi numbers of packed A hold fewer than the 600 rows
        Tensor a = TestTensors.Random([depth, 600], 1);
        Tensor b = TestTensors.Random([depth, 3], 2);
        Tensor c = Tensor.CreateLongLived([600, 3]);
        CpuBackend.Shared.MatMul(a, true, b, false, null, c, add: false);
        TestTensors.Close(Reference(a, true, b, false, depth), c.ToArray(), 2e-4);
    }

    private static (bool A, bool B)[] Layouts => [(false, false), (false, true), (true, false), (true, true)];

    private static Tensor Operand(int rows, int columns, bool transposed, ulong seed, CpuBackend backend) =>
        TestTensors.Random(transposed ? [columns, rows] : [rows, columns], seed, backend, gap: columns % 512 == 0 ? 0 : (int)seed);

    private static double[] Reference(Tensor a, bool transposeA, Tensor b, bool transposeB, int depth)
    {
        (float[] left, float[] right) = (a.ToArray(), b.ToArray());
        int rows = transposeA ? a.Shape[1] : a.Shape[0];
        int columns = transposeB ? b.Shape[0] : b.Shape[1];
        double[] product = new double[rows * columns];
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
            {
                double sum = 0;
                for (int k = 0; k < depth; k++)
                {
                    sum += (double)left[transposeA ? (k * rows) + r : (r * depth) + k] * right[transposeB ? (c * depth) + k : (k * columns) + c];
                }

                product[(r * columns) + c] = sum;
            }
        }

        return product;
    }
}
