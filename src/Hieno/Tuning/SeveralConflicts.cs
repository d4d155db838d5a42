using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Layers;

namespace Hieno.Tuning;

/// <summary>Which methods cannot stand beside each other.</summary>
/// <remarks>
/// The rule behind all of them: what the methods compute together must be what their changes give when they are merged one after the other, and
/// no weight may be learned in two ways at once. Output layers are exempt: methods that train them agree on it.
/// </remarks>
internal static class SeveralConflicts
{
    /// <summary>Refuses methods that exclude each other, or their order.</summary>
    /// <exception cref="TuningException">They do; the message names both, the weight and the reason.</exception>
    public static void ThrowIfAny(IReadOnlyList<SeveralPart> parts)
    {
        for (int second = 1; second < parts.Count; second++)
        {
            for (int first = 0; first < second; first++)
            {
                ThrowIfBothTrain(parts[first], parts[second]);
                ThrowIfTrainedAndChanged(parts[first], parts[second]);
                ThrowIfTrainedAndChanged(parts[second], parts[first]);
                ThrowIfUpdatesClash(parts[first], parts[second]);
            }
        }
    }

    private static void ThrowIfBothTrain(SeveralPart first, SeveralPart second)
    {
        if (first.Whole.Intersect(second.Whole).FirstOrDefault(parameter => parameter.Kind != ParameterKind.Head) is { } both)
        {
            throw Conflict($"'{first.Name}' and '{second.Name}' both train {both.Name}", "Let one of them leave it out, or take one of them out");
        }

        // One name for two weights of adapters: the same method twice at one place.
        var names = PartsOf(first).SelectMany(part => part.Parameters).Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal);
        if (PartsOf(second).SelectMany(part => part.Parameters).FirstOrDefault(parameter => names.Contains(parameter.Name)) is { } twice)
        {
            throw Conflict($"'{first.Name}' and '{second.Name}' both train {twice.Name}", "Give one of them what both were to have, or other targets to one of them");
        }
    }

    private static void ThrowIfTrainedAndChanged(SeveralPart trains, SeveralPart changes)
    {
        var whole = trains.Whole.ToHashSet();
        foreach (AdapterPart part in PartsOf(changes))
        {
            Parameter? weight = part switch { LinearUpdate update => update.Layer.Weight, EmbeddingUpdate update => update.Layer.Table, _ => null };
            if (weight is not null && whole.Contains(weight))
            {
                throw Conflict($"'{trains.Name}' trains {weight.Name} whole, and '{changes.Name}' learns a change of the same weight", "Give one of them other weights, or take one of them out");
            }
        }
    }

    private static void ThrowIfUpdatesClash(SeveralPart first, SeveralPart second)
    {
        ILookup<Linear, LinearUpdate> others = PartsOf(second).OfType<LinearUpdate>().ToLookup(update => update.Layer);
        foreach (LinearUpdate update in PartsOf(first).OfType<LinearUpdate>())
        {
            foreach (LinearUpdate other in others[update.Layer])
            {
                string path = update.Layer.Path;
                if (update.Form == LinearUpdateForm.RemakesWeight || other.Form == LinearUpdateForm.RemakesWeight)
                {
                    string alone = update.Form == LinearUpdateForm.RemakesWeight ? first.Name : second.Name;
                    throw Conflict($"'{first.Name}' and '{second.Name}' both change {path}, and '{alone}' makes its whole weight anew", "Give them different 'targets', or take one of them out");
                }

                switch (update.Form, other.Form)
                {
                    case (LinearUpdateForm.ChangesInput, LinearUpdateForm.ChangesInput):
                        throw Conflict($"'{first.Name}' and '{second.Name}' both change the input of {path}", "Give them different 'targets', or take one of them out");
                    case (LinearUpdateForm.AddsToOutput, LinearUpdateForm.ChangesInput):
                        throw OutOfOrder(first, second, path, "changes the input of");
                    case (LinearUpdateForm.ChangesInput or LinearUpdateForm.ScalesOutput, LinearUpdateForm.AddsToWeight):
                        throw OutOfOrder(first, second, path, "adds to the weight of");
                }
            }
        }
    }

    private static TuningException OutOfOrder(SeveralPart first, SeveralPart second, string path, string what) =>
        Conflict($"'{second.Name}' {what} {path}, which '{first.Name}' before it has changed already, so that the two could not be merged", $"List '{second.Name}' before '{first.Name}'");

    private static IReadOnlyList<AdapterPart> PartsOf(SeveralPart part) => part.Adapter?.Parts ?? [];

    private static TuningException Conflict(string fact, string advice) => new(ErrorCodes.TuningMethodsConflict, "several", fact, advice);
}
