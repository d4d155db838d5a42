using Hieno.Models.Decoders;
using Hieno.Models.Layers;
using Hieno.Tensors;
using Hieno.Testing;

namespace Hieno.Models.Tests.Decoders;

public sealed class QueryKeyValueTests
{
    private const int Tokens = 5;
    private const int HeadWidth = 3;

    // Which outputs of the fused layer are query head h, key head g and value head g.
    public static TheoryData<FusedLayout, int, int, int[], int[], int[]> Layouts => new()
    {
        { FusedLayout.Apart, 4, 2, [0, 1, 2, 3], [4, 5], [6, 7] },
        { FusedLayout.Apart, 4, 1, [0, 1, 2, 3], [4], [5] },
        { FusedLayout.ByKeyHead, 4, 2, [0, 1, 4, 5], [2, 6], [3, 7] },
        { FusedLayout.ByKeyHead, 3, 3, [0, 3, 6], [1, 4, 7], [2, 5, 8] },
    };

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Heads_of_a_fused_layer_are_found(FusedLayout layout, int heads, int keyHeads, int[] queries, int[] keys, int[] values)
    {
        var settings = Settings(heads, keyHeads) with { FusedLayout = layout, Names = new DecoderNames { Fused = "self_attn.all" } };
        var parts = (FusedQueryKeyValue)QueryKeyValue.Create(settings, new WeightScope(new RandomWeights(1)));
        Tensor x = Input(settings.Width);
        using var tape = Tape.Begin(record: false);
        float[] all = parts.Children.OfType<Linear>().Single().Forward(x).ToArray();
        float[] Heads(int[] places, params int[] tokens) => [.. tokens.SelectMany(token => places.SelectMany(head => all.AsSpan((((token * (heads + (2 * keyHeads))) + head) * HeadWidth), HeadWidth).ToArray()))];

        (Tensor q, Tensor k, Tensor v) = parts.Forward(x, x, null);
        Assert.Equal(Heads(queries, 0, 1, 2, 3, 4), q.ToArray());
        Assert.Equal(Heads(keys, 0, 1, 2, 3, 4), k.ToArray());
        Assert.Equal(Heads(values, 0, 1, 2, 3, 4), v.ToArray());
        Assert.Equal(Heads(queries, 1, 4), parts.Forward(x, Ops.Rows(x, [1, 4]), [1, 4]).Queries.ToArray());
        (k, v) = parts.KeysAndValues(x);
        Assert.Equal(Heads(keys, 0, 1, 2, 3, 4), k.ToArray());
        Assert.Equal(Heads(values, 0, 1, 2, 3, 4), v.ToArray());
    }

    [Fact]
    public void Queries_keys_and_values_are_cut_off_at_the_limit_where_there_is_one()
    {
        DecoderSettings settings = Settings(4, 2);
        Tensor x = Input(settings.Width);
        using var tape = Tape.Begin(record: false);
        (Tensor Q, Tensor K, Tensor V) Run(DecoderSettings of) => QueryKeyValue.Create(of, new WeightScope(new RandomWeights(1))).Forward(x, x, null);
        (Tensor q, Tensor k, Tensor v) = Run(settings);
        (Tensor limitedQ, Tensor limitedK, Tensor limitedV) = Run(settings with { QueryKeyValueLimit = 0.5f });
        foreach ((Tensor free, Tensor limited) in ((Tensor, Tensor)[])[(q, limitedQ), (k, limitedK), (v, limitedV)])
        {
            Assert.Contains(free.ToArray(), value => Math.Abs(value) > 0.5f);
            TensorAssert.Identical(Array.ConvertAll(free.ToArray(), value => Math.Clamp(value, -0.5f, 0.5f)), limited);
        }
    }

    private static Tensor Input(int width)
    {
        float[] values = new float[Tokens * width];
        new Rng(5, RngStream.Augmentation).FillNormal(values, 0f, 1f, 0);
        return Tensor.FromValues([Tokens, width], values);
    }

    private static DecoderSettings Settings(int heads, int keyHeads) => new()
    {
        Width = 8,
        Layers = 1,
        Heads = heads,
        KvHeads = keyHeads,
        HeadWidth = HeadWidth,
        Hidden = 8,
        Vocabulary = 9,
        Positions = 16,
        Norm = w => new RmsNorm(w, 8, 1e-6f),
        Activation = Activation.Silu,
        Tied = true,
        Normal = Initializer.Normal(0.5f),
    };
}
