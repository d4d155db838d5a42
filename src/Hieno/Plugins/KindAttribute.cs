using Hieno.Recipes;

namespace Hieno.Plugins;

/// <summary>What an assembly brings: one kind that recipes can then name. It is written as <see cref="KindAttribute{TBase, TConcrete}"/>.</summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
public abstract class KindAttribute : Attribute
{
    private protected KindAttribute(string kind) => Kind = kind;

    /// <summary>The kind's name in recipes.</summary>
    public string Kind { get; }

    /// <summary>Adds the kind to a catalog.</summary>
    /// <exception cref="ArgumentException">The name is malformed or taken.</exception>
    public abstract void AddTo(KindCatalog kinds);
}

/// <summary>
/// The one line with which an assembly of your own brings a kind:
/// <c>[assembly: Kind&lt;TuningOptions, ScaleAndShiftOptions&gt;("scale-and-shift")]</c>.
/// </summary>
/// <typeparam name="TBase">The group of settings: <c>TuningOptions</c>, <c>ObjectiveOptions</c>, <c>OptimizerOptions</c> or <c>ScheduleOptions</c>.</typeparam>
/// <typeparam name="TConcrete">The record that holds this kind's settings.</typeparam>
/// <param name="kind">The name in recipes: lower case, words joined by hyphens.</param>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
public sealed class KindAttribute<TBase, TConcrete>(string kind) : KindAttribute(kind)
    where TBase : class
    where TConcrete : class, TBase
{
    /// <inheritdoc/>
    public override void AddTo(KindCatalog kinds)
    {
        ArgumentNullException.ThrowIfNull(kinds);
        kinds.Add<TBase, TConcrete>(Kind);
    }
}
