using Hieno.Formats.Tokenizers;

namespace Hieno.Formats.Tests.Tokenizers;

public sealed class OnigurumaRegexTests
{
    [Theory]
    [InlineData(@"\p{L}+", "a𝐀b 1", "a𝐀b")]
    [InlineData(@"\p{So}|\p{N}+", "x😀𝟘1", "😀|𝟘1")]
    [InlineData(@"\w+", "né\u0940 ⓐ_1", "né\u0940|ⓐ_1")]
    [InlineData(@"\h+", "xbeefg", "beef")]
    [InlineData(@"a++b", "aab", "aab")]
    [InlineData(@"a++a", "aaa", "")]
    [InlineData(@"(?:ab)?+c", "ababc", "abc")]
    [InlineData(@"[^a]?+a", "xaa", "xa|a")]
    [InlineData(@"\x{61}+", "caab", "aa")]
    [InlineData(@"^b", "a\nb", "b")]
    [InlineData(@"[]a]+", "x]a]", "]a]")]
    [InlineData("😀+", "a😀😀", "😀😀")]
    public void An_expression_means_what_it_means_to_oniguruma(string expression, string text, string expected)
    {
        var regex = new OnigurumaRegex(expression, problem => new TokenizerException("f", "p", problem));
        Assert.Equal(expected, string.Join('|', regex.Matches(text).Select(m => text[m.Start..m.End])));
    }

    [Theory]
    [InlineData(@"[a-z&&[aeiou]]")]
    [InlineData(@"[[:alpha:]]")]
    [InlineData(@"\p{Han}+")]
    [InlineData(@"\X")]
    [InlineData(@"\R")]
    [InlineData(@"\x{1F600}")]
    [InlineData("[😀]")]
    [InlineData(@"(")]
    public void What_dotnet_cannot_express_is_refused_by_name(string expression)
    {
        TokenizerException e = Assert.Throws<TokenizerException>(() => new OnigurumaRegex(expression, problem => new TokenizerException("f", "p", problem)));
        Assert.Contains(expression, e.Message);
        Assert.Equal("p", e.Path);
    }

    [Fact]
    public void An_expression_that_backtracks_without_end_is_answered_or_refused()
    {
        string hostile = new string('a', 50) + "b";
        Assert.Empty(new OnigurumaRegex("(a+)+$x", p => new TokenizerException("f", "p", p)).Matches(hostile)); // the linear engine answers

        var lookAhead = new OnigurumaRegex("(?=x*)(a+)+c", p => new TokenizerException("f", "p", p));
        Assert.Contains("longer than 1 s", Assert.Throws<TokenizerException>(() => lookAhead.Matches(hostile)).Message);
    }
}
