using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class InterpolateTests
{
    public static TheoryData<string> Sides() => ["nearest", "nearest-exact", "area", "linear", "cubic", "antialiased linear", "antialiased cubic"];

    [Theory]
    [MemberData(nameof(Sides))]
    public void Gradients_are_those_of_central_differences(string kind)
    {
        Gradient(t => Interpolate(t[0], Side(kind, 4, 7), Side(kind, 5, 3)), [[2, 4, 5, 3]]);
        Gradient(t => Interpolate(t[0], Side(kind, 7, 2), Side(kind, 3, 8)), [[1, 7, 3, 2]]);
    }

    [Theory]
    [MemberData(nameof(Sides))]
    public void Pictures_of_one_value_keep_it(string kind)
    {
        Tensor y = Interpolate(Tensor.FromValues([1, 4, 5, 2], [.. Enumerable.Repeat(3f, 40)]), Side(kind, 4, 9), Side(kind, 5, 2));
        Assert.Equal("[1, 9, 2, 2]", y.Shape.ToString());
        Assert.All(y.ToArray(), value => Assert.Equal(3f, value, 1e-5f));
    }

    [Theory]
    [MemberData(nameof(Sides))]
    public void The_same_size_gives_the_same_picture(string kind)
    {
        Tensor x = Normal([2, 4, 5, 3], 1);
        Assert.Equal(x.ToArray(), Interpolate(x, Side(kind, 4, 4), Side(kind, 5, 5)).ToArray());
    }

    [Fact]
    public void All_vector_widths_agree() => AllWidthsAgree(t => Interpolate(t[0], Side("cubic", 9, 14), Side("antialiased cubic", 8, 5)), [[2, 9, 8, 37]]);

    [Fact]
    public void All_thread_counts_agree_bit_for_bit() => AllThreadCountsAgree(t => Interpolate(t[0], Side("cubic", 40, 61), Side("linear", 41, 30)), [3, 40, 41, 20]);

    [Fact]
    public void A_picture_of_another_size_is_refused() => Assert.Contains(
        "x has shape [1, 4, 4, 1], expected [N, 6, 6, C]",
        Assert.Throws<ShapeException>(() => Interpolate(Normal([1, 4, 4, 1], 1), Side("area", 6, 2), Side("area", 6, 2))).Message);

    [Fact]
    public void Sides_that_cannot_be_are_refused()
    {
        Assert.Contains("0 places cannot be made of 4 pixels", Assert.Throws<ShapeException>(() => ResampleSide.Linear(4, 0)).Message);
        Assert.Contains("the step is -1", Assert.Throws<ShapeException>(() => ResampleSide.Nearest(4, 2, step: -1)).Message);
        Assert.Contains("corners cannot be aligned", Assert.Throws<ShapeException>(() => ResampleSide.Linear(4, 2, alignCorners: true, step: 2)).Message);
    }

    private static ResampleSide Side(string kind, int length, int places) => kind switch
    {
        "nearest" => ResampleSide.Nearest(length, places),
        "nearest-exact" => ResampleSide.NearestExact(length, places),
        "area" => ResampleSide.Area(length, places),
        "linear" => ResampleSide.Linear(length, places),
        "cubic" => ResampleSide.Cubic(length, places),
        "antialiased linear" => ResampleSide.AntialiasedLinear(length, places),
        _ => ResampleSide.AntialiasedCubic(length, places),
    };
}
