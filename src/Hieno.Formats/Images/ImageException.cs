namespace Hieno.Formats.Images;

/// <summary>A picture's file is missing, broken, of an unknown kind, or larger than is allowed.</summary>
public sealed class ImageException : HienoException
{
    /// <summary>Builds the message <c>file: fact. advice.</c></summary>
    /// <param name="code">One of the HN21xx codes of <see cref="ErrorCodes"/>.</param>
    /// <param name="file">The picture's file.</param>
    /// <param name="fact">What was found, with numbers.</param>
    /// <param name="advice">What to do about it.</param>
    /// <param name="inner">The cause, or null.</param>
    public ImageException(string code, string file, string fact, string advice, Exception? inner = null)
        : base(code, file, fact, advice, inner)
    {
        File = file;
    }

    /// <summary>The picture's file.</summary>
    public string File { get; }
}
