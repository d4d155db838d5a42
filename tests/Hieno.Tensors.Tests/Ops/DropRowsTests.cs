using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class DropRowsTests
{
    private static DropoutSource Source(ulong pass = 3) => new(new Rng(5, RngStream.Dropout), pass);

    [Fact]
    public void Outside_training_and_at_rate_zero_the_tensor_itself_comes_back()
    {
        Tensor x = Normal([4, 2], 1);
        Assert.Same(x, DropRows(x, [1, 3], 0.5f));
        using var training = Tape.Begin(dropout: Source());
        Assert.Same(x, DropRows(x, [1, 3], 0f));
    }

    [Fact]
    public void A_segment_is_left_out_whole_or_scaled_whole()
    {
        Tensor ones = Tensor.FromValues([6000, 2], [.. Enumerable.Repeat(1f, 12000)]);
        using var tape = Tape.Begin(dropout: Source());
        float[] y = DropRows(ones, [.. Enumerable.Repeat(3, 2000)], 0.25f).ToArray();
        int zeros = 0;
        foreach (float[] segment in y.Chunk(6))
        {
            Assert.All(segment, value => Assert.Equal(segment[0], value));
            Assert.True(segment[0] == 0f || segment[0] == 1f / 0.75f);
            zeros += segment[0] == 0f ? 1 : 0;
        }

        Assert.InRange(zeros / 2000.0, 0.25 - 0.04, 0.25 + 0.04); // more than four standard deviations
    }

    [Fact]
    public void Passes_and_calls_leave_out_other_segments_and_a_repeated_pass_the_same()
    {
        Tensor x = Normal([400, 1], 1);
        int[] lengths = [.. Enumerable.Repeat(1, 400)];
        Assert.Equal(Twice(3), Twice(3));
        Assert.NotEqual(Twice(3), Twice(4));
        Assert.NotEqual(Twice(3)[..400], Twice(3)[400..]);

        float[] Twice(ulong pass)
        {
            using var tape = Tape.Begin(dropout: Source(pass));
            return [.. DropRows(x, lengths, 0.5f).ToArray(), .. DropRows(x, lengths, 0.5f).ToArray()];
        }
    }

    [Fact]
    public void Gradient_takes_the_same_factors()
    {
        Tensor x = Normal([7, 3], 1);
        x.NeedsGrad = true;
        using var tape = Tape.Begin(dropout: Source());
        Tensor y = DropRows(x, [2, 1, 4], 0.5f);
        float[] factors = [.. y.ToArray().Zip(x.ToArray(), (b, a) => b / a)];
        tape.Backward(Sum(y));
        TensorAssert.Close(factors, x.Grad!, 1e-6, 1e-6);
    }

    [Fact]
    public void Threads_and_vector_widths_do_not_matter()
    {
        AllThreadCountsAgree(inputs => DropRows(inputs[0], [5, 9, 3], 0.4f), [17, 33]);
        AllWidthsAgree(inputs => DropRows(inputs[0], [5, 9, 3], 0.4f), [[17, 33]]);
    }

    [Fact]
    public void Lengths_that_do_not_add_up_and_impossible_rates_are_refused()
    {
        Assert.Throws<ShapeException>(() => DropRows(Normal([4, 2], 1), [1, 2], 0.5f));
        Assert.Throws<ArgumentOutOfRangeException>(() => DropRows(Normal([4, 2], 1), [4], 1.5f));
        Assert.Throws<ArgumentOutOfRangeException>(() => DropRows(Normal([4, 2], 1), [4], float.NaN));
    }
}
