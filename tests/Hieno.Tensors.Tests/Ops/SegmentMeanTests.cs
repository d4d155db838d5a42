using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class SegmentMeanTests
{
    [Fact]
    public void Each_segment_gives_the_mean_of_its_rows()
    {
        int[] starts = [1, 2, 6, 9];
        foreach (Tensor x in (Tensor[])[Normal([10, 37], 1), NormalWithGaps([10, 37], 1)])
        {
            double[] values = x.ToDoubles();
            double[] expected = [.. Enumerable.Range(0, 3).SelectMany(s => Enumerable.Range(0, 37).Select(
                c => Enumerable.Range(starts[s], starts[s + 1] - starts[s]).Average(row => values[(row * 37) + c])))];
            Tensor y = SegmentMean(x, starts);
            Assert.Equal("[3, 37]", y.Shape.ToString());
            TensorAssert.Close(expected, y);
        }
    }

    [Fact]
    public void Gradients_are_those_of_central_differences()
    {
        Gradient(t => SegmentMean(t[0], [0, 2, 6]), [[6, 19]]);
        Gradient(t => SegmentMean(t[0], [1, 2, 5]), [[6, 19]]); // the first and the last row belong to no segment
        Gradient(t => Add(SegmentMean(t[0], [0, 2, 6]), SegmentMean(Scale(t[0], 3f), [0, 1, 2])), [[6, 19]]);
    }

    [Fact]
    public void All_vector_widths_agree() => AllWidthsAgree(t => SegmentMean(t[0], [0, 5, 40]), [[40, 83]]);

    [Fact]
    public void All_thread_counts_agree_bit_for_bit() => AllThreadCountsAgree(t => SegmentMean(t[0], [0, 100, 101, 350, 700]), [700, 83]);

    [Theory]
    [InlineData]
    [InlineData(-1, 2)]
    [InlineData(0, 2, 2)]
    [InlineData(0, 3, 1)]
    [InlineData(0, 5)]
    public void Empty_falling_or_outlying_segments_are_refused(params int[] starts) =>
        Assert.Throws<ShapeException>(() => SegmentMean(Normal([4, 2], 1), starts));
}
