using System.Diagnostics;

using Hieno.Formats.Tokenizers;

namespace Hieno.Formats.Tests.Tokenizers;

public sealed class TokenizerTests
{
    [Fact]
    public void A_text_is_framed_and_every_field_has_one_entry_a_token()
    {
        Hieno.Formats.Tokenizers.Encoding encoding = TinyTokenizers.WordPiece().Encode("Unaffable, WORLD!");

        Assert.Equal([2, 4, 5, 6, 10, 9, 11, 3], encoding.Ids);
        Assert.Equal(["[CLS]", "un", "##aff", "##able", ",", "world", "!", "[SEP]"], encoding.Tokens);
        Assert.Equal([(0, 0), (0, 2), (2, 5), (5, 9), (9, 10), (11, 16), (16, 17), (0, 0)], encoding.Offsets.Select(o => (o.Start, o.End)));
        Assert.Equal([1, 0, 0, 0, 0, 0, 0, 1], encoding.SpecialTokensMask);
        Assert.Equal([null, 0, 0, 0, 1, 2, 3, null], encoding.WordIds);
        Assert.All(encoding.AttentionMask, mask => Assert.Equal(1, mask));
    }

    [Fact]
    public void The_second_text_of_a_pair_has_segment_one_and_its_own_offsets()
    {
        Hieno.Formats.Tokenizers.Encoding encoding = TinyTokenizers.WordPiece().EncodePair("hello", "a world");

        Assert.Equal([2, 8, 3, 7, 9, 3], encoding.Ids);
        Assert.Equal([0, 0, 0, 1, 1, 1], encoding.TypeIds);
        Assert.Equal([null, 0, null, 1, 1, null], encoding.SequenceIds);
        Assert.Equal(new TextRange(2, 7), encoding.Offsets[4]);
    }

    [Fact]
    public void Decoding_joins_pieces_and_skips_special_tokens_on_request()
    {
        Tokenizer tokenizer = TinyTokenizers.WordPiece();
        int[] ids = tokenizer.Encode("unaffable , world !").Ids;

        Assert.Equal("unaffable, world!", tokenizer.Decode(ids));
        Assert.Equal("[CLS] unaffable, world! [SEP]", tokenizer.Decode(ids, skipSpecialTokens: false));
        Assert.Equal("hello", tokenizer.Decode([8, 99, -1]));
    }

    [Fact]
    public void Vocabulary_look_ups_include_added_tokens()
    {
        Tokenizer tokenizer = TinyTokenizers.WordPiece();
        Assert.Equal(12, tokenizer.VocabularySize);

        Assert.Equal(2, tokenizer.AddTokens([new AddedToken("<think>"), new AddedToken("hello")]));
        Assert.Equal(13, tokenizer.VocabularySize);
        Assert.Equal(12, tokenizer.TokenToId("<think>"));
        Assert.Equal(8, tokenizer.TokenToId("hello"));
        Assert.Equal("<think>", tokenizer.IdToToken(12));
        Assert.Null(tokenizer.TokenToId("absent"));
        Assert.Null(tokenizer.IdToToken(13));
        Assert.Equal([12, 7], tokenizer.Encode("<think>a", addSpecialTokens: false).Ids);
    }

    [Fact]
    public void Truncation_leaves_room_for_special_tokens_and_overlaps_by_the_stride()
    {
        Tokenizer tokenizer = TinyTokenizers.WordPiece();
        tokenizer.Truncation = new Truncation(5) { Stride = 1 };
        Hieno.Formats.Tokenizers.Encoding encoding = tokenizer.Encode("a hello , world !");

        Assert.Equal([2, 7, 8, 10, 3], encoding.Ids);
        Assert.Equal([[2, 10, 9, 11, 3]], encoding.Overflowing.Select(o => o.Ids));
        Assert.Equal(new TextRange(16, 17), encoding.Overflowing[0].Offsets[3]);
    }

