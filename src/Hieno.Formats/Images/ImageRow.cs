namespace Hieno.Formats.Images;

/// <summary>One picture of a data set: where it is, what it shows, and how its pixels are had.</summary>
public sealed class ImageRow
{
    private readonly Func<ImageReadOptions, Image> _read;

    /// <summary>Makes a row.</summary>
    /// <param name="source">Where the picture is, e.g. <c>train/ants/12.jpg</c> or <c>train-images-idx3-ubyte.gz, picture 17</c>.</param>
    /// <param name="label">The name of its class, or a number to predict, as text; null where it is not known.</param>
    /// <param name="read">Reads the picture, each time it is called.</param>
    public ImageRow(string source, string? label, Func<ImageReadOptions, Image> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        (Source, Label, _read) = (source, label, read);
    }

    /// <summary>Where the picture is, for messages.</summary>
    public string Source { get; }

    /// <summary>The name of its class, or a number to predict, as text; null where it is not known.</summary>
    public string? Label { get; }

    /// <summary>Reads the picture; nothing is kept, so a second call reads it again.</summary>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <returns>1 to 4 channels, as the file has them.</returns>
    /// <exception cref="ImageException">The picture is broken, of a kind that cannot be read, or too large.</exception>
    public Image Read(ImageReadOptions? options = null) => _read(options ?? ImageReadOptions.Default);
}
