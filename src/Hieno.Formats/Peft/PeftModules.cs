using System.Text.RegularExpressions;

namespace Hieno.Formats.Peft;

/// <summary>Which modules an adapter configuration means: a list of name endings, or a regular expression.</summary>
public sealed class PeftModules
{
    /// <summary>The expression that stands for every linear layer but the output head.</summary>
    public const string AllLinear = "all-linear";

    // A configuration comes from a stranger, and a hostile expression can take for ever.
    private static readonly TimeSpan MatchTime = TimeSpan.FromSeconds(1);

    private readonly Regex? _pattern;

    private PeftModules(IReadOnlyList<string>? names, string? pattern)
    {
        (Names, Pattern) = (names, pattern);
        _pattern = pattern is null or AllLinear ? null : new Regex($@"\A(?:{pattern})\z", RegexOptions.CultureInvariant, MatchTime);
    }

    /// <summary>Name endings, or null when an expression is given.</summary>
    public IReadOnlyList<string>? Names { get; }

    /// <summary>The expression, or null when name endings are given.</summary>
    public string? Pattern { get; }

    /// <summary>Whether every linear layer but the output head is meant; only the model knows which these are.</summary>
    public bool IsAllLinear => string.Equals(Pattern, AllLinear, StringComparison.Ordinal);

    /// <summary>Modules whose path is one of the names, or ends with a full stop and one of them.</summary>
    public static PeftModules EndingWith(IEnumerable<string> names) => new([.. names], pattern: null);

    /// <summary>Modules whose whole path matches an expression, or <see cref="AllLinear"/>.</summary>
    /// <exception cref="ArgumentException">The expression is malformed.</exception>
    public static PeftModules Matching(string pattern) => new(names: null, pattern);

    /// <summary>Whether the module at this path is meant, e.g. <c>model.layers.3.self_attn.q_proj</c>.</summary>
    /// <exception cref="InvalidOperationException"><see cref="IsAllLinear"/>: a path alone does not tell.</exception>
    /// <exception cref="RegexMatchTimeoutException">The expression takes longer than a second.</exception>
    public bool Matches(string path)
    {
        if (IsAllLinear)
        {
            throw new InvalidOperationException($"'{AllLinear}' is not decided by a path; ask the model for its linear layers.");
        }

        return _pattern is not null
            ? _pattern.IsMatch(path)
            : Names!.Any(name => string.Equals(path, name, StringComparison.Ordinal) || path.EndsWith("." + name, StringComparison.Ordinal));
    }

    /// <summary>The value of the first key of a rank or alpha pattern that matches the end of a path, or <paramref name="fallback"/>.</summary>
    internal static T Lookup<T>(IReadOnlyDictionary<string, T> patterns, string path, T fallback)
    {
        foreach (var (key, value) in patterns)
        {
            if (Regex.IsMatch(path, $@"\A(?:.*\.)?(?:{key})\z", RegexOptions.CultureInvariant, MatchTime))
            {
                return value;
            }
        }

        return fallback;
    }
}