    [Theory]
    [InlineData(TruncationStrategy.LongestFirst, 9, "2 7 8 10 3 7 8 10 3")]
    [InlineData(TruncationStrategy.OnlyFirst, 9, "2 7 3 7 8 10 9 11 3")]
    [InlineData(TruncationStrategy.OnlySecond, 9, "2 7 8 10 9 11 3 7 3")]
    public void Pairs_are_shortened_by_the_strategy(TruncationStrategy strategy, int length, string expected)
    {
        Tokenizer tokenizer = TinyTokenizers.WordPiece();
        tokenizer.Truncation = new Truncation(length) { Strategy = strategy };

        Assert.Equal(expected, string.Join(' ', tokenizer.EncodePair("a hello , world !", "a hello , world !").Ids));
    }

    [Fact]
    public void Truncation_on_the_left_keeps_the_end()
    {
        Tokenizer tokenizer = TinyTokenizers.WordPiece();
        tokenizer.Truncation = new Truncation(2) { Side = TruncationSide.Left };
        Hieno.Formats.Tokenizers.Encoding encoding = tokenizer.Encode("a hello , world !", addSpecialTokens: false);

        Assert.Equal([9, 11], encoding.Ids);
        Assert.Equal(["8 10", "7"], encoding.Overflowing.Select(o => string.Join(' ', o.Ids)));
    }

    [Fact]
    public void Limits_that_cannot_be_met_are_refused()
    {
        Tokenizer tokenizer = TinyTokenizers.WordPiece();
        tokenizer.Truncation = new Truncation(1);
        Assert.Contains("2 special tokens", Assert.Throws<InvalidOperationException>(() => tokenizer.Encode("a")).Message);
        tokenizer.Truncation = new Truncation(4) { Stride = 2 };
        Assert.Contains("stride", Assert.Throws<InvalidOperationException>(() => tokenizer.Encode("a a a a a")).Message);
    }

    [Fact]
    public void A_batch_is_padded_to_its_longest_rounded_up()
    {
        Tokenizer tokenizer = TinyTokenizers.WordPiece();
        tokenizer.Padding = new Padding { MultipleOf = 4 };
        Hieno.Formats.Tokenizers.Encoding[] batch = tokenizer.EncodeBatch(["a", "a hello world"]);

        Assert.Equal([2, 7, 3, 0, 0, 0, 0, 0], batch[0].Ids);
        Assert.Equal([1, 1, 1, 0, 0, 0, 0, 0], batch[0].AttentionMask);
        Assert.Equal([1, 0, 1, 1, 1, 1, 1, 1], batch[0].SpecialTokensMask);
        Assert.Equal(8, batch[1].Length);

        tokenizer.Padding = new Padding { Length = 4, Side = TruncationSide.Left };
        Assert.Equal([0, 2, 7, 3], tokenizer.Encode("a").Ids);
    }

