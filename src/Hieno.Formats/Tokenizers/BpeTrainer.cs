using Hieno.Formats.Tokenizers.Decoders;
using Hieno.Formats.Tokenizers.Models;
using Hieno.Formats.Tokenizers.PostProcessors;
using Hieno.Formats.Tokenizers.PreTokenizers;
using Hieno.Formats.Tokenizers.Training;

namespace Hieno.Formats.Tokenizers;

/// <summary>Learns a byte-level BPE tokenizer, GPT-2's kind, from texts. Any text can be encoded with it, without loss.</summary>
/// <remarks>Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.2. The same texts give the same tokenizer.</remarks>
public sealed record BpeTrainer
{
    /// <summary>Entries to end with, special tokens and the 256 bytes included. Default 30,000; fewer if the texts give no more.</summary>
    public int VocabularySize { get; init; } = 30_000;

    /// <summary>How often a pair must occur to be merged. Default 2: what occurs once teaches nothing.</summary>
    public int MinFrequency { get; init; } = 2;

    /// <summary>Special tokens; they get the first ids, in this order. Default <c>&lt;|endoftext|&gt;</c>.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = ["<|endoftext|>"];

    /// <summary>Puts a space before the first word, so that it is the same token there as elsewhere. Default false.</summary>
    public bool AddPrefixSpace { get; init; }

    /// <summary>Learns a tokenizer.</summary>
    /// <param name="texts">The texts, read once. A word never spans two of them.</param>
    /// <returns>The tokenizer, ready to use and to save.</returns>
    /// <exception cref="ArgumentException"><see cref="VocabularySize"/> has no room for the special tokens and the 256 bytes.</exception>
    public Tokenizer Train(IEnumerable<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        var learner = new MergeLearner(prefix: string.Empty);
        foreach (string token in SpecialTokens)
        {
            learner.Add(token);
        }

        // All 256 bytes are entries, also those the texts lack; in the order of their characters.
        foreach (char c in Enumerable.Range(0, 256).Select(b => ByteAlphabet.Char((byte)b)).Order())
        {
            learner.Add(c.ToString());
        }

        if (VocabularySize < learner.Tokens.Count)
        {
            throw new ArgumentException(
                $"BpeTrainer: VocabularySize is {VocabularySize}, but special tokens and bytes already take {learner.Tokens.Count}. Raise it.");
        }

        var settings = new ByteLevelSettings(AddPrefixSpace, TrimOffsets: true, UseRegex: true);
        var preTokenizer = new ByteLevel(settings);
        foreach ((string word, long count) in WordCounter.Count(texts, normalizer: null, preTokenizer))
        {
            learner.AddWord([.. word.Select(c => learner.Add(c.ToString()))], count);
        }

        learner.Learn(VocabularySize, MinFrequency);
        TokenizerException Fault(string problem) => new("BpeTrainer", null, problem);
        var vocabulary = new Vocabulary(learner.Tokens.Index().ToDictionary(t => t.Item, t => t.Index, StringComparer.Ordinal), Fault);
        return new Tokenizer(new TokenizerParts(new BpeModel(vocabulary, new MergeTable(learner.Merges), new BpeOptions(), Fault))
        {
            PreTokenizer = preTokenizer,
            PostProcessor = new ByteLevelProcessing(settings),
            Decoder = new ByteLevelDecoder(settings),
            AddedTokens = [.. SpecialTokens.Select(token => new AddedToken(token))],
        });
    }
}
