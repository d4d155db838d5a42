using System.Globalization;
using Hieno.Models;

namespace Hieno.Tuning;

/// <summary>Half of a block, attention or feed-forward: the smallest thing that presets and angles choose. Norms belong to neither.</summary>
/// <param name="Kind">Attention or feed-forward.</param>
/// <param name="Block">The block's number, from 0.</param>
public readonly record struct TuningUnit(ParameterKind Kind, int Block)
{
    private const string Attention = "attention";
    private const string FeedForward = "ffn";

    /// <summary>The unit a weight belongs to, or null: tables, norms and the head belong to none.</summary>
    public static TuningUnit? Of(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return parameter.Kind is ParameterKind.Attention or ParameterKind.FeedForward ? new TuningUnit(parameter.Kind, parameter.Depth - 1) : null;
    }

    /// <summary>Reads <c>attention.3</c> or <c>ffn.0</c>.</summary>
    public static bool TryParse(string text, out TuningUnit unit)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split('.');
        unit = default;
        if (parts.Length != 2 || parts[0] is not (Attention or FeedForward) || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int block))
        {
            return false;
        }

        unit = new TuningUnit(parts[0] == Attention ? ParameterKind.Attention : ParameterKind.FeedForward, block);
        return true;
    }

    /// <summary>As it is written in a recipe, e.g. <c>ffn.0</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(Kind == ParameterKind.Attention ? Attention : FeedForward)}.{Block}");
}
