using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class DropoutTests
{
    private static DropoutSource Source(ulong seed = 5, ulong pass = 3) => new(new Rng(seed, RngStream.Dropout), pass);

    [Fact]
    public void Outside_training_and_at_rate_zero_the_tensor_itself_comes_back()
    {
        Tensor x = Normal([4], 1);
        Assert.Same(x, Dropout(x, 0.5f));
        using var evaluation = Tape.Begin();
        Assert.Same(x, Dropout(x, 0.5f));
        using var training = Tape.Begin(dropout: Source());
        Assert.Same(x, Dropout(x, 0f));
        Assert.NotSame(x, Dropout(x, 0.5f));
    }

    [Theory]
    [InlineData(0.1f)]
    [InlineData(0.5f)]
    [InlineData(0.9f)]
    public void The_share_of_zeros_is_the_rate_and_the_rest_is_scaled(float rate)
    {
        const int Count = 200_000;
        Tensor ones = Tensor.FromValues([Count], [.. Enumerable.Repeat(1f, Count)]);
        using var tape = Tape.Begin(dropout: Source());
        float[] y = Dropout(ones, rate).ToArray();
        int zeros = y.Count(value => value == 0f);
        Assert.InRange(zeros / (double)Count, rate - 0.005, rate + 0.005); // more than four standard deviations
        Assert.All(y, value => Assert.True(value == 0f || value == 1f / (1f - rate)));
    }

    [Fact]
    public void At_rate_one_all_are_zero()
    {
        using var tape = Tape.Begin(dropout: Source());
        Assert.All(Dropout(Normal([100], 1), 1f).ToArray(), value => Assert.Equal(0f, value));
    }

    [Fact]
    public void The_word_at_each_position_decides()
    {
        Tensor x = Normal([3, 7], 1);
        using var tape = Tape.Begin(dropout: Source());
        Dropout(x, 0.3f);
        float[] second = Dropout(x, 0.3f).ToArray();
        var rng = new Rng(5, RngStream.Dropout);
        for (int i = 0; i < second.Length; i++)
        {
            bool dropped = rng.Bits(3, (1ul << 42) + (ulong)i) < 0.3f * 4294967296.0;
            Assert.Equal(dropped ? 0f : x.ToArray()[i] * (1f / (1f - 0.3f)), second[i]);
        }
    }

    [Fact]
    public void Calls_passes_and_seeds_give_different_masks_and_a_repeated_pass_the_same()
    {
        float[] first = TwoMasks(Source());
        Assert.Equal(first, TwoMasks(Source()));
        Assert.NotEqual(first[..500], first[500..]);
        Assert.NotEqual(first, TwoMasks(Source(pass: 4)));
        Assert.NotEqual(first, TwoMasks(Source(seed: 6)));

        static float[] TwoMasks(DropoutSource source)
        {
            Tensor x = Normal([500], 1);
            using var tape = Tape.Begin(dropout: source);
            return [.. Dropout(x, 0.5f).ToArray(), .. Dropout(x, 0.5f).ToArray()];
        }
    }

    [Fact]
    public void Gradients_are_those_of_central_differences() =>
        Gradient(t => Add(Dropout(t[0], 0.4f), Dropout(Scale(t[0], 2f), 0.4f)), [[6, 13]], new GradientCheckOptions { Dropout = () => Source() });

    [Fact]
    public void Rows_with_gaps_give_the_same_as_rows_without()
    {
        using var dense = Tape.Begin(dropout: Source());
        float[] expected = Dropout(Normal([9, 301], 1), 0.5f).ToArray();
        using var gaps = Tape.Begin(dropout: Source());
        TensorAssert.Identical(expected, Dropout(NormalWithGaps([9, 301], 1), 0.5f));
    }

    [Fact]
    public void All_vector_widths_agree_bit_for_bit() => AllWidthsAgree(t => Dropout(t[0], 0.2f), [[17, 301]], 0, 0);

    [Fact]
    public void All_thread_counts_agree_bit_for_bit() => AllThreadCountsAgree(t => Dropout(t[0], 0.2f), [700, 101]);

    [Theory]
    [InlineData(-0.1f)]
    [InlineData(1.1f)]
    [InlineData(float.NaN)]
    public void A_rate_outside_zero_to_one_is_refused(float rate) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Dropout(Normal([2], 1), rate));
}
