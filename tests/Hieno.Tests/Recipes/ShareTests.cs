using System.Globalization;
using System.Text.RegularExpressions;
using Hieno.Recipes;

namespace Hieno.Tests.Recipes;

public class ShareTests
{
    [Theory]
    [InlineData("10%", 0.1)]
    [InlineData("7 %", 0.07)]
    [InlineData("0.5%", 0.005)]
    [InlineData("0.1", 0.1)]
    [InlineData("1.0", 1.0)]
    [InlineData("1e-3", 0.001)]
    [InlineData("0%", 0.0)]
    [InlineData("100%", 1.0)]
    public void A_percentage_or_a_number_with_a_point_is_a_fraction(string text, double fraction)
    {
        Assert.True(Share.TryParse(text, out var share));
        Assert.Equal(Share.OfFraction(fraction), share);
        Assert.Matches(new Regex(Share.Pattern), text);
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("1", 1)]
    [InlineData("500", 500)]
    [InlineData("9007199254740992", 9007199254740992)]
    public void A_whole_number_is_a_count(string text, long count)
    {
        Assert.True(Share.TryParse(text, out var share));
        Assert.Equal(Share.OfCount(count), share);
        Assert.Matches(new Regex(Share.Pattern), text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("%")]
    [InlineData("-1")]
    [InlineData("-5%")]
    [InlineData("101%")]
    [InlineData("1.5")]
    [InlineData("1,5%")]
    [InlineData("ten")]
    [InlineData("NaN")]
    [InlineData("9007199254740993")]
    [InlineData("99999999999999999999")]
    [InlineData("1e999")]
    public void Anything_else_is_refused(string text) => Assert.False(Share.TryParse(text, out _));

    [Theory]
    [InlineData("10%", 1000, 100)]
    [InlineData("12.5%", 4, 1)]
    [InlineData("12%", 4, 0)]
    [InlineData("500", 300, 500)]
    [InlineData("100%", 7, 7)]
    public void A_share_of_a_total_is_rounded_to_whole_pieces(string text, long total, long expected)
    {
        Assert.True(Share.TryParse(text, out var share));
        Assert.Equal(expected, share.Of(total));
    }

    [Fact]
    public void Every_share_is_written_so_that_it_reads_back_exactly()
    {
        var random = new Random(7);
        var culture = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = new CultureInfo("fi-FI");
        try
        {
            for (int i = 0; i < 20_000; i++)
            {
                var share = (i % 4) switch
                {
                    0 => Share.OfCount(random.NextInt64(1L << 53)),
                    1 => Share.OfFraction(random.NextDouble()),
                    2 => Share.OfFraction(random.Next(101) / 100.0),
                    _ => Share.OfFraction(Math.Pow(10, -random.Next(300)) * random.NextDouble()),
                };

                Assert.True(Share.TryParse(share.ToRecipeText(), out var same), share.ToRecipeText());
                Assert.Equal(share, same);
                Assert.Matches(Share.Pattern, share.ToRecipeText());
            }
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    [Theory]
    [InlineData(0.07, "7%")]
    [InlineData(0.125, "12.5%")]
    [InlineData(1.0, "100%")]
    public void A_fraction_prints_as_a_percentage(double fraction, string expected) => Assert.Equal(expected, Share.OfFraction(fraction).ToString());

    [Fact]
    public void A_fraction_has_no_count_and_neither_may_be_out_of_range()
    {
        Assert.Null(Share.OfCount(3).Fraction);
        Assert.Null(Share.OfFraction(0.5).Count);
        Assert.Throws<ArgumentOutOfRangeException>(() => Share.OfFraction(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => Share.OfCount(-1));
    }
}
