using Hieno.Formats.Tokenizers;

namespace Hieno.Formats.Tests.Tokenizers;

public sealed class DecodeStreamTests
{
    private static readonly Tokenizer Bytes = new BpeTrainer { VocabularySize = 257 }.Train([]);

    [Fact]
    public void A_character_is_given_out_when_its_last_byte_arrives()
    {
        DecodeStream stream = Bytes.CreateDecodeStream();

        Assert.Equal(["a", "", "", "", "😀", "", "é"], Bytes.Encode("a😀é").Ids.Select(stream.Step));
        Assert.Equal(string.Empty, stream.Finish());
    }

    [Fact]
    public void A_character_that_never_becomes_complete_is_given_out_at_the_end()
    {
        DecodeStream stream = Bytes.CreateDecodeStream();
        int[] ids = Bytes.Encode("x😀").Ids;

        Assert.Equal("x", string.Concat(ids[..^1].Select(stream.Step)));
        Assert.Equal("\uFFFD", stream.Finish());
        Assert.Equal("x", stream.Step(ids[0]));
    }

    [Fact]
    public void The_space_between_words_comes_with_the_second_word()
    {
        Tokenizer tokenizer = TinyTokenizers.WordPiece();
        DecodeStream stream = tokenizer.CreateDecodeStream();

        Assert.Equal(["", "hello", " un", "aff", ""], new[] { 2, 8, 4, 5, 3 }.Select(stream.Step));
    }
}
