using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Models;

/// <summary>Byte-pair encoding: starts from characters and applies the learned merges, the earliest learned first.</summary>
/// <remarks>Sennrich et al. 2016, <see href="https://arxiv.org/abs/1508.07909"/>, section 3.2.</remarks>
internal sealed class BpeModel : TokenizerModel
{
    // Words repeat, so their tokens are kept. Long pieces do not repeat, and an unlimited cache would grow with the corpus.
    private const int LongestCached = 64;
    private const int LargestCache = 100_000;

    private readonly BpeOptions _options;
    private readonly MergeTable _merges;
    private readonly int _unknownId = -1;
    private readonly int[]? _byteIds;
    private readonly ConcurrentDictionary<string, TokenSpan[]> _cache = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, TokenSpan[]>.AlternateLookup<ReadOnlySpan<char>> _cacheBySpan;
    private int _cached;

    public BpeModel(Vocabulary vocabulary, MergeTable merges, BpeOptions options, Func<string, TokenizerException> fault)
        : base(vocabulary)
    {
        (_options, _merges) = (options, merges);
        _cacheBySpan = _cache.GetAlternateLookup<ReadOnlySpan<char>>();
        if (options.UnknownToken is string unknown && !vocabulary.TryGetId(unknown, out _unknownId))
        {
            // The reference only notices when it meets an unknown character; the file is wrong either way.
            throw fault($"the unknown token '{unknown}' is not in the vocabulary.");
        }

        if (options.ByteFallback)
        {
            _byteIds = new int[256];
            for (int b = 0; b < 256; b++)
            {
                _byteIds[b] = vocabulary.TryGetId($"<0x{b:X2}>", out int id) ? id : -1;
            }
        }
    }

    public override void Tokenize(ReadOnlySpan<char> piece, TokenBuffer output)
    {
        if (_options.IgnoreMerges && Vocabulary.TryGetId(piece, out int whole))
        {
            output.Add(whole, 0, piece.Length);
            return;
        }

        if (piece.Length > LongestCached)
        {
            Merge(piece, output);
            return;
        }

        if (!_cacheBySpan.TryGetValue(piece, out TokenSpan[]? tokens))
        {
            tokens = Merge(piece, output: null);
            if (Volatile.Read(ref _cached) < LargestCache && _cacheBySpan.TryAdd(piece, tokens))
            {
                Interlocked.Increment(ref _cached);
            }
        }

        output.Add(tokens);
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "BPE");
        if (_options.Dropout is double dropout)
        {
            json.WriteNumber("dropout", dropout);
        }
        else
        {
            json.WriteNull("dropout");
        }

