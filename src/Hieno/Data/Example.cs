using Hieno.Formats.Images;

namespace Hieno.Data;

/// <summary>One row, ready to learn from.</summary>
public sealed record Example
{
    /// <summary>A label that asks for nothing: such a position is not learned.</summary>
    public const int Ignore = -100;

    /// <summary>Token ids of a text, [T]; none of a picture.</summary>
    public int[] Ids { get; init; } = [];

    /// <summary>The picture, or null where the row is a text.</summary>
    public ImageRow? Picture { get; init; }

    /// <summary>Segment ids, [T], or null for all 0.</summary>
    public int[]? TokenTypes { get; init; }

    /// <summary>For each token whether it is to be learned: its own id, or <see cref="Ignore"/>, [T]. Null where tokens are not learned.</summary>
    public int[]? TokenLabels { get; init; }

    /// <summary>How much each token counts, [T]; null means 1 each.</summary>
    public float[]? TokenWeights { get; init; }

    /// <summary>True where a token is a special one, [T], never to be masked; null where that does not matter.</summary>
    public bool[]? Special { get; init; }

    /// <summary>The index of the class, or <see cref="Ignore"/>.</summary>
    public int Class { get; init; } = Ignore;

    /// <summary>Where a row is read with several choices: the number of the choice that this is. 0 begins a row.</summary>
    public int Choice { get; init; }

    /// <summary>Where a row is read with several choices: the row with each of them, in order. Empty elsewhere.</summary>
    public IReadOnlyList<Example> Alternatives { get; init; } = [];

    /// <summary>Numbers to predict, or 0 and 1 for each of several labels; null where there are none.</summary>
    public float[]? Targets { get; init; }

    /// <summary>The name of the task that the row is of, or null where it does not say.</summary>
    public string? Task { get; init; }

    /// <summary>Its place among the examples it was made with: random choices about it hang on this, not on the batch it falls into.</summary>
    public int Number { get; init; }

    /// <summary>True where the row was longer than the model may read, so that its end is missing.</summary>
    public bool IsCut { get; init; }

    /// <summary>Where the row came from, e.g. <c>train.jsonl, line 318</c>.</summary>
    public required string Source { get; init; }
}
