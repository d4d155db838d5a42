namespace Hieno.Formats;

/// <summary>Base of every error a user of Hieno can cause or repair: a bad file, a bad row, a full disk.</summary>
/// <remarks>Programming faults are not among these; they throw the <see cref="ArgumentException"/> family.</remarks>
public abstract class HienoException : Exception
{
    /// <summary>Builds the message <c>who: fact. advice.</c></summary>
    /// <param name="code">A stable code of <see cref="ErrorCodes"/>, e.g. <c>HN1203</c>.</param>
    /// <param name="who">The file, tensor or setting the error is about.</param>
    /// <param name="fact">What was found, with names and numbers, without a final full stop.</param>
    /// <param name="advice">What to do about it, without a final full stop.</param>
    /// <param name="inner">The cause, or null.</param>
    protected HienoException(string code, string who, string fact, string advice, Exception? inner = null)
        : base($"{who}: {fact.TrimEnd('.')}{(fact.EndsWith('\n') ? string.Empty : ". ")}{advice.TrimEnd('.')}.", inner)
    {
        Code = code;
    }

    /// <summary>Takes a message that is already complete: one that lists several faults, each with its own place.</summary>
    /// <param name="code">A stable code of <see cref="ErrorCodes"/>.</param>
    /// <param name="message">The whole message.</param>
    /// <param name="inner">The cause, or null.</param>
    protected HienoException(string code, string message, Exception? inner = null)
        : base(message, inner)
    {
        Code = code;
    }

    /// <summary>The stable code of the error, e.g. <c>HN1203</c>; the documentation has one page for each.</summary>
    public string Code { get; }
}