        json.WriteString("unk_token", _options.UnknownToken);
        json.WriteString("continuing_subword_prefix", _options.ContinuingSubwordPrefix);
        json.WriteString("end_of_word_suffix", _options.EndOfWordSuffix);
        json.WriteBoolean("fuse_unk", _options.FuseUnknown);
        json.WriteBoolean("byte_fallback", _options.ByteFallback);
        json.WriteBoolean("ignore_merges", _options.IgnoreMerges);
        Vocabulary.Write(json);
        json.WriteStartArray("merges");
        foreach ((int left, int right, _) in _merges.Merges)
        {
            json.WriteStartArray();
            json.WriteStringValue(Vocabulary.Token(left));
            json.WriteStringValue(Vocabulary.Token(right));
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Merges a piece; the tokens go to <paramref name="output"/>, or are returned when it is null.</summary>
    private TokenSpan[] Merge(ReadOnlySpan<char> piece, TokenBuffer? output)
    {
        // A character gives one symbol, or one a byte (three at most for one unit of text), and the end-of-word suffix may add its own.
        int suffixBytes = _options.EndOfWordSuffix is string suffix ? System.Text.Encoding.UTF8.GetByteCount(suffix) : 0;
        int prefixBytes = _options.ContinuingSubwordPrefix is string prefix ? System.Text.Encoding.UTF8.GetByteCount(prefix) : 0;
        int capacity = _byteIds is null ? piece.Length : (piece.Length * (3 + prefixBytes)) + suffixBytes;
        Symbol[] symbols = ArrayPool<Symbol>.Shared.Rent(capacity);
        try
        {
            int count = ReadSymbols(piece, symbols);
            MergeSymbols(symbols.AsSpan(0, count));
            return Collect(symbols.AsSpan(0, count), output);
        }
        finally
        {
            ArrayPool<Symbol>.Shared.Return(symbols);
        }
    }

    private static TokenSpan[] Collect(ReadOnlySpan<Symbol> symbols, TokenBuffer? output)
    {
        if (output is not null)
        {
            for (int i = 0; i >= 0 && i < symbols.Length; i = symbols[i].Next)
            {
                output.Add(symbols[i].Id, symbols[i].Start, symbols[i].End);
            }

            return [];
        }

        var tokens = new List<TokenSpan>();
        for (int i = 0; i >= 0 && i < symbols.Length; i = symbols[i].Next)
        {
            tokens.Add(new TokenSpan(symbols[i].Id, symbols[i].Start, symbols[i].End));
        }

        return [.. tokens];
    }

    /// <summary>Looks up each character of a piece. Returns the number of symbols.</summary>
    private int ReadSymbols(ReadOnlySpan<char> piece, Symbol[] symbols)
    {
        int count = 0;
        (int Start, int End)? unknown = null; // unknown characters wait for the next known one, so that neighbours can be fused
        for (int start = 0; start < piece.Length;)
        {
            Rune.DecodeFromUtf16(piece[start..], out _, out int units);
            int end = start + units;
            if (LookUp(piece[start..end], isFirst: start == 0, isLast: end == piece.Length, out int id))
            {
                FlushUnknown(ref unknown, symbols, ref count);
                symbols[count++] = new Symbol(id, start, end);
            }
            else if (!TryAddBytes(piece, start, end, symbols, ref count) && _unknownId >= 0)
            {
                if (unknown is not null && !_options.FuseUnknown)
                {
                    FlushUnknown(ref unknown, symbols, ref count);
                }

                unknown = (unknown?.Start ?? start, end);
            }

            start = end;
        }

        FlushUnknown(ref unknown, symbols, ref count);
        for (int i = 0; i < count; i++)
        {
            symbols[i].Previous = i - 1;
            symbols[i].Next = i + 1 < count ? i + 1 : -1;
        }

        return count;
    }

    private bool LookUp(ReadOnlySpan<char> character, bool isFirst, bool isLast, out int id)
    {
        string? prefix = isFirst ? null : _options.ContinuingSubwordPrefix;
        string? suffix = isLast ? _options.EndOfWordSuffix : null;
        return prefix is null && suffix is null
            ? Vocabulary.TryGetId(character, out id)
            : Vocabulary.TryGetId(string.Concat(prefix, character, suffix), out id);
    }

    private void FlushUnknown(ref (int Start, int End)? unknown, Symbol[] symbols, ref int count)
    {
        if (unknown is (int start, int end))
        {
            symbols[count++] = new Symbol(_unknownId, start, end);
            unknown = null;
        }
    }

    private bool TryAddBytes(ReadOnlySpan<char> piece, int start, int end, Symbol[] symbols, ref int count)
    {
        if (_byteIds is null)
        {
            return false;
        }

        string text = string.Concat(
            start == 0 ? null : _options.ContinuingSubwordPrefix,
            piece[start..end],
            end == piece.Length ? _options.EndOfWordSuffix : null);
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        if (Array.Exists(bytes, b => _byteIds[b] < 0))
        {
            return false;
        }

        foreach (byte b in bytes)
        {
            symbols[count++] = new Symbol(_byteIds[b], start, end);
        }

        return true;
    }

    /// <summary>Applies merges until none is left: always the one of lowest rank, of equals the leftmost.</summary>
    /// <remarks>
    /// Symbols form a linked list and possible merges a priority queue, so a piece of n characters costs n log n however it is made up.
    /// A queue entry can be overtaken by another merge of its symbols; it is then skipped, because its pair no longer gives its result.
    /// </remarks>
    private void MergeSymbols(Span<Symbol> symbols)
    {
        if (symbols.Length < 2)
        {
            return;
        }

        var queue = new PriorityQueue<(int Left, int Result), long>(symbols.Length);
        for (int i = 0; i + 1 < symbols.Length; i++)
        {
            Propose(symbols, i, queue);
        }

        while (queue.TryDequeue(out (int Left, int Result) merge, out _))
        {
            ref Symbol left = ref symbols[merge.Left];
            if (left.Id < 0 || left.Next < 0)
            {
                continue;
            }

            ref Symbol right = ref symbols[left.Next];
            if (!_merges.TryGet(left.Id, right.Id, out _, out int result) || result != merge.Result)
            {
                continue;
            }

            right.Id = -1; // gone
            (left.Id, left.End, left.Next) = (result, right.End, right.Next);
            if (left.Next >= 0)
            {
                symbols[left.Next].Previous = merge.Left;
                Propose(symbols, merge.Left, queue);
            }

            if (left.Previous >= 0)
            {
                Propose(symbols, left.Previous, queue);
            }
        }
    }

    private void Propose(Span<Symbol> symbols, int left, PriorityQueue<(int Left, int Result), long> queue)
    {
        if (_merges.TryGet(symbols[left].Id, symbols[symbols[left].Next].Id, out int rank, out int result))
        {
            queue.Enqueue((left, result), ((long)rank << 32) | (uint)left);
        }
    }

    /// <summary>A token so far, its range in the piece, and its neighbours (−1: none). Id −1: merged into the symbol on its left.</summary>
    private record struct Symbol(int Id, int Start, int End)
    {
        public int Previous { get; set; }

        public int Next { get; set; }
    }
}
