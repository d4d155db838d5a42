using Hieno.Tensors;

namespace Hieno.Models.Vision;

/// <summary>
/// Trainable vectors between the special vectors and the patches of every picture: before the first block, or anew before each block, where those
/// that the block below gave are dropped. They cannot be merged.
/// </summary>
/// <remarks>Jia et al. 2022, <see href="https://arxiv.org/abs/2203.12119"/>, section 3.2, equations 4 to 8.</remarks>
public sealed class VisualPrompt : AdapterPart
{
    private readonly VisionTransformer _body;
    private readonly Parameter[] _vectors;

    /// <summary>Makes the part.</summary>
    /// <param name="body">The body that reads them.</param>
    /// <param name="adapter">The name of the adapter it belongs to.</param>
    /// <param name="vectors">The vectors before the first block, [n, C], long-lived; with those before each other block behind them, as many tensors as there are blocks.</param>
    /// <exception cref="ArgumentException">There are neither one nor as many tensors as blocks, or they differ in number or width.</exception>
    public VisualPrompt(VisionTransformer body, string adapter, IReadOnlyList<Tensor> vectors)
        : base(adapter)
    {
        ArgumentNullException.ThrowIfNull(body);
        ArgumentNullException.ThrowIfNull(vectors);
        if ((vectors.Count != 1 && vectors.Count != body.Blocks.Count) || vectors.Any(table => table.Shape != vectors[0].Shape || table.Columns != body.VectorWidth))
        {
            throw new ArgumentException(
                $"A visual prompt of {string.Join(", ", vectors.Select(table => table.Shape))} does not fit {body.Blocks.Count} blocks of vectors of {body.VectorWidth} numbers.", nameof(vectors));
        }

        _body = body;
        _vectors = [.. vectors.Select((table, i) => new Parameter(NameOf(body, i), table, ParameterKind.Embedding, i))];
    }

    /// <summary>How many vectors a picture is given.</summary>
    public int Count => _vectors[0].Value.Rows;

    /// <summary>True where each block is given vectors of its own.</summary>
    public bool IsDeep => _vectors.Length > 1;

    /// <inheritdoc/>
    public override Module Place => _body;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => _vectors;

    /// <summary>The vectors before a block, [n, C]; null where the block reads what the one below it made of them.</summary>
    public Parameter? Before(int block) => block < _vectors.Length ? _vectors[block] : null;

    /// <summary>The name of the vectors before a block of <paramref name="body"/>.</summary>
    public static string NameOf(VisionTransformer body, int block)
    {
        ArgumentNullException.ThrowIfNull(body);
        return $"{(body.Path.Length == 0 ? string.Empty : body.Path + ".")}visual_prompts.{block}";
    }

    /// <inheritdoc/>
    public override string? ObstacleToMerging(PretrainedModel model) => $"adds {Count} vectors to each picture, which no weight of the model holds";

    /// <inheritdoc/>
    public override void Attach() => _body.Attach(this);

    /// <inheritdoc/>
    public override void Detach() => _body.Detach(this);
}
