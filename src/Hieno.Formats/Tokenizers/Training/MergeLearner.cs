using System.Runtime.InteropServices;

namespace Hieno.Formats.Tokenizers.Training;

/// <summary>Learns byte-pair merges from counted words: again and again the most frequent pair of neighbours becomes one token.</summary>
/// <remarks>
/// Sennrich et al. 2016, <see href="https://arxiv.org/abs/1508.07909"/>, algorithm 1. Of equally frequent pairs the one with the smaller
/// ids goes first, so the result depends on nothing but the counts. Only words that contain the merged pair are looked at again.
/// </remarks>
internal sealed class MergeLearner
{
    private readonly string _prefix;
    private readonly List<string> _tokens = [];
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly List<(int[] Symbols, long Count)> _words = [];
    private readonly Dictionary<(int Left, int Right), long> _pairCounts = [];
    private readonly Dictionary<(int Left, int Right), List<int>> _wordsWithPair = [];

    /// <summary>Starts with no words and no tokens.</summary>
    /// <param name="prefix">Marks tokens that continue a word; taken off the right part of a merge.</param>
    public MergeLearner(string prefix)
    {
        _prefix = prefix;
    }

    /// <summary>The tokens by id: those that were added, then those that were learned.</summary>
    public IReadOnlyList<string> Tokens => _tokens;

    /// <summary>The merges in the order they were learned.</summary>
    public List<(int Left, int Right, int Result)> Merges { get; } = [];

    /// <summary>The id of a token, which is added if it is new.</summary>
    public int Add(string token)
    {
        if (!_ids.TryGetValue(token, out int id))
        {
            id = _tokens.Count;
            _tokens.Add(token);
            _ids.Add(token, id);
        }

        return id;
    }

    /// <summary>Adds a word as the ids of its characters, and how often it occurs.</summary>
    public void AddWord(int[] symbols, long count) => _words.Add((symbols, count));

    /// <summary>Learns until there are <paramref name="vocabularySize"/> tokens or no pair occurs <paramref name="minFrequency"/> times.</summary>
    public void Learn(int vocabularySize, long minFrequency)
    {
        var queue = new PriorityQueue<(int Left, int Right), (long Count, int Left, int Right)>(
            Comparer<(long Count, int Left, int Right)>.Create(static (a, b) =>
                a.Count != b.Count ? b.Count.CompareTo(a.Count)
                : a.Left != b.Left ? a.Left.CompareTo(b.Left)
                : a.Right.CompareTo(b.Right)));
        for (int word = 0; word < _words.Count; word++)
        {
            CountPairs(word, sign: 1, touched: null);
        }

        foreach (((int left, int right), long count) in _pairCounts)
        {
            queue.Enqueue((left, right), (count, left, right));
        }

        var merged = new HashSet<(int, int)>();
        var touched = new HashSet<(int Left, int Right)>();
        while (_tokens.Count < vocabularySize && queue.TryDequeue(out (int Left, int Right) pair, out (long Count, int, int) entry))
        {
            long count = _pairCounts.GetValueOrDefault(pair);
            if (count != entry.Count)
            {
                // The count has changed since the entry was made: put it back where it belongs now.
                if (count > 0 && count < entry.Count)
                {
                    queue.Enqueue(pair, (count, pair.Left, pair.Right));
                }

                continue;
            }

            if (count < Math.Max(minFrequency, 1))
            {
                break;
            }

            if (!merged.Add(pair))
            {
                continue;
            }

            int result = Add(_tokens[pair.Left] + _tokens[pair.Right][PrefixLength(pair.Right)..]);
            Merges.Add((pair.Left, pair.Right, result));
            Apply(pair, result, touched);
            foreach ((int Left, int Right) other in touched)
            {
                queue.Enqueue(other, (_pairCounts[other], other.Left, other.Right));
            }

            touched.Clear();
        }
    }

    private int PrefixLength(int token) =>
        _prefix.Length > 0 && _tokens[token].StartsWith(_prefix, StringComparison.Ordinal) ? _prefix.Length : 0;

    /// <summary>Merges a pair in every word that has it and notes the pairs that have become more frequent.</summary>
    private void Apply((int Left, int Right) pair, int result, HashSet<(int Left, int Right)> touched)
    {
        List<int> words = _wordsWithPair[pair];
        _wordsWithPair.Remove(pair);
        foreach (int word in words)
        {
            (int[] symbols, long count) = _words[word];
            var shorter = new List<int>(symbols.Length);
            for (int i = 0; i < symbols.Length; i++)
            {
                bool isPair = i + 1 < symbols.Length && symbols[i] == pair.Left && symbols[i + 1] == pair.Right;
                shorter.Add(isPair ? result : symbols[i]);
                i += isPair ? 1 : 0;
            }

            if (shorter.Count < symbols.Length) // a word can be listed twice, and then has nothing left to merge
            {
                CountPairs(word, sign: -1, touched: null);
                _words[word] = ([.. shorter], count);
                CountPairs(word, sign: 1, touched, result);
            }
        }
    }

    /// <summary>Adds the pairs of a word to the counts, or takes them away.</summary>
    private void CountPairs(int word, int sign, HashSet<(int Left, int Right)>? touched, int fresh = -1)
    {
        (int[] symbols, long count) = _words[word];
        for (int i = 0; i + 1 < symbols.Length; i++)
        {
            (int Left, int Right) pair = (symbols[i], symbols[i + 1]);
            CollectionsMarshal.GetValueRefOrAddDefault(_pairCounts, pair, out _) += sign * count;
            if (sign < 0 || (fresh >= 0 && pair.Left != fresh && pair.Right != fresh))
            {
                continue; // the word is already listed under its old pairs
            }

            ref List<int>? words = ref CollectionsMarshal.GetValueRefOrAddDefault(_wordsWithPair, pair, out _);
            words ??= [];
            if (words.Count == 0 || words[^1] != word)
            {
                words.Add(word);
            }

            touched?.Add(pair);
        }
    }
}
