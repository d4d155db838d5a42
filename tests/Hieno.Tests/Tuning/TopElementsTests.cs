using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class TopElementsTests
{
    [Fact]
    public void The_largest_scores_of_all_weights_together_are_marked() =>
        Assert.Equal([[false, true, false], [true, false, false]], TopElements.Mask([[1, 5, 2], [4, 3, 0]], 1.0 / 3));

    [Fact]
    public void Of_equal_scores_the_first_are_marked() =>
        Assert.Equal([[true, true], [false, false]], TopElements.Mask([[1, 1], [1, 1]], 0.5));
}
