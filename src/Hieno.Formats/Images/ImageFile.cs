using Hieno.Formats.Images.Jpeg;
using Hieno.Formats.Images.Png;

namespace Hieno.Formats.Images;

/// <summary>Pictures in files: PNG, and JPEG (baseline and progressive). What a file is, its first bytes say, not its name.</summary>
public static class ImageFile
{
    /// <summary>The endings of names that folders of pictures are searched for.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".png", ".jpg", ".jpeg", ".jpe", ".jfif"];

    /// <summary>Reads a picture.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <returns>1 to 4 channels, as the file has them; a palette's colours as red, green and blue (and alpha), 16 bits a sample cut to 8.</returns>
    /// <exception cref="ImageException">The file is absent, broken, of a kind that cannot be read, or too large.</exception>
    public static Image Read(string path, ImageReadOptions? options = null)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ImageException(ErrorCodes.ImageFileUnreadable, path, $"the file cannot be opened ({error.Message.TrimEnd('.')})",
                "Check the path, and that the file may be read", error);
        }

        return Decode(bytes, path, options);
    }

    /// <summary>Reads a picture from the bytes of its file.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="name">What errors call it.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <returns>As <see cref="Read"/>.</returns>
    /// <exception cref="ImageException">The bytes are broken, of a kind that cannot be read, or a picture that is too large.</exception>
    public static Image Decode(byte[] bytes, string name, ImageReadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        options ??= ImageReadOptions.Default;
        var source = new ImageBytes(name, bytes);
        (Image image, int orientation) =
            PngReader.Recognises(bytes) ? PngReader.Read(source, options)
            : JpegReader.Recognises(bytes) ? JpegReader.Read(source, options)
            : throw new ImageException(ErrorCodes.ImageFileUnreadable, name,
                bytes.Length == 0 ? "the file is empty" : $"its first bytes are {Convert.ToHexString(bytes.AsSpan(0, Math.Min(4, bytes.Length)))}, which is neither PNG nor JPEG",
                "Convert the picture to PNG or JPEG");
        return options.ApplyOrientation ? Orientation.Apply(image, orientation) : image;
    }
}
