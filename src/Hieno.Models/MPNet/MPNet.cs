using Hieno.Formats;
using Hieno.Models.Encoders;
using Hieno.Models.Heads;
using Hieno.Models.Layers;
using Hieno.Models.Roberta;
using Hieno.Tensors;

namespace Hieno.Models.MPNet;

/// <summary>MPNet: RoBERTa without token types, whose scores also learn of distances, with one table for all blocks.</summary>
/// <remarks>Song et al. 2020, <see href="https://arxiv.org/abs/2004.09297"/>, section 3.</remarks>
public sealed class MPNetFamily : EncoderFamily
{
    /// <inheritdoc/>
    public override string ModelType => "mpnet";

    /// <inheritdoc/>
    public override string BasePrefix => "mpnet";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["attn.q", "attn.v"];

    /// <inheritdoc/>
    public override VocabularyHead CreateLanguageHead(ModelConfig config, WeightScope root, Backbone backbone)
    {
        EncoderSettings settings = Settings(config);
        return new MaskedHead(root, backbone, MaskedHeadNames.Roberta, Activation.Gelu, settings.Eps, settings.Tied, settings.Normal);
    }

    /// <inheritdoc/>
    public override ClassificationHead CreateClassificationHead(ModelConfig config, WeightScope root, Backbone backbone, int outputs)
    {
        EncoderSettings settings = Settings(config);
        return new FirstTokenHead(root, backbone, ("classifier.dense", "classifier.out_proj"), Activation.Tanh, (settings.HiddenDropout, settings.HiddenDropout), outputs, settings.Normal);
    }

    /// <inheritdoc/>
    protected override string ClassPrefix => "MPNet";

    /// <inheritdoc/>
    protected override EncoderSettings Settings(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        int buckets = config.GetInt("relative_attention_num_buckets", 32);
        if (buckets < 4 || buckets % 2 != 0)
        {
            throw config.Error("relative_attention_num_buckets", $"is {buckets}, expected an even number from 4", "Use the configuration that came with the weights");
        }

        return RobertaFamily.WithoutPadding(config, EncoderSettings.OfBertKeys(config)) with
        {
            Names = new EncoderNames
            {
                Types = null,
                Attention = "attention.attn",
                Query = "attention.attn.q",
                Key = "attention.attn.k",
                Value = "attention.attn.v",
                Output = "attention.attn.o",
                AttentionNorm = "attention.LayerNorm",
            },
            Relative = (settings, w) => new BucketedDistances(w.At("encoder.relative_attention_bias"), buckets, settings.Heads, settings.Normal),
        };
    }
}

/// <summary>A number for each head and each bucket of distances: near ones have one each, far ones share them.</summary>
/// <remarks>Raffel et al. 2019, <see href="https://arxiv.org/abs/1910.10683"/>, section 2.1.</remarks>
public sealed class BucketedDistances : DistanceBias
{
    private const int Farthest = 128; // beyond it all distances share the last bucket

    private readonly Embedding _table;
    private readonly int _buckets;

    /// <summary>Takes the table, [buckets, heads], from <paramref name="w"/>.</summary>
    public BucketedDistances(WeightScope w, int buckets, int heads, Initializer normal)
        : base($"{(w ?? throw new ArgumentNullException(nameof(w))).Path}.buckets") => (_table, _buckets) = (Add(new Embedding(w.As(ParameterKind.Embedding), buckets, heads, normal)), buckets);

    /// <inheritdoc/>
    public override Tensor Bias(EncoderBlock block, Tensor q, Tensor k, AttentionSpans spans, int[] places)
    {
        ArgumentNullException.ThrowIfNull(spans);
        ArgumentNullException.ThrowIfNull(places);
        return Ops.Transpose(_table.Forward(ForEachPair(spans, (query, key) => BucketOf(key - places[query], _buckets)))); // [heads, pairs]
    }

    /// <summary>The bucket of a key so many tokens behind its query: half of them for keys before and at it, half for those behind.</summary>
    internal static int BucketOf(int distance, int buckets)
    {
        int half = buckets / 2;
        int exact = half / 2;
        (int size, int first) = (Math.Abs(distance), distance > 0 ? half : 0);
        if (size < exact)
        {
            return first + size;
        }

        int far = exact + (int)(MathF.Log(size / (float)exact) / MathF.Log(Farthest / (float)exact) * (half - exact));
        return first + Math.Min(far, half - 1);
    }
}
