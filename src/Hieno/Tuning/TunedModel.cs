using Hieno.Models;
using Hieno.Models.Layers;

namespace Hieno.Tuning;

/// <summary>What one of several methods trains.</summary>
/// <param name="Method">The method's name, numbered where it occurs twice.</param>
/// <param name="Parameters">The weights.</param>
public sealed record MethodShare(string Method, IReadOnlyList<Parameter> Parameters);

/// <summary>A model together with what a method made trainable in it.</summary>
public sealed class TunedModel
{
    /// <summary>Takes stock of <paramref name="model"/> after a method has been applied.</summary>
    /// <param name="model">The model.</param>
    /// <param name="adapters">The attached adapters; none where the model's own weights are trained.</param>
    public TunedModel(PretrainedModel model, params IReadOnlyList<Adapter> adapters)
    {
        ArgumentNullException.ThrowIfNull(model);
        (Model, Adapters) = (model, adapters);
        Trainable = [.. AllParameters(model).Where(parameter => parameter.Trainable)];
        TotalCount = AllParameters(model).Sum(parameter => parameter.Count);
    }

    /// <summary>The model.</summary>
    public PretrainedModel Model { get; }

    /// <summary>The attached adapters, in the order in which their changes follow each other; none where the model's own weights are trained.</summary>
    public IReadOnlyList<Adapter> Adapters { get; }

    /// <summary>The attached adapter, the first where there are several, or null where the model's own weights are trained.</summary>
    public Adapter? Adapter => Adapters.Count > 0 ? Adapters[0] : null;

    /// <summary>What the adapters' methods do in each step beside the optimizer, or null.</summary>
    public StepRule? StepRule => Adapters.Where(adapter => adapter.StepRule is not null).Select(adapter => (adapter.Name, adapter.StepRule!)).ToArray() switch
    {
        [] => null,
        [(_, var only)] when Adapters.Count == 1 => only,
        var rules => new JoinedStepRules(rules),
    };

    /// <summary>What each of several methods trains, in their order; empty where one method was applied.</summary>
    public IReadOnlyList<MethodShare> Shares { get; init; } = [];

    /// <summary>The weights that learn, in a fixed order.</summary>
    public IReadOnlyList<Parameter> Trainable { get; }

    /// <summary>Weights of which only some elements learn.</summary>
    public IReadOnlyList<ElementMask> Masks { get; private set; } = [];

    /// <summary>How many numbers learn.</summary>
    public long TrainableCount => CountOf(Trainable);

    /// <summary>How many numbers there are, those of an adapter included.</summary>
    public long TotalCount { get; }

    /// <summary>How many numbers of these weights learn.</summary>
    public long CountOf(IReadOnlyCollection<Parameter> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return parameters.Sum(parameter => parameter.Count)
            - Masks.Where(mask => parameters.Contains(mask.Parameter)).Sum(mask => mask.Parameter.Count - mask.LearningCount);
    }

    /// <summary>Lets only some elements of weights learn; the others keep their present values.</summary>
    /// <param name="masks">At most one for each weight, in place of those there were.</param>
    public void Restrict(IReadOnlyList<ElementMask> masks) => Masks = masks;

    /// <summary>The model's weights and those of all attached adapters, each once.</summary>
    public static IEnumerable<Parameter> AllParameters(PretrainedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Parameters().Concat(model.AttachedParts().SelectMany(part => part.Parameters.Concat(part.Constants))).Distinct();
    }

    /// <summary>All linear layers of a model, in order.</summary>
    public static IEnumerable<Linear> Linears(PretrainedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Modules().OfType<Linear>();
    }

    /// <summary>Freezes everything but the weights that started at random (a new task's head), which learn under every method.</summary>
    internal static void FreezeAllButNew(PretrainedModel model)
    {
        var fresh = model.NewlyInitialized.ToHashSet(StringComparer.Ordinal);
        foreach (Parameter parameter in AllParameters(model))
        {
            parameter.Trainable = fresh.Contains(parameter.Name);
        }
    }
}
