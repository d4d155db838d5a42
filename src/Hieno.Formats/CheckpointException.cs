namespace Hieno.Formats;

/// <summary>A weights file, its index or its configuration is missing, malformed or does not fit.</summary>
public sealed class CheckpointException : HienoException
{
    /// <summary>Builds the message <c>who: fact. advice.</c></summary>
    /// <param name="code">One of the HN11xx codes of <see cref="ErrorCodes"/>.</param>
    /// <param name="who">The file, or the tensor's checkpoint name.</param>
    /// <param name="fact">What was found, both sides of a mismatch.</param>
    /// <param name="advice">What to do about it.</param>
    /// <param name="inner">The cause, or null.</param>
    public CheckpointException(string code, string who, string fact, string advice, Exception? inner = null)
        : base(code, who, fact, advice, inner)
    {
    }

    /// <summary>The checkpoint name of the tensor concerned, or null where the error is not about one tensor.</summary>
    public string? Tensor { get; init; }
}
