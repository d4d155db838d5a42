using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Hieno.Models;

namespace Hieno.Tuning;

/// <summary>How far training moved a group of weights.</summary>
/// <param name="Name">The group: a half-block, or a weight's name with a star for the number of the block.</param>
/// <param name="Count">How many numbers it has.</param>
/// <param name="Angle">The fine-tuned angle arccos(⟨w₀, w⟩ / (‖w₀‖ ‖w‖)), all weights of the group as one vector, in radians; NaN where either is all 0.</param>
/// <param name="MeanChange">Mean of |w − w₀|.</param>
/// <param name="RelativeChange">‖w − w₀‖ / ‖w₀‖; infinite where w₀ is all 0 and w is not.</param>
/// <remarks>The angle: Ye et al. 2023, <see href="https://arxiv.org/abs/2312.15681"/>.</remarks>
public sealed partial record WeightChange(string Name, long Count, double Angle, double MeanChange, double RelativeChange)
{
    /// <summary>The changes by half-block, in the order of the model.</summary>
    /// <param name="before">The model before training.</param>
    /// <param name="after">The same model after it.</param>
    public static IReadOnlyList<WeightChange> ByUnit(PretrainedModel before, PretrainedModel after) =>
        Compare(before, after, parameter => TuningUnit.Of(parameter)?.ToString());

    /// <summary>The changes by kind of weight, over all blocks together: <c>bert.encoder.layer.*.output.LayerNorm.weight</c>.</summary>
    /// <param name="before">The model before training.</param>
    /// <param name="after">The same model after it.</param>
    public static IReadOnlyList<WeightChange> ByComponent(PretrainedModel before, PretrainedModel after)
    {
        ArgumentNullException.ThrowIfNull(after);
        int blocks = after.Blocks.Count;
        return Compare(before, after, parameter => parameter.Depth >= 1 && parameter.Depth <= blocks ? BlockNumber().Replace(parameter.Name, ".*.", 1) : parameter.Name);
    }

    /// <summary>The changes by layer, from what comes before the first block to what follows the last.</summary>
    /// <param name="before">The model before training.</param>
    /// <param name="after">The same model after it.</param>
    public static IReadOnlyList<WeightChange> ByLayer(PretrainedModel before, PretrainedModel after)
    {
        ArgumentNullException.ThrowIfNull(after);
        return Compare(before, after, parameter => LayerOf(parameter, after.Blocks.Count));
    }

    /// <summary>The layer that a weight belongs to, as <see cref="ByLayer"/> names it.</summary>
    /// <param name="parameter">The weight.</param>
    /// <param name="blocks">The model's number of blocks.</param>
    public static string LayerOf(Parameter parameter, int blocks)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return parameter.Depth == 0 ? "before the blocks"
            : parameter.Depth > blocks ? "after the blocks"
            : string.Create(CultureInfo.InvariantCulture, $"block {parameter.Depth - 1}");
    }

    /// <summary>A table in Markdown, from the first layer to the last, with what each has of the gradient.</summary>
    /// <param name="layers">What <see cref="ByLayer"/> gives.</param>
    /// <param name="gradient">Each layer's part of the squared length of the gradient, by name; layers that are not there learned nothing.</param>
    public static string ToMarkdown(IEnumerable<WeightChange> layers, IReadOnlyDictionary<string, double> gradient)
    {
        ArgumentNullException.ThrowIfNull(layers);
        ArgumentNullException.ThrowIfNull(gradient);
        var text = new StringBuilder("| layer | count | mean change | relative | angle, rad | gradient |\n|---|--:|--:|--:|--:|--:|\n");
        foreach (WeightChange change in layers)
        {
            string share = gradient.TryGetValue(change.Name, out double part) ? string.Create(CultureInfo.InvariantCulture, $"{100 * part:0.0} %") : "frozen";
            text.Append(CultureInfo.InvariantCulture, $"| {change.Name} | {change.Count:N0} | {change.MeanChange:g3} | {change.RelativeChange:g3} | {change.Angle:0.0000} | {share} |\n");
        }

        return text.ToString();
    }

    /// <summary>A table in Markdown, largest mean change first; groups that did not move are left out.</summary>
    public static string ToMarkdown(IEnumerable<WeightChange> changes)
    {
        ArgumentNullException.ThrowIfNull(changes);
        var text = new StringBuilder("| weights | count | mean change | relative | angle, rad |\n|---|--:|--:|--:|--:|\n");
        foreach (WeightChange change in changes.Where(change => change.MeanChange > 0).OrderByDescending(change => change.MeanChange))
        {
            text.Append(CultureInfo.InvariantCulture, $"| {change.Name} | {change.Count:N0} | {change.MeanChange:g3} | {change.RelativeChange:g3} | {change.Angle:0.0000} |\n");
        }

        return text.ToString();
    }

    /// <summary>The angle between two vectors, in double precision, because angles of fine-tuning are hundredths of a radian.</summary>
    /// <exception cref="ArgumentException">They differ in length.</exception>
    public static double AngleBetween(ReadOnlySpan<float> before, ReadOnlySpan<float> after)
    {
        var sums = default(Sums);
        sums.Add(before, after);
        return sums.Angle;
    }

    private static IReadOnlyList<WeightChange> Compare(PretrainedModel before, PretrainedModel after, Func<Parameter, string?> groupOf)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        var old = before.Parameters().ToDictionary(parameter => parameter.Name, StringComparer.Ordinal);
        var changes = new List<WeightChange>();
        foreach (IGrouping<string?, Parameter> group in after.Parameters().Where(parameter => old.ContainsKey(parameter.Name)).GroupBy(groupOf, StringComparer.Ordinal))
        {
            if (group.Key is null)
            {
                continue;
            }

            var sums = default(Sums);
            foreach (Parameter parameter in group.Where(parameter => old[parameter.Name].Base.Shape == parameter.Base.Shape))
            {
                sums.Add(old[parameter.Name].Base.ToArray(), parameter.Base.ToArray());
            }

            if (sums.Count > 0)
            {
                changes.Add(new WeightChange(group.Key, sums.Count, sums.Angle, sums.Absolute / sums.Count, sums.Relative));
            }
        }

        return changes;
    }

    [GeneratedRegex(@"\.\d+\.", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex BlockNumber();

    /// <summary>What the figures of a group are made of, added up weight by weight.</summary>
    private struct Sums
    {
        private double _before;
        private double _after;
        private double _squares;
        private double _cross;

        public long Count { get; private set; }

        public double Absolute { get; private set; }

        // Rounding may carry the cosine past 1, and equal vectors to an angle of 1e-8.
        public readonly double Angle => _before == 0 || _after == 0 ? double.NaN
            : _squares == 0 ? 0
            : Math.Acos(Math.Clamp(_cross / Math.Sqrt(_before * _after), -1, 1));

        public readonly double Relative => Math.Sqrt(_squares / _before);

        public void Add(ReadOnlySpan<float> before, ReadOnlySpan<float> after)
        {
            if (before.Length != after.Length)
            {
                throw new ArgumentException($"A vector of {before.Length} numbers has no angle to one of {after.Length}.", nameof(after));
            }

            for (int i = 0; i < before.Length; i++)
            {
                (double a, double b) = (before[i], after[i]);
                _before += a * a;
                _after += b * b;
                _cross += a * b;
                _squares += (b - a) * (b - a);
                Absolute += Math.Abs(b - a);
            }

            Count += before.Length;
        }
    }
}
