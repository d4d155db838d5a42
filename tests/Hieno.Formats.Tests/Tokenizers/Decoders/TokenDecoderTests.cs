using Hieno.Formats.Tokenizers;

namespace Hieno.Formats.Tests.Tokenizers.Decoders;

public sealed class TokenDecoderTests
{
    [Theory]
    [InlineData("null", "a|b", "a b")]
    [InlineData("""{"type":"Fuse"}""", "a|b", "ab")]
    [InlineData("""{"type":"ByteLevel"}""", "Ã|©Ġx|<漢>", "é x<漢>")]
    [InlineData("""{"type":"ByteLevel"}""", "Ã|x", "\uFFFDx")]
    [InlineData("""{"type":"ByteFallback"}""", "a|<0xC3>|<0xA9>|b", "aéb")]
    [InlineData("""{"type":"ByteFallback"}""", "<0xC3>|<0xC3>|b|<0xZZ>", "\uFFFD\uFFFDb<0xZZ>")]
    [InlineData("""{"type":"WordPiece","prefix":"##","cleanup":true}""", "do|n't|##s|.|'", "don'ts. '")]
    [InlineData("""{"type":"WordPiece","prefix":"##","cleanup":false}""", "a|##b|.", "ab .")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"}""", "▁a|▁b▁", "a b ")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"never"}""", "▁a|▁b", " a b")]
    [InlineData("""{"type":"BPEDecoder","suffix":"</w>"}""", "a</w>|b</w>", "a b")]
    [InlineData("""{"type":"CTC","pad_token":"-","word_delimiter_token":"_","cleanup":true}""", "a|a|-|a|_|b", "aa b")]
    [InlineData("""{"type":"Strip","content":" ","start":1,"stop":1}""", "  a |b", " ab")]
    [InlineData("""{"type":"Replace","pattern":{"String":"▁"},"content":" "}""", "a▁|▁b", "a  b")]
    [InlineData("""{"type":"Replace","pattern":{"Regex":"[0-9]"},"content":"#"}""", "a12|3", "a###")]
    public void Tokens_become_text(string decoder, string tokens, string expected)
    {
        string[] parts = tokens.Split('|');
        string vocabulary = string.Join(',', parts.Distinct().Select((t, i) => $"{System.Text.Json.JsonSerializer.Serialize(t)}:{i}"));
        Tokenizer tokenizer = TinyTokenizers.Parse(
            $$"""{"decoder":{{decoder}},"model":{"type":"WordLevel","unk_token":"?","vocab":{ {{vocabulary}} } } }""");

        Assert.Equal(expected, tokenizer.Decode(parts.Select(p => tokenizer.TokenToId(p)!.Value)));
        Assert.Equal(string.Empty, tokenizer.Decode([]));
    }
}
