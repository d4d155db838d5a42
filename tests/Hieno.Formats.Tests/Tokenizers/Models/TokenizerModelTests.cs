using Hieno.Formats.Tokenizers;

namespace Hieno.Formats.Tests.Tokenizers.Models;

public sealed class TokenizerModelTests
{
    [Fact]
    public void Bpe_applies_the_earliest_merge_first_and_of_equals_the_leftmost()
    {
        Tokenizer tokenizer = Bpe("""{"a":0,"b":1,"c":2,"bc":3,"ab":4,"aa":5}""", """[["b","c"],["a","b"],["a","a"]]""");

        Assert.Equal(["a", "bc"], tokenizer.Encode("abc").Tokens);
        Assert.Equal(["aa", "a"], tokenizer.Encode("aaa").Tokens);
        Assert.Equal(["aa", "aa", "ab"], tokenizer.Encode("aaaaab").Tokens);
    }

    [Fact]
    public void Bpe_writes_unknown_characters_as_bytes_or_as_unknown()
    {
        const string Vocabulary = """{"<unk>":0,"a":1,"<0xC3>":2,"<0xA9>":3}""";
        Tokenizer tokenizer = Bpe(Vocabulary, "[]", """ "unk_token":"<unk>","byte_fallback":true,"fuse_unk":true,""");

        Assert.Equal([1, 2, 3, 0, 1], tokenizer.Encode("aé漢字a").Ids);
        Assert.Equal([new TextRange(0, 1), new TextRange(1, 2), new TextRange(1, 2), new TextRange(2, 4), new TextRange(4, 5)],
            tokenizer.Encode("aé漢字a").Offsets);
        Assert.Equal([1, 0, 0], Bpe(Vocabulary, "[]", """ "unk_token":"<unk>",""").Encode("a漢字").Ids);
        Assert.Equal([1], Bpe(Vocabulary, "[]").Encode("a漢字").Ids);
    }

    [Fact]
    public void Bpe_takes_whole_pieces_without_merges_on_request()
    {
        const string Vocabulary = """{"a":0,"b":1,"ab":2,"aba":3}""";

        Assert.Equal([3], Bpe(Vocabulary, """[["a","b"]]""", """ "ignore_merges":true,""").Encode("aba").Ids);
        Assert.Equal([2, 0], Bpe(Vocabulary, """[["a","b"]]""").Encode("aba").Ids);
    }

    [Fact]
    public void Bpe_marks_the_ends_and_the_insides_of_words()
    {
        Tokenizer suffixed = Bpe("""{"a":0,"b":1,"b</w>":2,"ab</w>":3,"a</w>":4}""", """[["a","b</w>"]]""", """ "end_of_word_suffix":"</w>",""");
        Assert.Equal([3], suffixed.Encode("ab").Ids);
        Assert.Equal([4], suffixed.Encode("a").Ids);

        Tokenizer prefixed = Bpe("""{"a":0,"##b":1,"ab":2,"##a":3}""", """[["a","##b"]]""", """ "continuing_subword_prefix":"##",""");
        Assert.Equal([2, 3], prefixed.Encode("aba").Ids);
    }

    [Fact]
    public void Unigram_takes_the_best_sum_of_scores_and_joins_unknown_characters()
    {
        Tokenizer tokenizer = TinyTokenizers.Parse("""
            {"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1],["b",-1.5],["ab",-2],["abb",-4.4],["bb",-2.3]]}}
            """);

        Assert.Equal(["a", "bb"], tokenizer.Encode("abb").Tokens); // −3.3, against −3.5 for ab+b and −4.4 for abb
        Assert.Equal(["ab"], tokenizer.Encode("ab").Tokens);
        Assert.Equal(["漢字", "a"], tokenizer.Encode("漢字a").Tokens);
        Assert.Equal([0, 1], tokenizer.Encode("漢字a").Ids);
    }

    [Fact]
    public void Word_piece_gives_up_on_long_words_and_on_words_it_cannot_finish()
    {
        Tokenizer tokenizer = TinyTokenizers.WordPiece();

        Assert.Equal([1], tokenizer.Encode("unaffz", addSpecialTokens: false).Ids);
        Assert.Equal([1], tokenizer.Encode("un" + string.Concat(Enumerable.Repeat("aff", 7)), addSpecialTokens: false).Ids);
        Assert.Equal(7, tokenizer.Encode("un" + string.Concat(Enumerable.Repeat("aff", 6)), addSpecialTokens: false).Length);
    }

    [Fact]
    public void Word_level_knows_whole_words_only()
    {
        Tokenizer tokenizer = TinyTokenizers.Parse("""
            {"pre_tokenizer":{"type":"WhitespaceSplit"},"model":{"type":"WordLevel","unk_token":"?","vocab":{"?":0,"cat":1}}}
            """);

        Assert.Equal([1, 0], tokenizer.Encode("cat cats").Ids);
    }

    [Fact]
    public void A_file_that_does_not_name_its_model_is_recognised_by_its_parts()
    {
        Assert.Equal([1], TinyTokenizers.Parse("""{"model":{"vocab":{"a":0,"aa":1},"merges":["a a"]}}""").Encode("aa").Ids);
        Assert.Equal([0], TinyTokenizers.Parse("""{"model":{"vocab":[["a",-1]],"unk_id":0}}""").Encode("a").Ids);
        Assert.Equal([1], TinyTokenizers.Parse("""{"model":{"vocab":{"a":1,"[UNK]":0},"unk_token":"[UNK]","max_input_chars_per_word":9}}""").Encode("a").Ids);
    }

    private static Tokenizer Bpe(string vocabulary, string merges, string settings = "") =>
        TinyTokenizers.Parse($$"""{"model":{"type":"BPE",{{settings}}"vocab":{{vocabulary}},"merges":{{merges}} } }""");
}
