using Hieno.Formats;
using Hieno.Models.Encoders;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.DebertaV2;

/// <summary>How scores know of distances.</summary>
/// <param name="Span">Distances to either side that have a vector, or buckets of them.</param>
/// <param name="Buckets">Buckets of distances to either side; 0 where each distance has its own.</param>
/// <param name="Farthest">The distance from which all share the last bucket.</param>
/// <param name="ContentToPosition">True where queries meet distances.</param>
/// <param name="PositionToContent">True where keys meet distances.</param>
/// <param name="Normalises">True where the vectors of distances are normalised.</param>
public sealed record DisentangledOptions(int Span, int Buckets, int Farthest, bool ContentToPosition, bool PositionToContent, bool Normalises)
{
    /// <summary>Terms that a score is the sum of.</summary>
    public int Terms => 1 + (ContentToPosition ? 1 : 0) + (PositionToContent ? 1 : 0);

    /// <summary>Reads the settings.</summary>
    /// <exception cref="CheckpointException">Distances have layers of their own, or an unknown term is asked for.</exception>
    public static DisentangledOptions Read(ModelConfig config, int positions)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (!config.GetBool("share_att_key", false))
        {
            throw config.Error("share_att_key", "is not true, but distances are read through the layers of queries and keys", "Use a model that shares them, as all published ones do");
        }

        // Version 2 writes a list, some files "c2p|p2c".
        string[] kinds = config.Json.TryGetProperty("pos_att_type", out var value) && value.ValueKind == System.Text.Json.JsonValueKind.String
            ? config.GetString("pos_att_type").Split('|', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            : [.. config.GetStrings("pos_att_type") ?? []];
        if (Array.Find(kinds, kind => kind is not ("c2p" or "p2c")) is { } unknown)
        {
            throw config.Error("pos_att_type", $"names '{unknown}'. Known are c2p and p2c", "Use a model with these");
        }

        int stated = config.GetInt("max_relative_positions", -1);
        (int farthest, int buckets) = (stated < 1 ? positions : stated, Math.Max(0, config.GetInt("position_buckets", -1)));
        bool normalises = config.GetString("norm_rel_ebd", "none")!.Contains("layer_norm", StringComparison.OrdinalIgnoreCase);
        return new DisentangledOptions(buckets > 0 ? buckets : farthest, buckets, farthest, kinds.Contains("c2p"), kinds.Contains("p2c"), normalises);
    }

    /// <summary>The place among the 2 · <see cref="Span"/> vectors of a query so many tokens behind a key.</summary>
    public int PlaceOf(int distance)
    {
        int middle = Buckets / 2;
        int size = Math.Abs(distance);
        int bucket = Buckets == 0 || size <= middle
            ? distance
            : Math.Sign(distance) * ((int)MathF.Ceiling(MathF.Log(size / (float)middle) / MathF.Log((Farthest - 1) / (float)middle) * (middle - 1)) + middle);
        return Math.Clamp(bucket + Span, 0, (2 * Span) - 1);
    }
}

/// <summary>Scores between content and distance: queries meet the vectors of distances as keys, and keys meet them as queries.</summary>
/// <remarks>He et al. 2020, <see href="https://arxiv.org/abs/2006.03654"/>, equations 2 to 4; buckets: version 2 of the published code.</remarks>
public sealed class DisentangledPositions : DistanceBias
{
    private readonly EncoderSettings _settings;
    private readonly DisentangledOptions _options;
    private readonly Embedding _table;
    private readonly LayerNorm? _norm;

    /// <summary>Takes <c>rel_embeddings</c> and, where vectors are normalised, <c>LayerNorm</c> from <paramref name="w"/>.</summary>
    public DisentangledPositions(EncoderSettings settings, DisentangledOptions options, WeightScope w)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(options);
        (_settings, _options) = (settings, options);
        _table = Add(new Embedding(w.At("rel_embeddings").As(ParameterKind.Embedding), 2 * options.Span, settings.Width, settings.Normal));
        _norm = options.Normalises ? Add(new LayerNorm(w.At("LayerNorm"), settings.Width, settings.Eps)) : null;
    }

    /// <inheritdoc/>
    public override Tensor Bias(EncoderBlock block, Tensor q, Tensor k, AttentionSpans spans, int[] places)
    {
        ArgumentNullException.ThrowIfNull(block);
        ArgumentNullException.ThrowIfNull(spans);
        ArgumentNullException.ThrowIfNull(places);
        Tensor vectors = _table.Forward([.. Enumerable.Range(0, 2 * _options.Span)]);
        vectors = Ops.Dropout(_norm?.Forward(vectors) ?? vectors, _settings.HiddenDropout); // [2 · span, C]
        Tensor? bias = null;
        if (_options.ContentToPosition)
        {
            (Tensor keys, int[] of) = Projected(block.Key, vectors, q.Rows);
            bias = Scores(q, keys, ForEachPair(spans, (query, key) => (query * keys.Rows) + of[query] + _options.PlaceOf(places[query] - key)));
        }

        if (_options.PositionToContent)
        {
            (Tensor queries, int[] of) = Projected(block.Query, vectors, k.Rows);
            Tensor scores = Scores(k, queries, ForEachPair(spans, (query, key) => (key * queries.Rows) + of[key] + _options.PlaceOf(places[query] - key)));
            bias = bias is null ? scores : Ops.Add(bias, scores);
        }

        return bias ?? Tensor.FromValues([_settings.Heads, (int)spans.PairCount], new float[_settings.Heads * spans.PairCount], q.Backend);
    }

    // The vectors through a layer, and for each token where its own begin: tokens of several adapters have several.
    private static (Tensor Vectors, int[] Of) Projected(Linear layer, Tensor vectors, int tokens)
    {
        if (AdapterRouting.Current is not { } routing)
        {
            return (layer.Forward(vectors), new int[tokens]);
        }

        (Tensor all, int[] of) = routing.ForEach(tokens, () => layer.Forward(vectors));
        return (all, Array.ConvertAll(of, number => number * vectors.Rows));
    }

    // Head by head the products of all contents with all distances, of which each pair takes one.
    private Tensor Scores(Tensor content, Tensor distances, int[] places)
    {
        int[] widths = [.. Enumerable.Repeat(_settings.HeadWidth, _settings.Heads)];
        Tensor[] contents = Ops.Split(Ops.Scale(content, _settings.AttentionScale!.Value), widths); // a copy: the content itself is read by attention as well
        Tensor[] vectors = Ops.Split(distances, widths);
        var heads = new Tensor[_settings.Heads];
        for (int head = 0; head < heads.Length; head++)
        {
            Tensor products = Ops.Linear(contents[head], vectors[head], null); // [N, distances]
            heads[head] = Ops.Rows(Ops.Reshape(products, [(int)products.Count, 1]), places);
        }

        return Ops.Reshape(Ops.Concatenate(heads), [heads.Length, places.Length]);
    }
}
