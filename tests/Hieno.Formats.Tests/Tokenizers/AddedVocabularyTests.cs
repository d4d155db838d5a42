using Hieno.Formats.Tokenizers;

namespace Hieno.Formats.Tests.Tokenizers;

public sealed class AddedVocabularyTests
{
    [Fact]
    public void The_longest_token_wins_at_one_place()
    {
        Tokenizer tokenizer = TinyTokenizers.WordPiece();
        tokenizer.AddTokens([new AddedToken("<a>"), new AddedToken("<a><b>"), new AddedToken("<b>")]);

        Assert.Equal(["<a><b>", "<b>", "<a>"], tokenizer.Encode("<a><b><b><a>", addSpecialTokens: false).Tokens);
    }

    [Fact]
    public void A_single_word_token_needs_free_sides()
    {
        Tokenizer tokenizer = TinyTokenizers.WordPiece();
        tokenizer.AddTokens([new AddedToken("xx") { SingleWord = true }]);

        Assert.Equal([12, 10, 12], tokenizer.Encode("xx,xx", addSpecialTokens: false).Ids);
        Assert.Equal([1], tokenizer.Encode("xxx", addSpecialTokens: false).Ids);
        Assert.Equal([1, 12], tokenizer.Encode("_xx xx".Replace("_", "z", StringComparison.Ordinal), addSpecialTokens: false).Ids);
    }

    [Fact]
    public void Stripping_tokens_take_the_white_space_into_their_offsets()
    {
        Tokenizer tokenizer = TinyTokenizers.WordPiece();
        tokenizer.AddTokens([new AddedToken("<m>") { LStrip = true, RStrip = true }]);
        Hieno.Formats.Tokenizers.Encoding encoding = tokenizer.Encode("a  <m> a", addSpecialTokens: false);

        Assert.Equal([7, 12, 7], encoding.Ids);
        Assert.Equal(new TextRange(1, 7), encoding.Offsets[1]);
    }

    [Fact]
    public void Normalized_tokens_are_found_in_the_normalized_text_only()
    {
        Tokenizer tokenizer = TinyTokenizers.WordPiece();
        tokenizer.AddTokens([new AddedToken("Été") { Normalized = true }, new AddedToken("Ö")]);

        Assert.Equal([12, 12], tokenizer.Encode("ete ÉTÉ", addSpecialTokens: false).Ids);
        Assert.Equal([13, 1], tokenizer.Encode("Ö ö", addSpecialTokens: false).Ids);
    }

    [Fact]
    public void The_same_token_twice_is_added_once()
    {
        Tokenizer tokenizer = TinyTokenizers.WordPiece();

        Assert.Equal(1, tokenizer.AddTokens([new AddedToken("<x>"), new AddedToken("<x>"), new AddedToken("")]));
        Assert.Equal(1, tokenizer.AddTokens([new AddedToken("<x>") { Special = false }]));
        Assert.Equal("<x>", tokenizer.Decode([12]));
    }
}
