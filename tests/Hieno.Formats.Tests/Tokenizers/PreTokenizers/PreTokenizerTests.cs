namespace Hieno.Formats.Tests.Tokenizers.PreTokenizers;

public sealed class PreTokenizerTests
{
    [Theory]
    [InlineData("""{"type":"WhitespaceSplit"}""", " a,b \n c ", "a,b|c")]
    [InlineData("""{"type":"Whitespace"}""", "it's ok_1 ⓐ!?", "it|'|s|ok_1|ⓐ|!?")]
    [InlineData("""{"type":"BertPreTokenizer"}""", "a-b $c…", "a|-|b|$|c|…")]
    [InlineData("""{"type":"CharDelimiterSplit","delimiter":"x"}""", "axbxxc", "a|b|c")]
    [InlineData("""{"type":"Digits","individual_digits":true}""", "a12½b", "a|1|2|½|b")]
    [InlineData("""{"type":"Digits","individual_digits":false}""", "a12½b", "a|12½|b")]
    [InlineData("""{"type":"FixedLength","length":2}""", "a😀bc😀", "a😀|bc|😀")]
    [InlineData("""{"type":"Punctuation"}""", "a,,b", "a|,|,|b")]
    [InlineData("""{"type":"Punctuation","behavior":"Removed"}""", "a,,b", "a|b")]
    [InlineData("""{"type":"Punctuation","behavior":"Contiguous"}""", "a,,b", "a|,,|b")]
    [InlineData("""{"type":"Punctuation","behavior":"MergedWithPrevious"}""", ",a,,b", ",|a,|,|b")]
    [InlineData("""{"type":"Punctuation","behavior":"MergedWithNext"}""", "a,,b,", "a|,|,b|,")]
    [InlineData("""{"type":"Split","pattern":{"Regex":"[0-9]+"},"behavior":"Isolated"}""", "a12b", "a|12|b")]
    [InlineData("""{"type":"Split","pattern":{"Regex":"[0-9]+"},"behavior":"Removed","invert":true}""", "a12b3", "12|3")]
    [InlineData("""{"type":"Split","pattern":{"String":"ab"},"behavior":"MergedWithNext"}""", "xabyab", "x|aby|ab")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"}""", "a  b", "▁a|▁|▁b")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"never","split":false}""", "a b", "a▁b")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","add_prefix_space":false}""", "a b", "a|▁b")]
    [InlineData("""{"type":"UnicodeScripts"}""", "abcдеカナ漢 字x", "abc|де|カナ漢 字|x")]
    [InlineData("""{"type":"ByteLevel","add_prefix_space":true,"use_regex":true}""", "é a", "ĠÃ©|Ġa")]
    [InlineData("""{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}""", "é\na", "Ã©Ċa")]
    [InlineData("""{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Punctuation"}]}""", "a b.c", "a|b|.|c")]
    public void A_text_is_cut_into_pieces(string preTokenizer, string text, string expected) =>
        Assert.Equal(expected.Split('|'), TinyTokenizers.Pieces(text, preTokenizer: preTokenizer));

    [Fact]
    public void The_first_piece_alone_is_prefixed_on_request() =>
        Assert.Equal(
            ["▁a", "<x>", "b", "▁c"],
            TinyTokenizers.Pieces(
                "a<x>b c",
                preTokenizer: """{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"}""",
                addedTokens: """[{"id":1,"content":"<x>","normalized":false,"special":true}]"""));
}
