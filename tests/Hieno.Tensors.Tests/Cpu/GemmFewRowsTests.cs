using Hieno.Tensors.Cpu;

namespace Hieno.Tensors.Tests.Cpu;

/// <summary>The kernel of products with few rows against the kernel of large ones, which reads the same rows among others.</summary>
public sealed class GemmFewRowsTests
{
    private const int Most = CpuBackend.MostFewRows;

    // Depth, columns: single numbers, below and at a block of eight, whole and ragged panels of every vector width, one and several
    // slices, several tasks, and rows that share the sets of the first-level cache.
    public static TheoryData<int, int> Sizes => new()
    {
        { 1, 1 }, { 7, 3 }, { 8, 32 }, { 17, 33 }, { 64, 31 }, { 100, 131 }, { 384, 64 }, { 385, 65 }, { 800, 45 }, { 1024, 200 }, { 40, 517 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Few_rows_give_the_bits_that_they_give_among_many(int depth, int columns)
    {
        foreach (CpuBackend backend in TestTensors.Widths)
        {
            foreach (bool transposed in (bool[])[false, true])
            {
                Tensor a = TestTensors.Random([Most + 8, depth], 1, backend, gap: 5);
                Tensor b = TestTensors.Random(transposed ? [columns, depth] : [depth, columns], 2, backend, gap: 3);
                Tensor many = Tensor.CreateLongLived([Most + 8, columns], DType.F32, backend);
                backend.MatMul(a, false, b, transposed, null, many, add: false);
                for (int rows = 1; rows <= Most; rows++)
                {
                    Tensor few = Tensor.CreateLongLived([rows, columns], DType.F32, backend);
                    backend.MatMul(a.RowRange(3, rows), false, b, transposed, null, few, add: false);
                    TestTensors.SameBits(many.RowRange(3, rows).ToArray(), few.ToArray());
                }
            }
        }
    }

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    [InlineData(DType.NF4)]
    public void Every_storage_type_of_the_weight_gives_the_product_of_its_expanded_numbers(DType dtype)
    {
        foreach (CpuBackend backend in TestTensors.Widths)
        {
            foreach (bool transposed in (bool[])[false, true])
            {
                Tensor b = TestTensors.Random(transposed ? [83, 70] : [70, 83], 2, dtype, backend);
                float[] numbers = b.ToArray();
                foreach (int rows in (int[])[1, 5, 8, Most])
                {
                    Tensor a = TestTensors.Random([rows, 70], 1, backend);
                    float[] x = a.ToArray();
                    var expected = new double[rows * 83];
                    for (int i = 0; i < expected.Length; i++)
                    {
                        for (int k = 0; k < 70; k++)
                        {
                            int column = i % 83;
                            expected[i] += (double)x[(i / 83 * 70) + k] * numbers[transposed ? (column * 70) + k : (k * 83) + column];
                        }
                    }

                    Tensor c = Tensor.CreateLongLived([rows, 83], DType.F32, backend);
                    backend.MatMul(a, false, b, transposed, null, c, add: false);
                    TestTensors.Close(expected, c.ToArray(), 2e-5);
                }
            }
        }
    }

    [Fact]
    public void Any_number_of_threads_gives_the_same_bits()
    {
        foreach (bool transposed in (bool[])[false, true])
        {
            float[]? first = null;
            foreach (CpuBackend backend in TestTensors.Teams)
            {
                Tensor a = TestTensors.Random([6, 500], 1, backend);
                Tensor b = TestTensors.Random(transposed ? [901, 500] : [500, 901], 2, backend);
                Tensor c = Tensor.CreateLongLived([6, 901], DType.F32, backend);
                backend.MatMul(a, false, b, transposed, null, c, add: false);
                TestTensors.SameBits(first ??= c.ToArray(), c.ToArray());
            }
        }
    }

    [Fact]
    public void Bias_is_added_and_add_keeps_what_was_there_and_gaps_are_left_alone()
    {
        foreach (CpuBackend backend in TestTensors.Widths)
        {
            Tensor a = TestTensors.Random([3, 50], 1, backend);
            Tensor b = TestTensors.Random([50, 45], 2, backend);
            Tensor bias = TestTensors.Random([45], 3, backend);
            Tensor memory = TestTensors.Random([3, 60], 4, backend);
            float[] before = memory.ToArray();
            float[] biases = bias.ToArray();
            Tensor product = Tensor.CreateLongLived([3, 45], DType.F32, backend);
            backend.MatMul(a, false, b, false, null, product, add: false);
            float[] products = product.ToArray();

            backend.MatMul(a, false, b, false, bias, memory.ColumnRange(7, 45), add: true);

            float[] after = memory.ToArray();
            for (int i = 0; i < after.Length; i++)
            {
                int column = (i % 60) - 7;
                float expected = column is >= 0 and < 45 ? before[i] + (products[(i / 60 * 45) + column] + biases[column]) : before[i];
                Assert.Equal(expected, after[i]);
            }
        }
    }
}
