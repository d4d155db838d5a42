using Hieno.Charts;
using Hieno.Formats.Images;

namespace Hieno.Tests.Charts;

public sealed class ContactSheetTests
{
    [Fact]
    public void Pictures_stand_in_rows_each_in_its_cell_and_small_ones_are_enlarged_by_whole_numbers()
    {
        var small = new Image(10, 10, 1);
        small.Samples.AsSpan().Fill(7);
        var wide = new Image(400, 100, 3);
        wide.Samples.AsSpan().Fill(90);
        Image sheet = new ContactSheet(["file", "seen"], [new ContactRow("one", [small, wide]), new ContactRow("two", [wide])], Cell: 64).Draw();
        Assert.Equal((8 + (2 * 72), 14 + (2 * (64 + 8 + 14)) + 8, 3), (sheet.Width, sheet.Height, sheet.Channels));
        Assert.Equal(60 * 60, Count(sheet, 7)); // six times as large
        Assert.Equal(2 * 64 * 16, Count(sheet, 90)); // a quarter as high as wide
    }

    [Fact]
    public void Captions_are_written_above_their_row_and_cut_at_their_beginning()
    {
        var picture = new Image(32, 32, 1);
        picture.Samples.AsSpan().Fill(128);
        Image Sheet(string caption) => new ContactSheet([], [new ContactRow(caption, [picture])], Cell: 32).Draw();
        int black = Count(Sheet("ant"), 0);
        Assert.InRange(black, 20, 60); // dots of three letters
        Assert.Equal(0, Count(Sheet(" "), 0));
        Assert.Equal(Sheet("…path").Samples, Sheet("a/long/path").Samples); // five letters fit
        Assert.NotEqual(Sheet("a").Samples, Sheet("b").Samples);
        Assert.Equal(Sheet("a").Samples, Sheet("ä").Samples); // without its marks
        Assert.Equal(Sheet("?").Samples, Sheet("語").Samples);
    }

    private static int Count(Image image, byte value) => image.Samples.Chunk(3).Count(pixel => pixel[0] == value && pixel[1] == value && pixel[2] == value);
}
