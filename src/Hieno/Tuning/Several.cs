using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Hieno.Formats.Tokenizers;
using Hieno.Models;
using Hieno.Recipes;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="Several"/>.</summary>
public sealed record SeveralOptions : TuningOptions, IValidated
{
    /// <summary>The methods, at least two, each with its kind and settings; where two change one layer, in the order in which their changes follow each other.</summary>
    [MinLength(2)]
    public required IReadOnlyList<TuningOptions> Methods { get; init; }

    /// <summary>The smallest of the methods' rates: what is too slow for one is safe, what is too fast for another is not.</summary>
    protected internal override double DefaultLearningRate => Methods.Min(method => method.DefaultLearningRate);

    /// <inheritdoc/>
    protected internal override int AddedPositions => Methods.Sum(method => method.AddedPositions);

    /// <inheritdoc/>
    public override ITuningMethod Create() => new Several(this);

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (Methods.OfType<SeveralOptions>().Any())
        {
            yield return "'methods' holds 'several' again. List all methods in one.";
        }

        if (Methods.OfType<BlockExpansionOptions>().Any())
        {
            yield return "'methods' holds 'block-expansion', which makes another model. Run it by itself, and tune the model that it saves with the others.";
        }

        if (Methods.OfType<LadderOptions>().Any())
        {
            yield return "'methods' holds 'ladder', into whose frozen body no gradient goes, so that the others would learn nothing. Take it out, or use it alone.";
        }

        if (Methods.OfType<FullOptions>().Any() && Methods.Count > 1)
        {
            string other = Several.NameOf(Methods.FirstOrDefault(method => method is not FullOptions) ?? Methods[0]);
            yield return $"'methods' holds 'full', which trains every weight, so that nothing is left for '{other}'. Take one of them out.";
        }
    }
}

/// <summary>
/// Several methods at once on one model. Each is applied to the base model as if it were alone. What adapters add acts in the order of the
/// methods; weights that a method trains whole are held as copies by the first adapter, so that the base stays as it is. Without an adapter
/// among them the methods' choices of weights are united.
/// </summary>
public sealed class Several(SeveralOptions options) : IPreparedMethod
{
    private readonly IReadOnlyList<Member> _members = MembersOf(options);

    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed) => Apply(model, seed, null);

    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed, Tokenizer? tokenizer)
    {
        ArgumentNullException.ThrowIfNull(model);
        var parts = new List<SeveralPart>();
        var masks = new List<ElementMask>();
        foreach (Member member in _members)
        {
            TunedModel tuned = member.Method.Apply(model, seed, tokenizer);
            masks.AddRange(tuned.Masks);
            if (tuned.Adapter is { } adapter)
            {
                adapter.Enable(false); // the next method finds the base model
                parts.Add(new SeveralPart(member.Name, adapter, [.. adapter.Copies.Where(copy => copy.Learns).Select(copy => copy.Parameter)]));
            }
            else
            {
                parts.Add(new SeveralPart(member.Name, null, tuned.Trainable));
            }
        }

        SeveralConflicts.ThrowIfAny(parts);
        TunedModel joined = Join(model, parts);
        joined.Restrict(masks);
        return joined;
    }

    /// <inheritdoc/>
    public void Prepare(TunedModel tuned, PreparationRows rows)
    {
        ArgumentNullException.ThrowIfNull(tuned);
        List<ElementMask> masks = [.. tuned.Masks];
        foreach (IPreparedMethod method in _members.Select(member => member.Method).OfType<IPreparedMethod>())
        {
            method.Prepare(tuned, rows);
            masks.AddRange(tuned.Masks);
            tuned.Restrict([]);
        }

        tuned.Restrict(masks);
    }

    /// <summary>The name of a method as recipes know it; of one that is not built in, that of its settings.</summary>
    internal static string NameOf(TuningOptions method)
    {
        Type type = method.GetType();
        return BuiltIns.Kinds().KindsOf(typeof(TuningOptions)).FirstOrDefault(kind => kind.Value == type).Key ?? type.Name;
    }

    private static TunedModel Join(PretrainedModel model, IReadOnlyList<SeveralPart> parts)
    {
        foreach (Parameter parameter in TunedModel.AllParameters(model))
        {
            parameter.Trainable = false;
        }

        Adapter[] adapters = [.. parts.Select(part => part.Adapter).OfType<Adapter>()];
        var held = new HashSet<Parameter>();
        foreach (Adapter adapter in adapters)
        {
            // A new head is copied by each of them; the first holds it for all.
            adapter.LetGo(held);
            held.UnionWith(adapter.Copies.Select(copy => copy.Parameter));
            adapter.Enable(true);
        }

        Parameter[] whole = [.. parts.Where(part => part.Adapter is null).SelectMany(part => part.Whole).Where(parameter => !held.Contains(parameter)).Distinct()];
        adapters.FirstOrDefault()?.Train(whole);
        Array.ForEach(adapters, adapter => adapter.SetTrainable(true));
        foreach (Parameter parameter in whole)
        {
            parameter.Trainable = true;
        }

        return new TunedModel(model, adapters) { Shares = SharesOf(parts) };
    }

    // A weight that two methods agree to train, such as the output layer, is counted with the first.
    private static MethodShare[] SharesOf(IReadOnlyList<SeveralPart> parts)
    {
        var counted = new HashSet<Parameter>();
        return [.. parts.Select(part => new MethodShare(part.Name, [.. (part.Adapter is { } adapter ? adapter.Parts.SelectMany(piece => piece.Parameters).Concat(part.Whole) : part.Whole).Where(counted.Add)]))];
    }

    private static Member[] MembersOf(SeveralOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var members = new List<Member>();
        foreach (TuningOptions method in options.Methods)
        {
            string kind = NameOf(method);
            int before = members.Count(member => member.Kind == kind);
            string name = before == 0 ? kind : string.Create(CultureInfo.InvariantCulture, $"{kind}-{before + 1}");
            members.Add(new Member(kind, name, (method is AdapterOptions adapter ? adapter with { AdapterName = name } : method).Create()));
        }

        return [.. members];
    }

    private sealed record Member(string Kind, string Name, ITuningMethod Method);
}

/// <summary>What one of several methods has done.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Adapter">What it has attached, or null.</param>
/// <param name="Whole">The weights of the model that it trains whole.</param>
internal sealed record SeveralPart(string Name, Adapter? Adapter, IReadOnlyList<Parameter> Whole);
