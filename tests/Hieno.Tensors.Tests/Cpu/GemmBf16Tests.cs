using Hieno.Tensors.Cpu;
using Hieno.Tensors.Cpu.MachineCode;

namespace Hieno.Tensors.Tests.Cpu;

public sealed class GemmBf16Tests
{
    // As for singles, and odd depths, one slice of pairs and several, each number of rows and one or two vectors in the last tile.
    public static TheoryData<int, int, int> Sizes => new()
    {
        { 1, 1, 1 }, { 1, 5, 1 }, { 2, 40, 70 }, { 3, 3, 2 }, { 4, 31, 16 }, { 5, 32, 17 }, { 6, 33, 48 }, { 7, 34, 49 }, { 8, 300, 90 },
        { 9, 64, 15 }, { 10, 65, 64 }, { 11, 8, 33 }, { 12, 16, 32 }, { 13, 17, 31 }, { 24, 768, 64 }, { 25, 769, 65 }, { 37, 1600, 100 },
        { 100, 70, 8 }, { 90, 8, 150 }, { 530, 20, 45 }, { 61, 33, 400 }, { 30, 512, 40 },
    };

    // Deeper products are added up in other slices by the managed kernel, so that the last bits differ.
    public static IEnumerable<object[]> SizesOfOneSlice => Sizes.Where(size => size[1] is <= 384);

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Product_is_that_of_the_rounded_numbers_in_every_layout(int rows, int depth, int columns)
    {
        foreach (CpuBackend backend in Backends)
        {
            foreach ((bool transposeA, bool transposeB) in Layouts)
            {
                Tensor a = Operand(rows, depth, transposeA, 1, backend);
                Tensor b = Operand(depth, columns, transposeB, 2, backend);
                Tensor c = TestTensors.Random([rows, columns], 3, backend, gap: 3);
                backend.MatMul(a, transposeA, b, transposeB, null, c, add: false, MatMulPrecision.Bf16);
                TestTensors.Close(Reference(a, transposeA, b, transposeB, depth), c.ToArray(), 2e-6 * Math.Sqrt(depth + 1));
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(SizesOfOneSlice))]
    public void Machine_code_gives_the_bits_of_the_managed_kernel(int rows, int depth, int columns)
    {
        Skip.If(Bf16Tiles.Shared is null, Bf16Tiles.Refusal);
        foreach ((bool transposeA, bool transposeB) in Layouts)
        {
            float[][] results = [.. Backends.Select(backend =>
            {
                Tensor c = TestTensors.Random([rows, columns], 3, backend);
                Tensor bias = TestTensors.Random([columns], 4, backend);
                Tensor a = Operand(rows, depth, transposeA, 1, backend);
                Tensor b = Operand(depth, columns, transposeB, 2, backend);
                backend.MatMul(a, transposeA, b, transposeB, bias, c, add: true, MatMulPrecision.Bf16);
                return c.ToArray();
            })];
            Assert.All(results, result => TestTensors.SameBits(results[0], result));
        }
    }

    [Theory]
    [InlineData(DType.BF16, DType.BF16)]
    [InlineData(DType.F16, DType.F32)]
    [InlineData(DType.F32, DType.BF16)]
    [InlineData(DType.F32, DType.NF4)]
    [InlineData(DType.NF4, DType.F32)]
    public void Operands_stored_in_fewer_bits_are_read_as_what_they_stand_for(DType left, DType right)
    {
        foreach (CpuBackend backend in Backends)
        {
            foreach ((bool transposeA, bool transposeB) in Layouts)
            {
                Tensor a = TestTensors.Random(transposeA ? [45, 27] : [27, 45], 1, left, backend);
                Tensor b = TestTensors.Random(transposeB ? [67, 45] : [45, 67], 2, right, backend);
                Tensor c = Tensor.CreateLongLived([27, 67], DType.F32, backend);
                backend.MatMul(a, transposeA, b, transposeB, null, c, add: false, MatMulPrecision.Bf16);
                TestTensors.Close(Reference(a, transposeA, b, transposeB, 45), c.ToArray(), 2e-5);
            }
        }
    }

    [Fact]
    public void Numbers_between_the_rows_of_the_result_are_left_alone()
    {
        foreach (CpuBackend backend in Backends)
        {
            Tensor memory = TestTensors.Random([20, 60], 5, backend);
            float[] before = memory.ToArray();
            Tensor a = TestTensors.Random([20, 9], 1, backend);
            backend.MatMul(a, false, TestTensors.Random([9, 41], 2, backend), false, null, memory.ColumnRange(4, 41), add: false, MatMulPrecision.Bf16);
            float[] after = memory.ToArray();
            for (int i = 0; i < after.Length; i++)
            {
                Assert.True(i % 60 is >= 4 and < 45 || after[i] == before[i], $"Number {i} was overwritten.");
            }
        }
    }

    [Theory]
    [InlineData(1, 1700, 300)]
    [InlineData(40, 900, 300)]
    [InlineData(700, 100, 70)]
    public void Result_is_the_same_bit_by_bit_for_any_number_of_threads(int rows, int depth, int columns)
    {
        foreach ((bool transposeA, bool transposeB) in Layouts)
        {
            float[]? first = null;
            foreach (CpuBackend backend in TestTensors.Teams)
            {
                Tensor c = Tensor.CreateLongLived([rows, columns], DType.F32, backend);
                Tensor a = Operand(rows, depth, transposeA, 1, backend);
                backend.MatMul(a, transposeA, Operand(depth, columns, transposeB, 2, backend), transposeB, null, c, add: false, MatMulPrecision.Bf16);
                first ??= c.ToArray();
                TestTensors.SameBits(first, c.ToArray());
            }
        }
    }

    [Fact]
    public void A_row_gives_the_same_bits_alone_and_among_others()
    {
        Tensor a = TestTensors.Random([1100, 850], 1);
        Tensor b = TestTensors.Random([850, 90], 2);
        Tensor all = Tensor.CreateLongLived([1100, 90]);
        CpuBackend.Shared.MatMul(a, false, b, false, null, all, add: false, MatMulPrecision.Bf16);
        foreach ((int start, int count) in new[] { (0, 1), (17, 5), (600, 13), (3, 1097) })
        {
            Tensor some = Tensor.CreateLongLived([count, 90]);
            CpuBackend.Shared.MatMul(a.RowRange(start, count), false, b, false, null, some, add: false, MatMulPrecision.Bf16);
            TestTensors.SameBits(all.RowRange(start, count).ToArray(), some.ToArray());
        }
    }

    [Fact]
    public void A_product_as_deep_as_a_vocabulary_is_added_up_from_parts()
    {
        const int Depth = 33_001;
        Tensor a = TestTensors.Random([14, Depth], 1);
        Tensor b = TestTensors.Random([Depth, 33], 2);
        Tensor bias = TestTensors.Random([33], 3);
        Tensor c = Tensor.CreateLongLived([14, 33]);
        CpuBackend.Shared.MatMul(a, false, b, false, bias, c, add: false, MatMulPrecision.Bf16);
        double[] expected = Reference(a, false, b, false, Depth);
        float[] biases = bias.ToArray();
        TestTensors.Close([.. expected.Select((value, i) => value + biases[i % 33])], c.ToArray(), 2e-6 * Math.Sqrt(Depth));
    }

    [Fact]
    public void Numbers_that_are_not_finite_reach_the_result()
    {
        foreach (CpuBackend backend in Backends)
        {
            // The second is a NaN that plain rounding would turn into an infinity, the third would become 0.
            foreach (uint bits in new[] { 0x7FC00000u, 0x7F800001u, 0xFFFFFFFFu, 0x7F800000u, 0x7F7FFFFFu })
            {
                float special = BitConverter.UInt32BitsToSingle(bits);
                Tensor a = TestTensors.Of([1, 64], [.. Enumerable.Repeat(1f, 63), special], DType.F32, backend, 0, false);
                Tensor b = TestTensors.Of([64, 40], [.. Enumerable.Repeat(1f, 64 * 40)], DType.F32, backend, 0, false);
                Tensor c = Tensor.CreateLongLived([1, 40], DType.F32, backend);
                backend.MatMul(a, false, b, false, null, c, add: false, MatMulPrecision.Bf16);
                float expected = float.IsNaN(special) ? float.NaN : float.PositiveInfinity; // the largest single rounds to infinity
                Assert.All(c.ToArray(), value => Assert.Equal(expected, value));
            }
        }
    }

    [Fact]
    public void A_backend_says_how_it_multiplies()
    {
        using var without = new CpuBackend(1) { AllowsMachineCode = false };
        Assert.Equal("matrix products: 32 bits", without.Describe(MatMulPrecision.Fp32));
        Assert.EndsWith("multiplied in 32 bits, which is no faster: machine code is switched off", without.Describe(MatMulPrecision.Bf16), StringComparison.Ordinal);
        using var narrow = new CpuBackend(1, SimdWidth.Scalar);
        Assert.EndsWith("only 32-bit vectors are in use", narrow.Describe(MatMulPrecision.Bf16), StringComparison.Ordinal);
        string shared = CpuBackend.Shared.Describe(MatMulPrecision.Bf16);
        string expected = CpuBackend.Widest < SimdWidth.Bits512 ? "-bit vectors are in use"
            : Bf16Tiles.Shared is null ? Bf16Tiles.Refusal
            : "by the processor's bf16 instruction";
        Assert.EndsWith(expected, shared, StringComparison.Ordinal);
    }

    private static readonly CpuBackend s_managed = new(2) { AllowsMachineCode = false };

    private static IEnumerable<CpuBackend> Backends => [.. TestTensors.Widths, s_managed];

    private static (bool A, bool B)[] Layouts => [(false, false), (false, true), (true, false), (true, true)];

    private static Tensor Operand(int rows, int columns, bool transposed, ulong seed, CpuBackend backend) =>
        TestTensors.Random(transposed ? [columns, rows] : [rows, columns], seed, backend, gap: columns == 512 ? 0 : (int)seed);

    private static double[] Reference(Tensor a, bool transposeA, Tensor b, bool transposeB, int depth)
    {
        (double[] left, double[] right) = (RoundedNumbers(a), RoundedNumbers(b));
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
                    sum += left[transposeA ? (k * rows) + r : (r * depth) + k] * right[transposeB ? (c * depth) + k : (k * columns) + c];
                }

                product[(r * columns) + c] = sum;
            }
        }

        return product;
    }

    private static double[] RoundedNumbers(Tensor tensor) => Array.ConvertAll(tensor.ToArray(), value => (double)DTypes.FromBF16(DTypes.ToBF16(value)));
}
