using Hieno.Formats.Tokenizers;

namespace Hieno.Formats.Tests.Tokenizers.Normalizers;

public sealed class NormalizerTests
{
    [Theory]
    [InlineData("""{"type":"Lowercase"}""", "ÀİΑΣẞ", "ài\u0307ασß")]
    [InlineData("""{"type":"StripAccents"}""", "e\u0301é", "eé")]
    [InlineData("""{"type":"Strip","strip_left":true,"strip_right":false}""", " \ta b ", "a b ")]
    [InlineData("""{"type":"Strip","strip_left":false,"strip_right":true}""", " a b\u3000", " a b")]
    [InlineData("""{"type":"Prepend","prepend":"▁"}""", "ab", "▁ab")]
    [InlineData("""{"type":"Replace","pattern":{"String":" "},"content":"▁"}""", "a b c", "a▁b▁c")]
    [InlineData("""{"type":"Replace","pattern":{"Regex":" {2,}"},"content":"."}""", "a   b c", "a.b c")]
    [InlineData("""{"type":"Nmt"}""", "a\u0001b\u200Bc\tď", "ab c ď")]
    [InlineData("""{"type":"ByteLevel"}""", "é a", "Ã©Ġa")]
    [InlineData("""{"type":"BertNormalizer","lowercase":true,"strip_accents":null}""", "Ça\u0000\tvà漢x", "ca va 漢 x")]
    [InlineData("""{"type":"BertNormalizer","lowercase":true,"strip_accents":false,"handle_chinese_chars":false}""", "Ça漢", "ça漢")]
    [InlineData("""{"type":"BertNormalizer","lowercase":false,"strip_accents":true,"clean_text":false}""", "Ça\u200B", "Ca\u200B")]
    [InlineData("""{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"},{"type":"Lowercase"}]}""", "ÉCOLE", "ecole")]
    [InlineData("""{"type":"Sequence","normalizers":[]}""", "same", "same")]
    public void A_text_is_rewritten(string normalizer, string text, string expected) =>
        Assert.Equal([expected], TinyTokenizers.Pieces(text, normalizer));

    [Fact]
    public void Offsets_lead_back_to_the_text_before_normalization()
    {
        Tokenizer tokenizer = TinyTokenizers.Showing(
            """{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Prepend","prepend":"▁"}]}""", """{"type":"FixedLength","length":1}""");

        // ▁ borrows the place of ﬁ; f and i share it; the composed é stands for its first character.
        Assert.Equal(
            [("▁", 0, 1), ("f", 0, 1), ("i", 0, 1), ("é", 1, 2), ("x", 3, 4)],
            Fields(tokenizer.Encode("ﬁe\u0301x")));
    }

    [Fact]
    public void An_unknown_pattern_kind_is_refused() =>
        Assert.Throws<TokenizerException>(() => TinyTokenizers.Showing("""{"type":"Replace","pattern":{"Other":"x"},"content":""}"""));

    private static IEnumerable<(string Token, int Start, int End)> Fields(Hieno.Formats.Tokenizers.Encoding encoding) =>
        encoding.Tokens.Zip(encoding.Offsets, (token, offset) => (token, offset.Start, offset.End));
}
