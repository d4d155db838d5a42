using Hieno.Formats.Tokenizers;
using Hieno.Formats.Tokenizers.Normalizers;
using Hieno.Tests.Shared;

namespace Hieno.Formats.Tests.Tokenizers.Normalizers;

public sealed class PrecompiledTests
{
    [SkippableTheory]
    [Trait("tier", "golden")]
    [InlineData("①ﬁ½", "1fi1⁄2")]
    [InlineData("Ａ\u3000ｶﾞ", "A カ\u3099")] // six bytes in one cluster: too long for the table, so character by character
    [InlineData("cafe\u0301 \u0001x\tz", "café x z")]
    [InlineData("㍿ﷺ", "株式会社صلى الله عليه وسلم")]
    [InlineData("plain 漢字 😀", "plain 漢字 😀")]
    public void The_published_nmt_nfkc_table_rewrites_as_sentencepiece_does(string text, string expected) =>
        Assert.Equal(expected, new Precompiled(ReadTable(), Fault).Normalize(text));

    [SkippableFact]
    [Trait("tier", "golden")]
    public void A_damaged_table_is_refused_or_used_without_a_crash()
    {
        byte[] table = ReadTable();
        for (int i = 0; i < 4000; i += 7)
        {
            byte[] damaged = [.. table];
            damaged[i % 4 == 0 ? i % 64 : i] ^= (byte)(1 << (i % 8));
            try
            {
                new Precompiled(damaged, Fault).Normalize("①ﬁ cafe\u0301 漢字ｶﾞ");
            }
            catch (TokenizerException)
            {
                // Refused, as it may be.
            }
        }
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 8, 0, 0, 0, 1 })]
    [InlineData(new byte[] { 255, 255, 255, 255, 1, 2, 3, 4 })]
    public void A_table_that_is_too_short_is_refused(byte[] table) =>
        Assert.Contains("damaged", Assert.Throws<TokenizerException>(() => new Precompiled(table, Fault)).Message);

    [Fact]
    public void A_table_that_is_not_base64_is_refused() =>
        Assert.Contains("base64", Assert.Throws<TokenizerException>(
            () => TinyTokenizers.Showing("""{"type":"Precompiled","precompiled_charsmap":"?"}""")).Message);

    private static TokenizerException Fault(string problem) => new("table", null, problem);

    /// <summary>The table lies in a SentencePiece model right behind its name: tag 0x12, its length as a varint, its bytes.</summary>
    private static byte[] ReadTable()
    {
        byte[] model = File.ReadAllBytes(SharedFolder.Require("data/tokenizers/sentencepiece-fixtures/spiece.model"));
        int at = model.AsSpan().LastIndexOf("nmt_nfkc"u8) + "nmt_nfkc".Length;
        Assert.Equal(0x12, model[at++]);
        int length = 0;
        for (int shift = 0; ; shift += 7)
        {
            length |= (model[at] & 0x7F) << shift;
            if (model[at++] < 0x80)
            {
                return model[at..(at + length)];
            }
        }
    }
}
