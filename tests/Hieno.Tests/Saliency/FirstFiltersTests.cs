using Hieno.Formats.Images;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Saliency;
using Hieno.Tests.Vision;

namespace Hieno.Tests.Saliency;

public sealed class FirstFiltersTests
{
    [Fact]
    public void Filters_stand_before_after_and_as_their_difference()
    {
        VisionModel before = TinyVision.Model();
        VisionModel after = TinyVision.Model();
        Image same = FirstFilters.Compare(before, after)!;
        Parameter first = after.Parameters().First();
        Assert.Equal("conv1.weight", first.Name);
        first.Value.Span[5] += 0.01f;
        Image changed = FirstFilters.Compare(before, after)!;
        Assert.Equal((same.Width, same.Height), (changed.Width, changed.Height));

        // The change fills one pixel of 14 × 14 (sixteen filters of 3 × 3 and their frame in 240 pixels) with the strongest red, green or blue.
        int strongest = changed.Samples.Chunk(3).Count(pixel => pixel.Count(sample => sample == 255) == 1 && pixel.Count(sample => sample == 128) == 2);
        Assert.Equal(14 * 14, strongest);
        Assert.Equal(0, same.Samples.Chunk(3).Count(pixel => pixel.Count(sample => sample == 255) == 1 && pixel.Count(sample => sample == 128) == 2));
    }
}
