using Hieno.Generation;

namespace Hieno.Tests.Generation;

public class StopStringsTests
{
    [Fact]
    public void Text_that_begins_no_stop_string_is_given_out_at_once()
    {
        var stops = new StopStrings(["END"]);
        Assert.Equal("abc", stops.Push("abc"));
        Assert.False(stops.Met);
    }

    [Fact]
    public void The_beginning_of_a_stop_string_is_held_back_until_it_is_none()
    {
        var stops = new StopStrings(["END"]);
        Assert.Equal("a", stops.Push("aE"));
        Assert.Equal(string.Empty, stops.Push("N"));
        Assert.Equal("ENENEN", stops.Push("ENEN") + stops.Finish());
        Assert.False(stops.Met);
    }

    [Fact]
    public void A_beginning_inside_a_failed_beginning_is_held_back()
    {
        var stops = new StopStrings(["aab"]);
        Assert.Equal("a", stops.Push("aaa")); // the last two may still become aab
        Assert.Equal(string.Empty, stops.Push("b"));
        Assert.True(stops.Met);
    }

    [Fact]
    public void What_follows_a_stop_string_is_dropped()
    {
        var stops = new StopStrings(["END"]);
        Assert.Equal("a", stops.Push("aENDb"));
        Assert.True(stops.Met);
        Assert.Equal(string.Empty, stops.Push("c") + stops.Finish());
    }

    [Fact]
    public void Without_stop_strings_nothing_is_held_back()
    {
        var stops = new StopStrings([]);
        Assert.Equal("abc", stops.Push("abc"));
    }

    [Theory]
    [InlineData("xabcdy", "abcd|bc")] // bc is complete first
    [InlineData("xxstop", "top|stop")] // both are complete together: the longer counts
    [InlineData("hello\nUser: a", "\nUser:|\n\n")]
    [InlineData("aaaaab", "aab|ab")]
    public void However_a_text_is_cut_the_result_is_the_same(string text, string list)
    {
        string[] stops = list.Split('|');
        string expected = Reference(text, stops);
        for (int cuts = 0; cuts < 1 << (text.Length - 1); cuts++)
        {
            var matcher = new StopStrings(stops);
            string result = string.Empty;
            int start = 0;
            for (int end = 1; end <= text.Length; end++)
            {
                if (end == text.Length || (cuts & (1 << (end - 1))) != 0)
                {
                    result += matcher.Push(text[start..end]);
                    start = end;
                }
            }

            Assert.Equal(expected, result + matcher.Finish());
        }
    }

    // Letter by letter: the text ends as soon as it ends with a stop string, the longest where several fit.
    private static string Reference(string text, string[] stops)
    {
        for (int end = 1; end <= text.Length; end++)
        {
            string[] met = [.. stops.Where(stop => text[..end].EndsWith(stop, StringComparison.Ordinal))];
            if (met.Length > 0)
            {
                return text[..(end - met.Max(stop => stop.Length))];
            }
        }

        return text;
    }
}
