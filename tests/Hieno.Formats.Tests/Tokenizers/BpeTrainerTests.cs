using System.Text.Json;
using Hieno.Formats.Tokenizers;
using Hieno.Tests.Shared;

namespace Hieno.Formats.Tests.Tokenizers;

public sealed class BpeTrainerTests
{
    [Fact]
    public void The_most_frequent_pairs_are_merged_first_and_ties_go_to_the_smaller_ids()
    {
        // Words: low x5, lower x2, newest x6, widest x3 (the example of Sennrich et al. 2016, without end-of-word marks).
        string text = string.Concat(Enumerable.Repeat("low", 5).Concat(Enumerable.Repeat("lower", 2))
            .Concat(Enumerable.Repeat("newest", 6)).Concat(Enumerable.Repeat("widest", 3)).Select(w => w + "\n"));
        Tokenizer tokenizer = new BpeTrainer { VocabularySize = 256 + 5, SpecialTokens = [], MinFrequency = 1 }.Train([.. text.Split('\n')]);

        // "es" 9 and "st" 9 tie: e < s. Then "est" 9; then "lo" 7 and "ow" 7 tie; "low" 7; then "ew" 6 before "ne" 6.
        Assert.Equal(["es", "est", "lo", "low", "ew"], Enumerable.Range(256, 5).Select(tokenizer.IdToToken));
    }

    [Fact]
    public void Every_text_survives_encoding_and_decoding()
    {
        Tokenizer tokenizer = new BpeTrainer { VocabularySize = 300 }.Train(["the cat sat on the mat, the cat sat"]);
        foreach (string text in (string[])["the cat", "Ünïcödé 漢字 😀\0\t\r\n  x", "", "<|endoftext|> the"])
        {
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text).Ids, skipSpecialTokens: false));
        }
    }

    [Fact]
    public void The_same_texts_give_the_same_file_and_it_loads_again()
    {
        string[] texts = ["a rose is a rose is a rose", "the rose is red"];
        byte[] first = new BpeTrainer { VocabularySize = 280 }.Train(texts).ToUtf8Json();
        byte[] second = new BpeTrainer { VocabularySize = 280 }.Train(texts).ToUtf8Json();

        Assert.Equal(first, second);
        Assert.Equal(first, Tokenizer.Parse(first, "trained").ToUtf8Json());
    }

    [Fact]
    public void Special_tokens_come_first_and_are_found_in_text()
    {
        Tokenizer tokenizer = new BpeTrainer { VocabularySize = 270, SpecialTokens = ["<s>", "</s>"] }.Train(["aaaa bbbb aaaa"]);

        Assert.Equal(0, tokenizer.TokenToId("<s>"));
        Assert.Equal([0, 1], tokenizer.Encode("<s></s>").Ids);
        Assert.Equal(string.Empty, tokenizer.Decode([0, 1]));
    }

    [Fact]
    public void Pairs_rarer_than_the_minimum_are_not_merged()
    {
        Tokenizer tokenizer = new BpeTrainer { VocabularySize = 1000, SpecialTokens = [], MinFrequency = 3 }.Train(["ab ab", "cd cd cd"]);

        Assert.NotNull(tokenizer.TokenToId("cd"));
        Assert.Null(tokenizer.TokenToId("ab"));
    }

    [Fact]
    public void A_vocabulary_without_room_for_the_bytes_is_refused() =>
        Assert.Contains("257", Assert.Throws<ArgumentException>(() => new BpeTrainer { VocabularySize = 256 }.Train(["x"])).Message);

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Merges_learned_from_the_corpus_are_those_of_the_reference_trainer()
    {
        string corpus = File.ReadAllText(SharedFolder.Require("golden/tokenizers/corpus.txt"));
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(SharedFolder.Require("golden/tokenizers/gpt2/tokenizer.json")));
        Tokenizer tokenizer = new BpeTrainer { VocabularySize = 1501 }
            .Train(corpus.Split('\n').Select(line => line + '\n')); // the reference trains on lines with their ends
        using JsonDocument trained = JsonDocument.Parse(tokenizer.ToUtf8Json());

        string[] expected = Merges(golden);
        string[] actual = Merges(trained);
        Assert.Equal(expected, actual);
    }

    private static string[] Merges(JsonDocument tokenizer) =>
        [.. tokenizer.RootElement.GetProperty("model").GetProperty("merges").EnumerateArray().Select(m => m[0].GetString() + " " + m[1].GetString())];
}
