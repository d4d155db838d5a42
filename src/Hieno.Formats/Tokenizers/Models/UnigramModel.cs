using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Models;

/// <summary>Unigram language model: of all ways to cut a piece into entries, takes the one with the highest sum of scores.</summary>
/// <remarks>Kudo 2018, <see href="https://arxiv.org/abs/1804.10959"/>, section 3.2; Viterbi search.</remarks>
internal sealed class UnigramModel : TokenizerModel
{
    private const double UnknownPenalty = 10;

    private readonly IReadOnlyList<(string Piece, double Score)> _entries;
    private readonly int? _unknownId;
    private readonly bool _byteFallback;
    private readonly bool _isSingle;
    private readonly CharTrie _trie;
    private readonly double _unknownScore;

    /// <summary>A model of scored pieces.</summary>
    /// <param name="entries">Piece and score of each id.</param>
    /// <param name="unknownId">The id for what no piece covers, or null.</param>
    /// <param name="byteFallback">Writes that as bytes instead.</param>
    /// <param name="fault">Makes the exception for a model that contradicts itself.</param>
    /// <param name="leastScore">Given for a model of SentencePiece: the least score of its usual pieces. Scores are then added up in 32 bits, as it does.</param>
    public UnigramModel(
        IReadOnlyList<(string Piece, double Score)> entries, int? unknownId, bool byteFallback, Func<string, TokenizerException> fault, float? leastScore = null)
        : base(VocabularyOf(entries, fault))
    {
        if (unknownId is int id && (uint)id >= (uint)entries.Count)
        {
            throw fault($"unk_id is {id}, but the vocabulary has {entries.Count} entries.");
        }

        (_entries, _unknownId, _byteFallback, _isSingle) = (entries, unknownId, byteFallback, leastScore is not null);
        _trie = CharTrie.Build([.. entries.Select(e => e.Piece)]);
        _unknownScore = (leastScore ?? entries.Select(e => e.Score).DefaultIfEmpty(0).Min()) - UnknownPenalty;
    }

    public override void Tokenize(ReadOnlySpan<char> piece, TokenBuffer output)
    {
        Node[] best = ArrayPool<Node>.Shared.Rent(piece.Length + 1);
        try
        {
            Search(piece, best);

            // Read the best path backwards; neighbouring unknown parts become one.
            var path = new List<TokenSpan>();
            for (int end = piece.Length; end > 0; end = best[end].Start)
            {
                Node node = best[end];
                if (path.Count > 0 && node.Id == _unknownId && path[^1].Id == _unknownId)
                {
                    path[^1] = path[^1] with { Start = node.Start };
                }
                else
                {
                    path.Add(new TokenSpan(node.Id, node.Start, end));
                }
            }

            for (int i = path.Count - 1; i >= 0; i--)
            {
                Add(piece, path[i], output);
            }
        }
        finally
        {
            ArrayPool<Node>.Shared.Return(best);
        }
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Unigram");
        if (_unknownId is int unknownId)
        {
            json.WriteNumber("unk_id", unknownId);
        }
        else
        {
            json.WriteNull("unk_id");
        }

        json.WriteStartArray("vocab");
        foreach ((string piece, double score) in _entries)
        {
            json.WriteStartArray();
            json.WriteStringValue(piece);
            json.WriteNumberValue(score);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteBoolean("byte_fallback", _byteFallback);
        json.WriteEndObject();
    }

    private static Vocabulary VocabularyOf(IReadOnlyList<(string Piece, double Score)> entries, Func<string, TokenizerException> fault)
    {
        var ids = new Dictionary<string, int>(entries.Count, StringComparer.Ordinal);
        for (int id = 0; id < entries.Count; id++)
        {
            ids[entries[id].Piece] = id;
        }

        return new Vocabulary(ids, fault);
    }

    /// <summary>Fills <paramref name="best"/>: for each position, the last entry of the best path that ends there.</summary>
    private void Search(ReadOnlySpan<char> piece, Node[] best)
    {
        best.AsSpan(0, piece.Length + 1).Fill(new Node(-1, -1, 0));
        for (int start = 0; start < piece.Length;)
        {
            double sofar = best[start].Score;
            Rune.DecodeFromUtf16(piece[start..], out _, out int units);
            bool coversCharacter = false;
            int node = CharTrie.Root;
            for (int end = start; end < piece.Length && (node = _trie.Child(node, piece[end])) >= 0;)
            {
                end++;
                if (_trie.ValueAt(node) is int id and >= 0)
                {
                    Offer(ref best[end], new Node(start, id, Sum(sofar, _entries[id].Score)));
                    coversCharacter |= end - start == units;
                }
            }

            if (!coversCharacter)
            {
                int unknown = _unknownId ?? throw new TokenizerException(
                    "Unigram", null, $"'{piece.Slice(start, units)}' is not in the vocabulary and the file names no unk_id.");
                Offer(ref best[start + units], new Node(start, unknown, Sum(sofar, _unknownScore)));
            }

            start += units;
        }
    }

    private double Sum(double a, double b) => _isSingle ? (float)a + (float)b : a + b;

    /// <summary>Keeps the better path; of equals the one found first.</summary>
    private static void Offer(ref Node current, Node candidate)
    {
        if (current.Start < 0 || candidate.Score > current.Score)
        {
            current = candidate;
        }
    }

    private void Add(ReadOnlySpan<char> piece, TokenSpan token, TokenBuffer output)
    {
        ReadOnlySpan<char> text = piece[token.Start..token.End];
        if (Vocabulary.TryGetId(text, out int id))
        {
            output.Add(id, token.Start, token.End);
            return;
        }

        if (_byteFallback && TryBytes(text, out int[] byteIds))
        {
            foreach (int byteId in byteIds)
            {
                output.Add(byteId, token.Start, token.End);
            }

            return;
        }

        output.Add(token.Id, token.Start, token.End, text.ToString());
    }

    private bool TryBytes(ReadOnlySpan<char> text, out int[] ids)
    {
        byte[] bytes = new byte[System.Text.Encoding.UTF8.GetByteCount(text)];
        System.Text.Encoding.UTF8.GetBytes(text, bytes);
        ids = new int[bytes.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            if (!Vocabulary.TryGetId($"<0x{bytes[i]:X2}>", out ids[i]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The entry that ends a path: where it starts, its id, and the score of the whole path.</summary>
    private readonly record struct Node(int Start, int Id, double Score);
}
