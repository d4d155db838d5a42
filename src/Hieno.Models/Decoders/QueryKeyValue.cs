using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Decoders;

/// <summary>How the outputs of one layer for queries, keys and values lie.</summary>
public enum FusedLayout
{
    /// <summary>All queries, then all keys, then all values (GPT-2, Phi-3).</summary>
    Apart,

    /// <summary>For each key head its queries, its key and its value (GPT-NeoX, BLOOM, Falcon).</summary>
    ByKeyHead,
}

/// <summary>The layers that make queries, keys and values.</summary>
/// <param name="path">Their checkpoint path.</param>
public abstract class QueryKeyValue(string path) : Module(path)
{
    /// <summary>Queries of the wanted tokens, keys and values of all, before positions are turned in.</summary>
    /// <param name="x">Vectors of all tokens, [N, C].</param>
    /// <param name="wanted">Those of the wanted tokens: <paramref name="x"/> itself, or its rows <paramref name="tokens"/>.</param>
    /// <param name="tokens">The wanted tokens; null for all.</param>
    /// <returns>[tokens, heads · D], and twice [N, key heads · D].</returns>
    public abstract (Tensor Queries, Tensor Keys, Tensor Values) Forward(Tensor x, Tensor wanted, int[]? tokens);

    /// <summary>Keys and values alone.</summary>
    /// <param name="x">[n, C].</param>
    public abstract (Tensor Keys, Tensor Values) KeysAndValues(Tensor x);

    // This module holds no weight of the checkpoint itself; the name is ours.
    private protected static string PathOf(DecoderSettings settings, WeightScope block)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(block);
        return $"{block.At(settings.Names.Attention).Path}.qkv";
    }

    /// <summary>The layers that <paramref name="settings"/> describe, in the block at <paramref name="block"/>.</summary>
    public static QueryKeyValue Create(DecoderSettings settings, WeightScope block)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return settings.Names.Fused is null ? new SeparateQueryKeyValue(settings, block) : new FusedQueryKeyValue(settings, block);
    }
}

/// <summary>One layer each, with norms of queries and keys where the family has them.</summary>
public sealed class SeparateQueryKeyValue : QueryKeyValue
{
    private readonly Linear _query;
    private readonly Linear _key;
    private readonly Linear _value;
    private readonly Normalization? _queryNorm;
    private readonly Normalization? _keyNorm;
    private readonly float _limit;

    /// <summary>Takes the layers from the block at <paramref name="block"/>.</summary>
    public SeparateQueryKeyValue(DecoderSettings settings, WeightScope block)
        : base(PathOf(settings, block))
    {
        WeightScope w = block.As(ParameterKind.Attention);
        (DecoderNames names, int keys) = (settings.Names, settings.KvHeads * settings.HeadWidth);
        _query = Add(new Linear(w.At(names.Query), settings.Width, settings.Heads * settings.HeadWidth, settings.Normal, settings.QueryKeyValueBias));
        _key = Add(new Linear(w.At(names.Key), settings.Width, keys, settings.Normal, settings.QueryKeyValueBias));
        _value = Add(new Linear(w.At(names.Value), settings.Width, keys, settings.Normal, settings.QueryKeyValueBias));
        _limit = settings.QueryKeyValueLimit;
        if (settings.HeadNorm is { } create)
        {
            _queryNorm = Add(create(w.At(names.QueryNorm), settings.Heads));
            _keyNorm = Add(create(w.At(names.KeyNorm), settings.KvHeads));
        }
    }

    /// <inheritdoc/>
    public override (Tensor Queries, Tensor Keys, Tensor Values) Forward(Tensor x, Tensor wanted, int[]? tokens)
    {
        Tensor queries = Limited(_query.Forward(wanted));
        (Tensor keys, Tensor values) = KeysAndValues(x);
        return (_queryNorm?.Forward(queries) ?? queries, keys, values);
    }

