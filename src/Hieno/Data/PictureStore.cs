using Hieno.Formats.Images;

namespace Hieno.Data;

/// <summary>Decodes pictures, and keeps as many as fit a limit of memory, so that these are decoded once. What is kept changes no result.</summary>
/// <param name="memoryLimit">The most bytes of samples kept.</param>
/// <param name="read">Decodes a picture, and may make it smaller.</param>
internal sealed class PictureStore(long memoryLimit, Func<ImageRow, Image> read)
{
    private readonly Dictionary<ImageRow, Image> _kept = [];
    private readonly Lock _gate = new();
    private long _bytes;

    /// <summary>The picture; may be called from several threads.</summary>
    /// <exception cref="ImageException">The picture is broken, of a kind that cannot be read, or too large.</exception>
    public Image Read(ImageRow row)
    {
        lock (_gate)
        {
            if (_kept.TryGetValue(row, out Image? known))
            {
                return known;
            }
        }

        Image image = read(row);
        lock (_gate)
        {
            if (_bytes + image.Samples.Length <= memoryLimit && _kept.TryAdd(row, image))
            {
                _bytes += image.Samples.Length;
            }
        }

        return image;
    }
}
