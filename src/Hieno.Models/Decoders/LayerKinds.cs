using Hieno.Formats;

namespace Hieno.Models.Decoders;

/// <summary>Which layers see a window of tokens and which see all, where a family has both.</summary>
public static class LayerKinds
{
    /// <summary>The name of layers that see all tokens.</summary>
    public const string Full = "full_attention";

    /// <summary>The name of layers that see a window of them.</summary>
    public const string Sliding = "sliding_attention";

    /// <summary>For each layer whether it sees a window: from <c>layer_types</c>, or where that is absent from the family's pattern.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="pattern">Whether layer i sees a window where the configuration does not say.</param>
    /// <exception cref="CheckpointException">There is not one kind for each layer, or a kind is not known.</exception>
    public static bool[] AreSliding(ModelConfig config, Func<int, bool> pattern)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(pattern);
        const string Key = "layer_types";
        int layers = config.GetInt("num_hidden_layers");
        if (config.GetStrings(Key) is not { } kinds)
        {
            return [.. Enumerable.Range(0, layers).Select(pattern)];
        }

        if (kinds.Count != layers)
        {
            throw config.Error(Key, $"has {kinds.Count} entries, expected {layers}, one for each layer", "Use the configuration that came with the weights");
        }

        string? unknown = kinds.FirstOrDefault(kind => kind is not (Full or Sliding));
        return unknown is null
            ? [.. kinds.Select(kind => kind == Sliding)]
            : throw config.Error(Key, $"names '{unknown}'. Known are {Full} and {Sliding}", "Use a model whose layers are of these kinds");
    }
}