    /// <inheritdoc/>
    public override (Tensor Keys, Tensor Values) KeysAndValues(Tensor x)
    {
        Tensor keys = Limited(_key.Forward(x));
        return (_keyNorm?.Forward(keys) ?? keys, Limited(_value.Forward(x)));
    }

    private Tensor Limited(Tensor x) => _limit > 0f ? Ops.Clamp(x, _limit) : x;
}

/// <summary>One layer for all three.</summary>
public sealed class FusedQueryKeyValue : QueryKeyValue
{
    private readonly Linear _all;
    private readonly FusedLayout _layout;
    private readonly int _keyHeads;
    private readonly int _queriesPerKey;
    private readonly int _headWidth;

    /// <summary>Takes the layer <see cref="DecoderNames.Fused"/> from the block at <paramref name="block"/>.</summary>
    public FusedQueryKeyValue(DecoderSettings settings, WeightScope block)
        : base(PathOf(settings, block))
    {
        WeightScope w = block.As(ParameterKind.Attention);
        (_layout, _keyHeads, _queriesPerKey, _headWidth) = (settings.FusedLayout, settings.KvHeads, settings.Heads / settings.KvHeads, settings.HeadWidth);
        int outputs = (settings.Heads + (2 * settings.KvHeads)) * settings.HeadWidth;
        _all = Add(new Linear(w.At(settings.Names.Fused!), settings.Width, outputs, settings.Normal, settings.QueryKeyValueBias, settings.Transposed));
    }

    /// <inheritdoc/>
    public override (Tensor Queries, Tensor Keys, Tensor Values) Forward(Tensor x, Tensor wanted, int[]? tokens)
    {
        Tensor all = _all.Forward(x);
        if (_layout == FusedLayout.Apart)
        {
            Tensor[] parts = Cut(all);
            return (tokens is null ? parts[0] : Ops.Rows(parts[0], tokens), parts[1], parts[2]);
        }

        Tensor heads = Heads(all);
        int[] picked = tokens ?? [.. Enumerable.Range(0, all.Rows)];
        return (Pick(heads, picked, 0, _queriesPerKey), Pick(heads, all.Rows, _queriesPerKey), Pick(heads, all.Rows, _queriesPerKey + 1));
    }

    /// <inheritdoc/>
    public override (Tensor Keys, Tensor Values) KeysAndValues(Tensor x)
    {
        Tensor all = _all.Forward(x);
        if (_layout == FusedLayout.Apart)
        {
            Tensor[] parts = Cut(all);
            return (parts[1], parts[2]);
        }

        Tensor heads = Heads(all);
        return (Pick(heads, all.Rows, _queriesPerKey), Pick(heads, all.Rows, _queriesPerKey + 1));
    }

    private Tensor[] Cut(Tensor all)
    {
        int keys = _keyHeads * _headWidth;
        return Ops.Split(all, _queriesPerKey * keys, keys, keys);
    }

    private Tensor Heads(Tensor all) => Ops.Reshape(all, [all.Rows * all.Columns / _headWidth, _headWidth]); // one head a row

    private Tensor Pick(Tensor heads, int tokens, int first) => Pick(heads, [.. Enumerable.Range(0, tokens)], first, 1);

    // The heads first, …, first + count − 1 of each group of each token, side by side.
    private Tensor Pick(Tensor heads, int[] tokens, int first, int count)
    {
        int[] rows = new int[tokens.Length * _keyHeads * count];
        int next = 0;
        foreach (int token in tokens)
        {
            for (int group = 0; group < _keyHeads; group++)
            {
                for (int head = 0; head < count; head++)
                {
                    rows[next++] = (((token * _keyHeads) + group) * (_queriesPerKey + 2)) + first + head;
                }
            }
        }

        return Ops.Reshape(Ops.Rows(heads, rows), [tokens.Length, _keyHeads * count * _headWidth]);
    }
}
