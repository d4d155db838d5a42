using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>Trainable positions before the text of each row: positions that no word of a user fills. They cannot be merged.</summary>
/// <param name="body">The body that reads them.</param>
/// <param name="adapter">The name of the adapter it belongs to.</param>
/// <param name="count">How many.</param>
public abstract class VirtualTokens(Backbone body, string adapter, int count) : AdapterPart(adapter)
{
    /// <summary>The body that reads them.</summary>
    public Backbone Body { get; } = body;

    /// <summary>How many.</summary>
    public int Count { get; } = count;

    /// <inheritdoc/>
    public sealed override Module Place => Body;

    /// <inheritdoc/>
    public sealed override string? ObstacleToMerging(PretrainedModel model) => $"adds {Count} positions before each text, which no weight of the model holds";

    /// <inheritdoc/>
    public sealed override void Attach() => Body.Attach(this);

    /// <inheritdoc/>
    public sealed override void Detach() => Body.Detach(this);
}

/// <summary>Virtual tokens that are read as words are: their vectors stand before those of the text, and pass all blocks.</summary>
/// <param name="body">The body that reads them.</param>
/// <param name="adapter">The name of the adapter it belongs to.</param>
/// <param name="count">How many.</param>
public abstract class PromptVectors(Backbone body, string adapter, int count) : VirtualTokens(body, adapter, count)
{
    /// <summary>Their vectors as the token table would give them, [Count, E]; computed once for each batch.</summary>
    public abstract Tensor Vectors();

    /// <summary>True where rows of different tasks are given different vectors. Default: false.</summary>
    public virtual bool DependsOnTask => false;

    /// <summary>Their vectors for rows of these tasks, [tasks · Count, C]: those of the first row, then those of the second. Default: the same for all.</summary>
    /// <param name="tasks">For each row the name of its task, or null where it does not say.</param>
    public virtual Tensor VectorsOf(IReadOnlyList<string?> tasks)
    {
        ArgumentNullException.ThrowIfNull(tasks);
        return Ops.Rows(Vectors(), [.. tasks.SelectMany(_ => Enumerable.Range(0, Count))]);
    }
}

/// <summary>Virtual tokens that exist only as keys and values, which each layer's attention sees before those of the text.</summary>
/// <param name="body">The body that reads them.</param>
/// <param name="adapter">The name of the adapter it belongs to.</param>
/// <param name="count">How many.</param>
public abstract class PrefixVectors(Backbone body, string adapter, int count) : VirtualTokens(body, adapter, count)
{
    /// <summary>Keys and values of each layer; computed once for each batch.</summary>
    public abstract LayerPrefix[] Layers();
}

/// <summary>Keys and values of virtual tokens in one layer, as attention reads them: keys are not rotated any more.</summary>
/// <param name="Keys">[Count, key-value heads · head width].</param>
/// <param name="Values">Shape of <paramref name="Keys"/>.</param>
public readonly record struct LayerPrefix(Tensor Keys, Tensor Values);
