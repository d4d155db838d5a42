using Hieno.Formats;
using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>Activation functions in a model's configuration.</summary>
internal static class ConfigActivations
{
    /// <summary>The function that a key names, or the one called <paramref name="fallback"/> where it is missing.</summary>
    /// <exception cref="CheckpointException">There is no such function; the message lists those there are.</exception>
    public static Activation GetActivation(this ModelConfig config, string key, string fallback)
    {
        string name = config.GetString(key, fallback)!;
        return Activations.Names.Contains(name)
            ? Activations.Parse(name)
            : throw config.Error(key, $"is '{name}', which is not a known function. Known are {string.Join(", ", Activations.Names)}", "Use a model with one of these");
    }
}
