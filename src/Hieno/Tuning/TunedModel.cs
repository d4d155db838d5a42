using Hieno.Models;
using Hieno.Models.Layers;

namespace Hieno.Tuning;

/// <summary>A model together with what a method made trainable in it.</summary>
public sealed class TunedModel
{
    /// <summary>Takes stock of <paramref name="model"/> after a method has been applied.</summary>
    /// <param name="model">The model.</param>
    /// <param name="adapter">The attached adapter, or null where the model's own weights are trained.</param>
    public TunedModel(TextModel model, Adapter? adapter = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        (Model, Adapter) = (model, adapter);
        Trainable = [.. AllParameters(model).Where(parameter => parameter.Trainable)];
        TotalCount = AllParameters(model).Sum(parameter => parameter.Count);
    }

    /// <summary>The model.</summary>
    public TextModel Model { get; }

    /// <summary>The attached adapter, or null where the model's own weights are trained.</summary>
    public Adapter? Adapter { get; }

    /// <summary>The weights that learn, in a fixed order.</summary>
    public IReadOnlyList<Parameter> Trainable { get; }

    /// <summary>Weights of which only some elements learn.</summary>
    public IReadOnlyList<ElementMask> Masks { get; private set; } = [];

    /// <summary>How many numbers learn.</summary>
    public long TrainableCount => Trainable.Sum(parameter => parameter.Count) - Masks.Sum(mask => mask.Parameter.Count - mask.LearningCount);

    /// <summary>How many numbers there are, those of an adapter included.</summary>
    public long TotalCount { get; }

    /// <summary>Lets only some elements of weights learn; the others keep their present values.</summary>
    /// <param name="masks">At most one for each weight, in place of those there were.</param>
    public void Restrict(IReadOnlyList<ElementMask> masks) => Masks = masks;

    /// <summary>The model's weights and those of all attached adapters, each once.</summary>
    public static IEnumerable<Parameter> AllParameters(TextModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Parameters().Concat(model.AttachedParts().SelectMany(part => part.Parameters.Concat(part.Constants))).Distinct();
    }

    /// <summary>All linear layers of a model, in order.</summary>
    public static IEnumerable<Linear> Linears(TextModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Modules().OfType<Linear>();
    }

    /// <summary>Freezes everything but the weights that started at random (a new task's head), which learn under every method.</summary>
    internal static void FreezeAllButNew(TextModel model)
    {
        var fresh = model.NewlyInitialized.ToHashSet(StringComparer.Ordinal);
        foreach (Parameter parameter in AllParameters(model))
        {
            parameter.Trainable = fresh.Contains(parameter.Name);
        }
    }
}
