using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class WindowAttentionTests
{
    private const int Windows = 3;
    private const int Heads = 2;

    // Widths and lengths around those of vectors and blocks.
    public static TheoryData<int, int> Sizes => new() { { 1, 1 }, { 4, 3 }, { 5, 8 }, { 9, 16 }, { 16, 5 }, { 17, 20 }, { 49, 32 } };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Values_are_those_of_the_formula_in_double_precision(int length, int width)
    {
        (Tensor q, Tensor k, Tensor v, Tensor bias) = Operands(length, width);
        int[] regions = Regions(length);
        TensorAssert.Close(Reference(q, k, v, bias, length, null), WindowAttention(q, k, v, bias, new WindowSpans(length), new AttentionOptions(Heads)), 2e-6, 2e-6);
        TensorAssert.Close(Reference(q, k, v, bias, length, regions), WindowAttention(q, k, v, bias, new WindowSpans(length, regions), new AttentionOptions(Heads)), 2e-6, 2e-6);
    }

    [Theory]
    [InlineData(4, 3)]
    [InlineData(9, 5)]
    public void Gradients_agree_with_differences(int length, int width)
    {
        Shape rows = [Windows * length, Heads * width];
        Gradient(inputs => WindowAttention(inputs[0], inputs[1], inputs[2], inputs[3], new WindowSpans(length, Regions(length)), new AttentionOptions(Heads)), [rows, rows, rows, [Heads, length, length]]);
    }

    [Fact]
    public void With_a_bias_of_zero_it_is_attention_over_rows_of_this_length()
    {
        (Tensor q, Tensor k, Tensor v, Tensor bias) = Operands(7, 6);
        bias.Backend.Fill(bias, 0f);
        Tensor expected = Attention(q, k, v, AttentionSpans.Bidirectional([7, 7, 7]), new AttentionOptions(Heads));
        TensorAssert.Close(expected.ToArray(), WindowAttention(q, k, v, bias, new WindowSpans(7), new AttentionOptions(Heads)), 1e-6, 1e-6);
    }

    [Fact]
    public void Threads_and_vector_widths_do_not_matter()
    {
        Shape rows = [20 * 9, Heads * 5];
        Func<Tensor[], Tensor> op = inputs => WindowAttention(inputs[0], inputs[1], inputs[2], inputs[3], new WindowSpans(9), new AttentionOptions(Heads) { DropoutRate = 0.2f });
        AllThreadCountsAgree(op, rows, rows, rows, [Heads, 9, 9]);
        AllWidthsAgree(op, [rows, rows, rows, [Heads, 9, 9]], absolute: 1e-5, relative: 1e-5);
    }

    [Fact]
    public void Dropout_leaves_out_pairs_and_its_gradient_takes_the_same()
    {
        (int length, int width) = (6, 4);
        (Tensor q, Tensor k, Tensor v, Tensor bias) = Operands(length, width);
        var options = new AttentionOptions(Heads) { DropoutRate = 0.5f };
        float[] plain = WindowAttention(q, k, v, bias, new WindowSpans(length), options).ToArray();
        v.NeedsGrad = true;
        using var tape = Tape.Begin(dropout: new DropoutSource(new Rng(5, RngStream.Dropout), 3));
        Tensor y = WindowAttention(q, k, v, bias, new WindowSpans(length), options);
        float[] values = y.ToArray();
        Assert.NotEqual(plain, values);

        // y is linear in v with the same factors, so that Σ y = Σ v · dv.
        tape.Backward(Sum(y));
        double sum = v.ToArray().Zip(v.Grad!.ToArray(), (a, b) => (double)a * b).Sum();
        Assert.Equal(values.Sum(value => (double)value), sum, 1e-4);
    }

    [Fact]
    public void Shapes_and_options_that_do_not_fit_are_refused()
    {
        (Tensor q, Tensor k, Tensor v, Tensor bias) = Operands(4, 3);
        Assert.Throws<ShapeException>(() => WindowAttention(q, k, v, bias, new WindowSpans(5), new AttentionOptions(Heads)));
        Assert.Throws<ShapeException>(() => WindowAttention(q, k, v, bias, new WindowSpans(4, [1, 2]), new AttentionOptions(Heads)));
        Assert.Throws<ShapeException>(() => WindowAttention(q, k, v, Normal([Heads, 3, 4], 1), new WindowSpans(4), new AttentionOptions(Heads)));
        Assert.Throws<ArgumentException>(() => WindowAttention(q, k, v, bias, new WindowSpans(4), new AttentionOptions(Heads) { SoftCap = 3f }));
    }

    private static int[] Regions(int length) => [.. Enumerable.Range(0, Windows * length).Select(row => row / length == 1 ? row % 2 : 0)];

    private static (Tensor Q, Tensor K, Tensor V, Tensor Bias) Operands(int length, int width)
    {
        Shape rows = [Windows * length, Heads * width];
        return (NormalWithGaps(rows, 1), NormalWithGaps(rows, 2), NormalWithGaps(rows, 3), Normal([Heads, length, length], 4));
    }

    private static float[] Reference(Tensor q, Tensor k, Tensor v, Tensor bias, int length, int[]? regions)
    {
        (double[] qs, double[] ks, double[] vs, double[] bs) = (q.ToDoubles(), k.ToDoubles(), v.ToDoubles(), bias.ToDoubles());
        int columns = q.Columns;
        int width = columns / Heads;
        float[] y = new float[qs.Length];
        for (int row = 0; row < q.Rows; row++)
        {
            int first = row / length * length;
            for (int head = 0; head < Heads; head++)
            {
                double[] weights =
                [
                    .. Enumerable.Range(first, length).Select(key => regions is not null && regions[key] != regions[row] ? 0 : Math.Exp(
                        (Enumerable.Range(head * width, width).Sum(c => qs[(row * columns) + c] * ks[(key * columns) + c]) / Math.Sqrt(width))
                        + bs[(((head * length) + (row % length)) * length) + (key % length)])),
                ];
                for (int c = head * width; c < (head + 1) * width; c++)
                {
                    y[(row * columns) + c] = (float)(Enumerable.Range(0, length).Sum(i => weights[i] * vs[((first + i) * columns) + c]) / weights.Sum());
                }
            }
        }

        return y;
    }
}
