using System.Globalization;
using System.IO.Compression;

namespace Hieno.Formats.Images.Sets;

/// <summary>IDX, the container of MNIST: two zeros, the type of a number, the count of extents, the extents (32 bits, highest first), the numbers.</summary>
/// <remarks>As the web page of MNIST describes it. Only bytes (type 0x08) are read, which is what sets of pictures hold. Packed by gzip or not, by the first bytes.</remarks>
public sealed class IdxFile
{
    private const byte ByteType = 0x08;

    private IdxFile(string path, int[] extents, byte[] numbers)
    {
        (FilePath, Extents, Numbers) = (path, extents, numbers);
    }

    /// <summary>The file.</summary>
    public string FilePath { get; }

    /// <summary>How many numbers there are along each extent, slowest first: pictures, rows, columns; or labels.</summary>
    public IReadOnlyList<int> Extents { get; }

    /// <summary>All numbers, the last extent fastest.</summary>
    public byte[] Numbers { get; }

    /// <summary>Whether a file begins, or is named, as IDX.</summary>
    /// <param name="path">The file.</param>
    public static bool Recognises(string path) => File.Exists(path) && Path.GetFileName(path).Contains("-ubyte", StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads pictures and their labels.</summary>
    /// <param name="path">The pictures: three extents (grey), or four with 1, 3 or 4 channels last.</param>
    /// <param name="labels">The labels; null looks for the file beside it whose name has labels-idx1 instead of images-idx3, and does without where there is none.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <returns>The labels are numbers as text, with zeros before them where some have more digits, so that their order is that of the numbers.</returns>
    /// <exception cref="ImageException">A file is absent, cut off, not IDX, or the two do not fit each other.</exception>
    public static ImageSet ReadImages(string path, string? labels = null, ImageReadOptions? options = null)
    {
        options ??= ImageReadOptions.Default;
        IdxFile pictures = Read(path, options);
        var extents = pictures.Extents;
        int channels = extents.Count == 4 ? extents[3] : 1;
        if (extents.Count is not (3 or 4) || channels is not (1 or 3 or 4) || extents.Contains(0))
        {
            throw Invalid(path, $"its extents are {string.Join(" × ", extents)}, which are no pictures", "Give a file of pictures: number × height × width, or with channels last");
        }

        labels ??= LabelsBeside(path);
        IdxFile? known = labels is null ? null : Read(labels, options);
        if (known is not null && (known.Extents.Count != 1 || known.Extents[0] != extents[0]))
        {
            throw Invalid(labels!, $"its extents are {string.Join(" × ", known.Extents)}, but {path} holds {extents[0]} pictures", "Give the labels that belong to the pictures");
        }

        new ImageBytes(path, []).CheckSize(extents[2], extents[1], options);
        int digits = known is null ? 0 : known.Numbers.Max().ToString(CultureInfo.InvariantCulture).Length;
        int size = extents[1] * extents[2] * channels;
        return new ImageSet(
            [.. Enumerable.Range(0, extents[0]).Select(i => new ImageRow($"{path}, picture {i}", known?.Numbers[i].ToString($"D{digits}", CultureInfo.InvariantCulture),
                _ => new Image(extents[2], extents[1], channels, pictures.Numbers.AsSpan(i * size, size).ToArray())))],
            labels is null ? [path] : [path, labels]);
    }

    /// <summary>Reads a file as it is.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <exception cref="ImageException">The file is absent, cut off, too long, too large, or not IDX.</exception>
    public static IdxFile Read(string path, ImageReadOptions? options = null)
    {
        options ??= ImageReadOptions.Default;
        byte[] bytes = SetBytes.ReadAll(path);
        bool packed = bytes is [0x1F, 0x8B, ..];
        using Stream stream = packed ? new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress) : new MemoryStream(bytes);
        try
        {
            return ReadFrom(new SetBytes(path, stream), packed ? bytes.Length * SetBytes.MostUnpacked : bytes.Length, options);
        }
        catch (InvalidDataException error)
        {
            throw Invalid(path, "what gzip packed is damaged", "Copy or download the file again", error);
        }
    }

    // No more memory is taken than the file can hold, whatever it says.
    private static IdxFile ReadFrom(SetBytes file, long most, ImageReadOptions options)
    {
        byte[] magic = file.Take(4, "what kind of numbers it holds");
        if (magic[0] != 0 || magic[1] != 0 || magic[2] != ByteType || magic[3] is 0 or > 4)
        {
            throw Invalid(file.Path, $"it begins with {Convert.ToHexString(magic)} at byte 0, not with 00 00 08 and 1 to 4 extents", "Give an IDX file of bytes, as MNIST's are");
        }

        uint[] extents = [.. Enumerable.Range(0, magic[3]).Select(_ => file.TakeUInt32("an extent"))];
        double size = extents.Aggregate(1.0, (product, extent) => product * extent);
        string shape = string.Join(" × ", extents);
        long allowed = Math.Min(options.MaxBytes, Array.MaxLength);
        if (size > allowed)
        {
            throw new ImageException(ErrorCodes.ImageTooLarge, file.Path, $"its header claims {shape} bytes, and {allowed} are allowed", "Give a smaller file");
        }

        if (size > most)
        {
            throw new ImageException(ErrorCodes.ImageTruncated, file.Path, $"its header claims {shape} bytes, more than a file of its length can hold", "Copy or download the file again");
        }

        byte[] numbers = file.Take((int)size, $"{shape} numbers");
        return file.AtEnd()
            ? new IdxFile(file.Path, [.. extents.Select(extent => (int)extent)], numbers)
            : throw Invalid(file.Path, $"it goes on after its {shape} numbers, which end at byte {file.Position}", "Give a file that holds one IDX array only");
    }

    private static string? LabelsBeside(string path)
    {
        string folder = Path.GetDirectoryName(path) ?? string.Empty;
        string name = Path.GetFileName(path).Replace("images", "labels", StringComparison.Ordinal).Replace("idx3", "idx1", StringComparison.Ordinal);
        string bare = name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? name[..^3] : name;
        return ((string[])[name, bare, bare + ".gz"]).Where(candidate => candidate != Path.GetFileName(path)).Select(candidate => Path.Combine(folder, candidate)).FirstOrDefault(File.Exists);
    }

    private static ImageException Invalid(string path, string fact, string advice, Exception? inner = null) => new(ErrorCodes.ImageSetInvalid, path, fact, advice, inner);
}
