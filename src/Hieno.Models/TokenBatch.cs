using Hieno.Models.Decoders;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>
/// Rows of tokens laid end to end, without padding: N tokens in all. Which tokens see each other follows from the rows' lengths, so a
/// batch of short rows costs no more than its tokens, and packing needs nothing of its own.
/// </summary>
public sealed class TokenBatch
{
    private readonly Dictionary<int, AttentionSpans> _causal = [];
    private readonly Dictionary<int, AttentionSpans> _bidirectional = [];
    private int[]? _positions;
    private bool[]? _begins; // the rows that begin a text, where virtual tokens were added
    private int _prompt; // virtual tokens at the start of these rows, counted in Lengths
    private int _prefix; // keys before these rows, not counted in Lengths
    private LayerPrefix[]? _layers;
    private RouterLoads? _routers;

    /// <summary>A batch of rows.</summary>
    /// <param name="ids">Token ids of all rows, one after the other, [N].</param>
    /// <param name="lengths">Tokens in each row; they add up to N.</param>
    /// <exception cref="ArgumentException">The lengths do not add up to N, or a row is empty.</exception>
    public TokenBatch(int[] ids, int[] lengths)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(lengths);
        if (lengths.Sum() != ids.Length || Array.Exists(lengths, n => n <= 0))
        {
            throw new ArgumentException($"{lengths.Length} rows of together {lengths.Sum()} tokens do not cut {ids.Length} tokens into rows of at least one.", nameof(lengths));
        }