    [Fact]
    public void Truncation_and_padding_are_saved_with_the_tokenizer()
    {
        Tokenizer tokenizer = TinyTokenizers.WordPiece();
        tokenizer.Truncation = new Truncation(5) { Stride = 1, Strategy = TruncationStrategy.OnlySecond, Side = TruncationSide.Left };
        tokenizer.Padding = new Padding { Length = 9, MultipleOf = 3, Id = 7, TypeId = 1, Token = "a", Side = TruncationSide.Left };
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            tokenizer.Save(path);
            Tokenizer again = Tokenizer.Load(path);
            Assert.Equal(tokenizer.Truncation, again.Truncation);
            Assert.Equal(tokenizer.Padding, again.Padding);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Code_point_offsets_count_a_surrogate_pair_once()
    {
        Hieno.Formats.Tokenizers.Encoding encoding = TinyTokenizers.Showing(preTokenizer: """{"type":"WhitespaceSplit"}""").Encode("😀 b");

        Assert.Equal([new TextRange(0, 2), new TextRange(3, 4)], encoding.Offsets);
        Assert.Equal([new TextRange(0, 1), new TextRange(2, 3)], encoding.CodePointOffsets("😀 b"));
    }

    [Fact]
    public void A_lone_surrogate_counts_as_the_replacement_character() =>
        Assert.Equal(["a\uFFFDb"], TinyTokenizers.Pieces("a\uD800b"));

    [Theory]
    [InlineData("", "not valid JSON")]
    [InlineData("[]", "JSON object")]
    [InlineData("{}", "'model' is missing")]
    [InlineData("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}", "not valid JSON")]
    [InlineData("{\"model\":7}", "model: expected an object")]
    [InlineData("{\"model\":{\"type\":\"Magic\"}}", "'Magic' is not known")]
    [InlineData("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0}}}", "'merges' is missing")]
    [InlineData("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":\"x\"},\"merges\":[]}}", "vocab['a']")]
    [InlineData("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":-1},\"merges\":[]}}", "vocab['a']")]
    [InlineData("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":2000000000},\"merges\":[]}}", "2000000000")]
    [InlineData("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[[\"a\",\"b\"]]}}", "model.merges[0]: 'b' is not in the vocabulary")]
    [InlineData("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[[\"a\",\"a\"]]}}", "the merged token 'aa'")]
    [InlineData("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a a a\"]}}", "model.merges[0]")]
    [InlineData("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[[\"a\"]]}}", "model.merges[0]")]
    [InlineData("{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0},\"unk_token\":\"[UNK]\"}}", "[UNK]")]
    [InlineData("{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\"]]}}", "model.vocab[0]")]
    [InlineData("{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",1]],\"unk_id\":5}}", "unk_id is 5")]
    [InlineData("{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"\\ud800\":0}}}", "not valid JSON")]
    [InlineData("{\"version\":\"2.0\",\"model\":{\"type\":\"WordLevel\",\"vocab\":{}}}", "only 1.0")]
    [InlineData("{\"normalizer\":{\"type\":\"Odd\"},\"model\":{\"type\":\"WordLevel\",\"vocab\":{}}}", "normalizer: the normalizer 'Odd' is not known")]
    [InlineData("{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(\"}},\"model\":{\"type\":\"WordLevel\",\"vocab\":{}}}", "pre_tokenizer.pattern.Regex")]
    [InlineData("{\"truncation\":{\"max_length\":-1},\"model\":{\"type\":\"WordLevel\",\"vocab\":{}}}", "truncation.max_length")]
    public void A_malformed_file_is_refused_with_the_place(string json, string message)
    {
        TokenizerException e = Assert.Throws<TokenizerException>(() => TinyTokenizers.Parse(json));
        Assert.Contains(message, e.Message);
        Assert.Contains("tiny.json", e.Message);
    }

    [Fact]
    public void Every_truncation_of_a_file_is_refused()
    {
        byte[] file = TinyTokenizers.WordPiece().ToUtf8Json();
        int end = Array.LastIndexOf(file, (byte)'}');
        for (int length = 0; length < end; length++)
        {
            Assert.Throws<TokenizerException>(() => Tokenizer.Parse(file.AsSpan(0, length), "cut"));
        }
    }

    [Fact]
    public void Every_damaged_byte_gives_a_tokenizer_or_a_typed_error()
    {
        byte[] file = TinyTokenizers.WordPiece().ToUtf8Json();
        for (int i = 0; i < file.Length; i++)
        {
            byte[] damaged = [.. file];
            damaged[i] ^= (byte)(1 << (i % 8));
            try
            {
                Tokenizer.Parse(damaged, "damaged").Encode("hello, unaffable world!");
            }
            catch (TokenizerException)
            {
                // Refused, as it may be.
            }
        }
    }

    [Theory]
    [InlineData("a")]
    [InlineData(" ")]
    [InlineData("\n")]
    [InlineData("!")]
    [InlineData("'")]
    [InlineData("é")]
    [InlineData("\u0301\u0323")]
    public void A_long_run_of_one_character_takes_linear_time(string unit)
    {
        Tokenizer tokenizer = new BpeTrainer { VocabularySize = 300 }.Train([string.Concat(Enumerable.Repeat(unit, 100)) + "aaaa    !!!!"]);
        string text = string.Concat(Enumerable.Repeat(unit, 200_000)) + "x";
        var watch = Stopwatch.StartNew();
        int[] ids = tokenizer.Encode(text).Ids;

        // Quadratic time would be minutes.
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"{watch.Elapsed}");
        Assert.Equal(text, tokenizer.Decode(ids));
    }
}
