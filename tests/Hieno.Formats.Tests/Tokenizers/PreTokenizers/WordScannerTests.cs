using System.Text.RegularExpressions;
using Hieno.Formats.Tokenizers;
using Hieno.Formats.Tokenizers.PreTokenizers;

namespace Hieno.Formats.Tests.Tokenizers.PreTokenizers;

public sealed class WordScannerTests
{
    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    private const string Llama3 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Qwen2 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string WithMarks =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    [Theory]
    [InlineData(Gpt2)]
    [InlineData(Llama3)]
    [InlineData(Qwen2)]
    [InlineData(WithMarks)]
    public void Scanning_agrees_with_the_regular_expression_on_the_basic_plane(string pattern)
    {
        WordScanner scanner = WordScanner.For(pattern)!;
        var regex = new Regex(pattern, RegexOptions.CultureInvariant);
        const string Alphabet = "aZé1½ \t\r\n\u00A0\u3000'sTrevmLd.!_漢\u0301-";
        ulong state = 1;
        for (int round = 0; round < 20_000; round++)
        {
            var text = new char[1 + (round % 13)];
            for (int i = 0; i < text.Length; i++)
            {
                state = (state * 6364136223846793005UL) + 1442695040888963407UL;
                text[i] = Alphabet[(int)((state >> 33) % (ulong)Alphabet.Length)];
            }

            string input = new(text);
            Assert.Equal(regex.Matches(input).Select(m => m.Value), Scan(scanner, input));
        }
    }

    [Fact]
    public void Letters_outside_the_basic_plane_are_letters()
    {
        Assert.Equal(["ab", " 𝐀𝐁c", " 𝟘", "😀"], Scan(WordScanner.Gpt2, "ab 𝐀𝐁c 𝟘😀"));
        Assert.Equal(["𠀀一"], Scan(WordScanner.For(Llama3)!, "𠀀一"));
    }

    [Fact]
    public void Possessive_spellings_of_a_pattern_are_recognised()
    {
        Assert.NotNull(WordScanner.For(
            @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"));
        Assert.Null(WordScanner.For(@"\w+"));
    }

    private static List<string> Scan(WordScanner scanner, string text)
    {
        var pieces = new PreTokenizedText(AlignedText.Of(text));
        pieces.Split(scanner.Split);
        return [.. pieces.Pieces.Select(p => text.Substring(p.Start, p.Length))];
    }
}
