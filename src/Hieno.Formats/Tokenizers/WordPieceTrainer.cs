using System.Text;
using Hieno.Formats.Tokenizers.Decoders;
using Hieno.Formats.Tokenizers.Models;
using Hieno.Formats.Tokenizers.Normalizers;
using Hieno.Formats.Tokenizers.PostProcessors;
using Hieno.Formats.Tokenizers.PreTokenizers;
using Hieno.Formats.Tokenizers.Training;

namespace Hieno.Formats.Tokenizers;

/// <summary>Learns a WordPiece tokenizer, BERT's kind, from texts.</summary>
/// <remarks>
/// Entries are found by merging the most frequent pairs, as in BPE and as the tools in common use do it; words are then cut greedily.
/// The same texts give the same tokenizer.
/// </remarks>
public sealed record WordPieceTrainer
{
    private const string Prefix = "##";

    /// <summary>Entries to end with, special tokens and characters included. Default 30,000; fewer if the texts give no more.</summary>
    public int VocabularySize { get; init; } = 30_000;

    /// <summary>How often a pair must occur to be merged. Default 2.</summary>
    public int MinFrequency { get; init; } = 2;

    /// <summary>Most different characters to keep, the most frequent ones; words with others become unknown. Default 1,000.</summary>
    public int AlphabetLimit { get; init; } = 1_000;

    /// <summary>Further special tokens, after [PAD], [UNK], [CLS], [SEP] and [MASK], which have the ids 0 to 4. Default none.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = [];

    /// <summary>Lower-cases and drops accents. Default true.</summary>
    public bool Lowercase { get; init; } = true;

    /// <summary>Learns a tokenizer.</summary>
    /// <param name="texts">The texts, read once.</param>
    /// <returns>The tokenizer, ready to use and to save.</returns>
    /// <exception cref="ArgumentException"><see cref="VocabularySize"/> has no room for the special tokens and the characters.</exception>
    public Tokenizer Train(IEnumerable<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        string[] special = [.. new[] { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" }.Concat(SpecialTokens).Distinct(StringComparer.Ordinal)];
        var normalizer = new BertNormalizer(cleanText: true, handleChineseChars: true, stripAccents: null, lowercase: Lowercase);
        var preTokenizer = new BertPreTokenizer();
        List<(string Word, long Count)> words = WordCounter.Count(texts, normalizer, preTokenizer);

        var learner = new MergeLearner(Prefix);
        foreach (string token in special)
        {
            learner.Add(token);
        }

        HashSet<Rune> alphabet = AddAlphabet(words, learner);
        foreach ((string word, long count) in words)
        {
            var symbols = new List<int>(word.Length);
            foreach (Rune rune in word.EnumerateRunes().Where(alphabet.Contains))
            {
                symbols.Add(learner.Add(symbols.Count == 0 ? rune.ToString() : Prefix + rune));
            }

            learner.AddWord([.. symbols], count);
        }

        if (VocabularySize < learner.Tokens.Count)
        {
            throw new ArgumentException($"WordPieceTrainer: VocabularySize is {VocabularySize}, but special tokens and characters already take "
                + $"{learner.Tokens.Count}. Raise it or lower AlphabetLimit.");
        }

        learner.Learn(VocabularySize, MinFrequency);
        TokenizerException Fault(string problem) => new("WordPieceTrainer", null, problem);
        var vocabulary = new Vocabulary(learner.Tokens.Index().ToDictionary(t => t.Item, t => t.Index, StringComparer.Ordinal), Fault);
        return new Tokenizer(new TokenizerParts(new WordPieceModel(vocabulary, "[UNK]", Prefix, longestWord: 100, Fault))
        {
            Normalizer = normalizer,
            PreTokenizer = preTokenizer,
            PostProcessor = new BertProcessing(new SpecialToken("[SEP]", 3), new SpecialToken("[CLS]", 2)),
            Decoder = new WordPieceDecoder(Prefix, cleanup: true),
            AddedTokens = [.. special.Select(token => new AddedToken(token))],
        });
    }

    /// <summary>Adds the most frequent characters in the order of their code points; of equally frequent ones the smaller stays.</summary>
    private HashSet<Rune> AddAlphabet(List<(string Word, long Count)> words, MergeLearner learner)
    {
        var counts = new Dictionary<Rune, long>();
        foreach ((string word, long count) in words)
        {
            foreach (Rune rune in word.EnumerateRunes())
            {
                counts[rune] = counts.GetValueOrDefault(rune) + count;
            }
        }

        Rune[] kept = [.. counts.OrderByDescending(c => c.Value).ThenBy(c => c.Key).Take(AlphabetLimit).Select(c => c.Key).Order()];
        foreach (Rune rune in kept)
        {
            learner.Add(rune.ToString());
        }

        return [.. kept];
    }
}