        (Ids, Lengths, TextIds) = (ids, lengths, ids);
    }

    /// <summary>Token ids, [N]; -1 for virtual tokens.</summary>
    public int[] Ids { get; }

    /// <summary>The ids of the text: those in <see cref="Ids"/> without virtual tokens.</summary>
    public int[] TextIds { get; private init; }

    /// <summary>Tokens in each row.</summary>
    public int[] Lengths { get; }

    /// <summary>Number of rows.</summary>
    public int Rows => Lengths.Length;

    /// <summary>Segment (token type) ids, [N]; null means all 0.</summary>
    public int[]? TokenTypes { get; init; }

    /// <summary>Keys and values of earlier tokens of the same rows, or null.</summary>
    public KvCache? Cache { get; init; }

    /// <summary>Which text of the cache each row continues, each at most once; null means row r continues text r of as many.</summary>
    public int[]? CacheRows { get; init; }

    /// <summary>
    /// Tokens of each row's text that are given before what is to be predicted, counted from the text's first token; null means the whole text.
    /// Methods that change some vectors of a prompt look here.
    /// </summary>
    public int[]? GivenLengths { get; init; }

    /// <summary>Tokens of each row's text that came before this row, in the cache; null means none.</summary>
    public int[]? TextStarts { get; init; }

    /// <summary>The name of the task that each row is of, or null for one that does not say; null where no row does. Prompts of several tasks look here.</summary>
    public IReadOnlyList<string?>? Tasks { get; init; }

    /// <summary>
    /// The adapter that each row goes through, by name, or null for the base model; whether adapters are switched on then plays no part. Null
    /// (default) for the whole means those that are switched on, in all rows.
    /// </summary>
    public IReadOnlyList<string?>? Adapters { get; init; }

    /// <summary>True for a batch to which virtual tokens were added.</summary>
    public bool HasVirtualTokens => _begins is not null;

    /// <summary>What routers of experts do with these rows.</summary>
    internal RouterLoads Routers => _routers ??= new RouterLoads();

    /// <summary>The place of each token in its row, [N]: from 0, or from what the cache already holds, and behind a prefix.</summary>
    public int[] Positions => _positions ??= CountPositions();

    /// <summary>Tokens of the longest row, those that the cache already holds included.</summary>
    public int Reach => Positions.Max() + 1;

    /// <summary>The index of each row's first token.</summary>
    public int[] FirstTokens()
    {
        int[] first = new int[Rows];
        for (int row = 1; row < Rows; row++)
        {
            first[row] = first[row - 1] + Lengths[row - 1];
        }

        return first;
    }

    /// <summary>The index of each row's last token.</summary>
    public int[] LastTokens()
    {
        int[] last = FirstTokens();
        for (int row = 0; row < Rows; row++)
        {
            last[row] += Lengths[row] - 1;
        }

        return last;
    }

    /// <summary>The tokens among the first <paramref name="first"/> and the last <paramref name="last"/> that are given of each row's text; at most half of them each.</summary>
    /// <param name="first">How many at the beginning.</param>
    /// <param name="last">How many at the end.</param>
    /// <returns>Their places among all tokens, rising; virtual tokens are none of them.</returns>
    public int[] GivenTokens(int first, int last)
    {
        var places = new List<int>();
        int next = 0;
        for (int row = 0; row < Rows; row++)
        {
            (int begin, int end) = (next, next += Lengths[row]);
            while (begin < end && Ids[begin] < 0)
            {
                begin++;
            }

            int start = TextStarts?[row] ?? 0;
            int given = GivenLengths?[row] ?? start + end - begin;
            for (int token = begin; token < end; token++)
            {
                int position = start + token - begin;
                if (position < Math.Min(given / 2, first) || (position < given && position >= given - Math.Min(given / 2, last)))
                {
                    places.Add(token);
                }
            }
        }

        return [.. places];
    }

    /// <summary>Each token sees itself and those before it in its row, at most <paramref name="window"/> of them when given.</summary>
    public AttentionSpans CausalSpans(int? window = null)
    {
        if (!_causal.TryGetValue(window ?? 0, out AttentionSpans? spans))
        {
            spans = Cache is { } cache ? cache.Spans(this, window) : _prefix > 0 ? SpansBehindPrefix(window) : AttentionSpans.Causal(Lengths, window);
            _causal[window ?? 0] = spans;
        }

        return spans;
    }

    /// <summary>Each token sees all tokens of its row, or at most <paramref name="window"/> of them to either side when given.</summary>
    public AttentionSpans BidirectionalSpans(int? window = null)
    {
        if (!_bidirectional.TryGetValue(window ?? -1, out AttentionSpans? spans))
        {
            spans = _prefix > 0 ? WholeRowsBehindPrefix(window) : AttentionSpans.Bidirectional(Lengths, window);
            _bidirectional[window ?? -1] = spans;
        }

        return spans;
    }

    /// <summary>The place of each token, or of some of them, among the keys of a layer that sees whole rows: a prefix lies before each row.</summary>
    internal int[] KeysOf(int[]? tokens)
    {
        int[] places = new int[Ids.Length];
        (int token, int key) = (0, 0);
        for (int row = 0; row < Rows; row++)
        {
            key += PrefixLength(row);
            for (int i = 0; i < Lengths[row]; i++)
            {
                places[token++] = key++;
            }
        }

        return tokens is null ? places : Array.ConvertAll(tokens, one => places[one]);
    }

    /// <summary>
    /// This batch with virtual tokens before each row that begins a text; rows that continue a text of the cache have them there already.
    /// </summary>
    /// <param name="prompt">Virtual tokens that are read as words are.</param>
    /// <param name="prefix">Virtual tokens that exist only as keys and values.</param>
    /// <param name="layers">Computes keys and values of these, layer by layer; null where there are none.</param>
    /// <returns>This batch itself where no row begins.</returns>
    internal TokenBatch WithVirtualTokens(int prompt, int prefix, Func<LayerPrefix[]>? layers)
    {
        Cache?.ThrowUnlessFit(this);
        bool[] begins = [.. Enumerable.Range(0, Rows).Select(row => Cache is null || Cache.Length(CacheRow(row)) == 0)];
        if (!begins.Contains(true))
        {
            return this;
        }

        (var ids, var types) = (new List<int>(Ids.Length), TokenTypes is null ? null : new List<int>(Ids.Length));
        int start = 0;
        for (int row = 0; row < Rows; row++)
        {
            int added = begins[row] ? prompt : 0;
            ids.AddRange(Enumerable.Repeat(-1, added));
            ids.AddRange(Ids.AsSpan(start, Lengths[row]));
            types?.AddRange(Enumerable.Repeat(0, added));
            types?.AddRange(TokenTypes.AsSpan(start, Lengths[row]));
            start += Lengths[row];
        }

        int[] lengths = [.. Lengths.Select((length, row) => length + (begins[row] ? prompt : 0))];
        return new TokenBatch([.. ids], lengths)
        {
            TextIds = Ids, TokenTypes = types is null ? null : [.. types], Cache = Cache, CacheRows = CacheRows, GivenLengths = GivenLengths, TextStarts = TextStarts, Tasks = Tasks, Adapters = Adapters,
            _routers = Routers, _begins = begins, _prompt = prompt, _prefix = prefix, _layers = layers?.Invoke(),
        };
    }

    /// <summary>This batch with an adapter for each row; see <see cref="Adapters"/>.</summary>
    public TokenBatch WithAdapters(IReadOnlyList<string?>? adapters) => new(Ids, Lengths)
    {
        TokenTypes = TokenTypes, Cache = Cache, CacheRows = CacheRows, GivenLengths = GivenLengths, TextStarts = TextStarts, Tasks = Tasks, Adapters = adapters,
    };

    /// <summary>The same rows of text with another cache of the same texts.</summary>
    internal TokenBatch WithCache(KvCache cache) => new(Ids, Lengths)
    {
        TokenTypes = TokenTypes, Cache = cache, CacheRows = CacheRows, GivenLengths = GivenLengths, TextStarts = TextStarts, Tasks = Tasks,
    };

    /// <summary>A batch of some of the rows.</summary>
    /// <param name="rows">Their numbers.</param>
    /// <param name="tokens">The places of their tokens.</param>
    internal TokenBatch Only(int[] rows, int[] tokens)
    {
        T[]? Of<T>(T[]? all, int[] places) => all is null ? null : Array.ConvertAll(places, place => all[place]);
        return new TokenBatch(Of(Ids, tokens)!, Of(Lengths, rows)!)
        {
            TokenTypes = Of(TokenTypes, tokens), GivenLengths = Of(GivenLengths, rows), TextStarts = Of(TextStarts, rows), Tasks = Tasks is null ? null : Array.ConvertAll(rows, row => Tasks[row]),
            Cache = Cache, CacheRows = Cache is null ? null : Array.ConvertAll(rows, CacheRow),
        };
    }

    /// <summary>Where tokens of the text stand among all tokens; null stays null where they stand alone, and means all of them elsewhere.</summary>
    internal int[]? PlacesOf(int[]? tokens)
    {
        if (_prompt == 0)
        {
            return tokens;
        }

        int[] places = [.. Enumerable.Range(0, Ids.Length).Where(i => Ids[i] >= 0)];
        return tokens is null ? places : Array.ConvertAll(tokens, token => places[token]);
    }

    /// <summary>The vectors of the text with those of virtual tokens before each row that begins.</summary>
    internal Tensor WithPrompt(Tensor text, Func<Tensor> vectors)
    {
        if (_prompt == 0)
        {
            return text;
        }

        int start = 0;
        var before = new List<int>();
        for (int row = 0; row < Rows; row++)
        {
            if (_begins![row])
            {
                before.Add(start);
            }

            start += Lengths[row] - (_begins[row] ? _prompt : 0);
        }

        return Ops.Prepend(vectors(), text, [.. before]);
    }

    /// <summary>The same where the vectors depend on the row's task.</summary>
    /// <param name="text">The vectors of the text.</param>
    /// <param name="vectorsOf">For each part of the prompt its length, and its vectors for rows of these tasks, one row's after the other's.</param>
    internal Tensor WithPromptOfTask(Tensor text, IReadOnlyList<(int Count, Func<IReadOnlyList<string?>, Tensor> Of)> vectorsOf)
    {
        if (_prompt == 0)
        {
            return text;
        }

        string?[] tasks = [.. Enumerable.Range(0, Rows).Where(row => _begins![row]).Select(row => Tasks?[row])];
        Tensor[] prompts = [.. vectorsOf.Select(part => part.Of(tasks))];
        var from = new List<int>(Ids.Length);
        int next = prompts.Sum(prompt => prompt.Rows);
        for (int row = 0, begun = 0; row < Rows; row++)
        {
            int start = 0;
            for (int part = 0; _begins![row] && part < prompts.Length; part++)
            {
                from.AddRange(Enumerable.Range(start + (begun * vectorsOf[part].Count), vectorsOf[part].Count));
                start += prompts[part].Rows;
            }

            int length = Lengths[row] - (_begins[row] ? _prompt : 0);
            from.AddRange(Enumerable.Range(next, length));
            next += length;
            begun += _begins[row] ? 1 : 0;
        }

        return Ops.Rows(Ops.Concatenate([.. prompts, text]), [.. from]);
    }

    /// <summary>Keys and values of a layer with those of the prefix before each row that begins.</summary>
    internal (Tensor Keys, Tensor Values) WithPrefix(int layer, Tensor keys, Tensor values)
    {
        if (_prefix == 0)
        {
            return (keys, values);
        }

        int[] first = FirstTokens();
        int[] before = [.. Enumerable.Range(0, Rows).Where(row => _begins![row]).Select(row => first[row])];
        LayerPrefix added = _layers![layer];
        return (Ops.Prepend(added.Keys, keys, before), Ops.Prepend(added.Values, values, before));
    }

    /// <summary>What a layer reads of a prefix, for gradient checkpointing.</summary>
    internal Tensor[] PrefixRead(int layer) => _prefix == 0 ? [] : [_layers![layer].Keys, _layers[layer].Values];

    /// <summary>Keys before those of a row's own tokens.</summary>
    internal int PrefixLength(int row) => _begins is not null && _begins[row] ? _prefix : 0;

    /// <summary>The text of the cache that row <paramref name="row"/> continues.</summary>
    internal int CacheRow(int row) => CacheRows is null ? row : CacheRows[row];

    private int[] CountPositions()
    {
        Cache?.ThrowUnlessFit(this);
        int[] positions = new int[Ids.Length];
        int token = 0;
        for (int row = 0; row < Rows; row++)
        {
            int past = (Cache?.Length(CacheRow(row)) ?? 0) + PrefixLength(row);
            for (int i = 0; i < Lengths[row]; i++)
            {
                positions[token++] = past + i;
            }
        }

        return positions;
    }

    // The same where tokens see whole rows.
    private AttentionSpans WholeRowsBehindPrefix(int? window)
    {
        int[] places = KeysOf(null);
        (int[] start, int[] end) = (new int[places.Length], new int[places.Length]);
        (int token, int key) = (0, 0);
        for (int row = 0; row < Rows; row++)
        {
            int next = key + PrefixLength(row) + Lengths[row];
            for (int i = 0; i < Lengths[row]; i++, token++)
            {
                start[token] = Math.Max(key, window is { } back ? places[token] - back : key);
                end[token] = Math.Min(next, window is { } ahead ? places[token] + ahead + 1 : next);
            }

            key = next;
        }

        return new AttentionSpans(start, end);
    }

    // Each row's keys are the prefix and then its own tokens; a window counts the prefix as tokens.
    private AttentionSpans SpansBehindPrefix(int? window)
    {
        (int[] start, int[] end) = (new int[Ids.Length], new int[Ids.Length]);
        (int token, int key) = (0, 0);
        for (int row = 0; row < Rows; row++)
        {
            for (int i = 0; i < Lengths[row]; i++, token++)
            {
                int position = PrefixLength(row) + i;
                start[token] = key + Math.Max(0, window is { } w ? position - w + 1 : 0);
                end[token] = key + position + 1;
            }

            key += PrefixLength(row) + Lengths[row];
        }

        return new AttentionSpans(start, end);
    }
}
