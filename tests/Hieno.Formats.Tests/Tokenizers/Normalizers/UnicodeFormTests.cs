using System.Diagnostics;
using System.Text;
using Hieno.Formats.Tokenizers;
using Hieno.Formats.Tokenizers.Normalizers;

namespace Hieno.Formats.Tests.Tokenizers.Normalizers;

public sealed class UnicodeFormTests
{
    [Theory]
    [InlineData(NormalizationForm.FormC)]
    [InlineData(NormalizationForm.FormD)]
    [InlineData(NormalizationForm.FormKC)]
    [InlineData(NormalizationForm.FormKD)]
    public void Normalizing_by_blocks_gives_what_normalizing_at_once_gives(NormalizationForm form)
    {
        // Bases, marks of several classes, Hangul letters and syllables, half-width kana, compatibility and composed characters.
        const string Alphabet = "aeo é\u00E5\u1E69\u0301\u0323\u0307\u0308\u0327\u0345\u0344\u1100\u1161\u11A8\uAC00ㅏㄱﾡￂｶﾞｷﾟﬁ½\u0958\u093C\u0928\u2126㍿e";
        ulong state = 7;
        for (int round = 0; round < 20_000; round++)
        {
            var text = new StringBuilder();
            for (int i = 0; i <= round % 11; i++)
            {
                state = (state * 6364136223846793005UL) + 1442695040888963407UL;
                text.Append(Alphabet[(int)((state >> 33) % (ulong)Alphabet.Length)]);
            }

            Assert.Equal(text.ToString().Normalize(form), new UnicodeForm(form).Normalize(text.ToString()));
        }
    }

    [Fact]
    public void Every_character_on_its_own_is_normalized_as_the_platform_does()
    {
        var normalizer = new UnicodeForm(NormalizationForm.FormKD);
        for (int value = 0; value < 0x30000; value++)
        {
            bool isNoncharacter = (value & 0xFFFE) == 0xFFFE || value is >= 0xFDD0 and <= 0xFDEF;
            if (Rune.IsValid(value) && !isNoncharacter)
            {
                string text = new Rune(value).ToString();
                Assert.Equal(text.Normalize(NormalizationForm.FormKD), normalizer.Normalize(text));
            }
        }
    }

    [Theory]
    [InlineData("e\u0301\uFFFE\u0301", "\u00E9\uFFFE\u0301")]
    [InlineData("\uFDD0e\u0301", "\uFDD0\u00E9")]
    [InlineData("\U0001FFFFe\u0301\U0010FFFE", "\U0001FFFF\u00E9\U0010FFFE")]
    public void Noncharacters_which_dotnet_refuses_to_normalize_stay_as_they_are(string text, string expected) =>
        Assert.Equal(expected, new UnicodeForm(NormalizationForm.FormC).Normalize(text));

    [Fact]
    public void Hundreds_of_thousands_of_marks_in_disorder_take_linear_time()
    {
        string text = "a" + string.Concat(Enumerable.Repeat("\u0301\u0323", 100_000));
        var watch = Stopwatch.StartNew();
        new UnicodeForm(NormalizationForm.FormC).Normalize(text);

        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"{watch.Elapsed}"); // .NET on the whole: several seconds and quadratic
    }

    [Fact]
    public void A_character_made_of_two_stands_at_the_place_of_the_first()
    {
        AlignedText source = AlignedText.Of("xe\u0301y");
        var target = new AlignedText(4);
        UnicodeForm.Apply(NormalizationForm.FormC, source, 0, source.Length, target);

        Assert.Equal("xéy", target.Slice(0, target.Length).ToString());
        Assert.Equal([new TextRange(0, 1), new TextRange(1, 2), new TextRange(3, 4)], Enumerable.Range(0, 3).Select(target.OriginOf));
    }
}
