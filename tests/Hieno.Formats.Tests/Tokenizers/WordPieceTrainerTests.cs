using Hieno.Formats.Tokenizers;

namespace Hieno.Formats.Tests.Tokenizers;

public sealed class WordPieceTrainerTests
{
    [Fact]
    public void Frequent_parts_of_words_become_entries_with_their_prefix()
    {
        Tokenizer tokenizer = new WordPieceTrainer { VocabularySize = 40, MinFrequency = 2 }.Train(["played playing plays", "walked walking walks", "played"]);

        Assert.Equal([2, 3], new[] { "[CLS]", "[SEP]" }.Select(t => tokenizer.TokenToId(t)!.Value));
        Assert.NotNull(tokenizer.TokenToId("play"));
        Assert.NotNull(tokenizer.TokenToId("##ed"));
        Assert.Equal("walked plays", tokenizer.Decode(tokenizer.Encode("Walked  PLAYS").Ids));
    }

    [Fact]
    public void Characters_beyond_the_limit_make_a_word_unknown()
    {
        Tokenizer tokenizer = new WordPieceTrainer { VocabularySize = 50, AlphabetLimit = 2 }.Train(["ab ab ab ac"]);

        Assert.Null(tokenizer.TokenToId("c"));
        Assert.Equal(["[CLS]", "[UNK]", "[SEP]"], tokenizer.Encode("ac").Tokens);
    }

    [Fact]
    public void The_same_texts_give_the_same_file_and_it_loads_again()
    {
        string[] texts = ["Le été arrive", "l'été est là", "été"];
        byte[] first = new WordPieceTrainer { VocabularySize = 60 }.Train(texts).ToUtf8Json();

        Assert.Equal(first, new WordPieceTrainer { VocabularySize = 60 }.Train(texts).ToUtf8Json());
        Assert.Equal(first, Tokenizer.Parse(first, "trained").ToUtf8Json());
    }

    [Fact]
    public void A_vocabulary_without_room_for_the_characters_is_refused() =>
        Assert.Contains("AlphabetLimit", Assert.Throws<ArgumentException>(() => new WordPieceTrainer { VocabularySize = 6 }.Train(["abc"])).Message);
}
