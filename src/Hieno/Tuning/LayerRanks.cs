using System.Text.RegularExpressions;
using Hieno.Formats;
using Hieno.Formats.Peft;

namespace Hieno.Tuning;

/// <summary>Rank and α of each layer: those of the first pattern that matches its path, else the general ones.</summary>
/// <param name="rank">The general rank.</param>
/// <param name="alpha">The general α.</param>
/// <param name="ranks">Ranks by pattern: a regular expression of the path's end, from a full stop on.</param>
/// <param name="alphas">α by pattern.</param>
internal sealed class LayerRanks(int rank, double alpha, IReadOnlyDictionary<string, int> ranks, IReadOnlyDictionary<string, double> alphas)
{
    /// <summary>The rank of the layer at a path.</summary>
    public int RankOf(string path) => Find(ranks, path, rank);

    /// <summary>The α of the layer at a path.</summary>
    public double AlphaOf(string path) => Find(alphas, path, alpha);

    /// <summary>What is wrong with the patterns by themselves, for <see cref="Recipes.IValidated"/>.</summary>
    public IEnumerable<string> Faults()
    {
        foreach ((string setting, string pattern) in Patterns())
        {
            string? fault = null;
            try
            {
                _ = Expression(pattern);
            }
            catch (ArgumentException e)
            {
                fault = $"'{setting}' holds '{pattern}', which is no regular expression: {e.Message} Give the end of a layer's path, such as q_proj.";
            }

            if (fault is not null)
            {
                yield return fault;
            }
        }

        foreach ((string pattern, int value) in ranks.Where(item => item.Value < 1))
        {
            yield return $"'ranks' gives '{pattern}' the rank {value}. Give 1 or more.";
        }
    }

    /// <summary>Refuses a pattern that matches no adapted layer, which would go unnoticed.</summary>
    /// <param name="paths">The paths of the adapted layers.</param>
    /// <param name="who">The method.</param>
    /// <exception cref="TuningException">A pattern matches none of them.</exception>
    public void ThrowIfIdle(IReadOnlyCollection<string> paths, string who)
    {
        foreach ((string setting, string pattern) in Patterns())
        {
            if (!paths.Any(path => Matches(pattern, path)))
            {
                string example = paths.First();
                throw new TuningException(
                    ErrorCodes.TuningTargetUnknown, who, $"the pattern '{pattern}' of 'tuning.{setting}' matches none of the {paths.Count} adapted layers, of which '{example}' is one",
                    "Give the end of a layer's path, or a regular expression of it, and adapt that layer with 'tuning.targets'");
            }
        }
    }

    /// <summary>
    /// The patterns as PEFT is to read them. Where a layer has a pattern for its rank and another for its α, layers are named in full: older versions
    /// look both up under the one pattern that they find first.
    /// </summary>
    /// <param name="adapted">The paths of the adapted layers.</param>
    public (IReadOnlyDictionary<string, int> Ranks, IReadOnlyDictionary<string, double> Alphas) ForPeft(IEnumerable<string> adapted)
    {
        string[] paths = [.. adapted.Distinct(StringComparer.Ordinal)];
        if (!Array.Exists(paths, path => ranks.Keys.Any(pattern => Matches(pattern, path)) && alphas.Keys.Any(pattern => Matches(pattern, path))))
        {
            return (ranks, alphas);
        }

        return (
            paths.Where(path => RankOf(path) != rank).ToDictionary(path => path, RankOf, StringComparer.Ordinal),
            paths.Where(path => AlphaOf(path) != alpha).ToDictionary(path => path, AlphaOf, StringComparer.Ordinal));
    }

    private IEnumerable<(string Setting, string Pattern)> Patterns() =>
        ranks.Keys.Select(pattern => ("ranks", pattern)).Concat(alphas.Keys.Select(pattern => ("alphas", pattern)));

    private static T Find<T>(IReadOnlyDictionary<string, T> patterns, string path, T general)
    {
        foreach ((string pattern, T value) in patterns)
        {
            if (Matches(pattern, path))
            {
                return value;
            }
        }

        return general;
    }

    private static bool Matches(string pattern, string path)
    {
        try
        {
            return Expression(pattern).Matches(path);
        }
        catch (RegexMatchTimeoutException)
        {
            throw new TuningException(ErrorCodes.TuningTargetUnknown, "tuning", $"the pattern '{pattern}' takes too long on the layer '{path}'", "Give a simpler pattern");
        }
    }

    private static PeftModules Expression(string pattern) => PeftModules.Matching($@"(?:.*\.)?(?:{pattern})");
}
