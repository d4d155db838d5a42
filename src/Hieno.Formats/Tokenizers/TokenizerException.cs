namespace Hieno.Formats.Tokenizers;

/// <summary>A tokenizer file is malformed, incomplete or asks for something that cannot be done.</summary>
public sealed class TokenizerException : FormatException
{
    /// <summary>Describes a fault in a tokenizer file.</summary>
    /// <param name="fileName">The file at fault, as the caller named it.</param>
    /// <param name="path">Where in the file, e.g. <c>model.merges[12]</c> or <c>line 7</c>; null when the whole file is meant.</param>
    /// <param name="problem">What is wrong, with names and numbers, and what to do about it.</param>
    /// <param name="inner">The error that was met, if there was one.</param>
    public TokenizerException(string fileName, string? path, string problem, Exception? inner = null)
        : base(path is null ? $"{fileName}: {problem}" : $"{fileName}, {path}: {problem}", inner)
    {
        (FileName, Path) = (fileName, path);
    }

    /// <summary>The file at fault, as the caller named it.</summary>
    public string FileName { get; }

    /// <summary>The place in the file: a JSON path or a line; null when the whole file is meant.</summary>
    public string? Path { get; }
}
