using System.ComponentModel.DataAnnotations;
using System.IO.Enumeration;

namespace Hieno.Optimizers;

/// <summary>A learning rate of their own for weights by name.</summary>
public sealed record RateRule
{
    /// <summary>A pattern of names; * stands for any text, e.g. *.bias or *.layer.11.*.</summary>
    [MinLength(1)]
    public required string Names { get; init; }

    /// <summary>These weights learn this many times as fast as the others. 0 keeps them as they are, weight decay included.</summary>
    [Range(0.0, 1e6)]
    public required double Factor { get; init; }

    /// <summary>Whether the rule is about the weight of this name.</summary>
    public bool Matches(string name) => FileSystemName.MatchesSimpleExpression(Names, name, ignoreCase: false);
}
