using System.Security.Cryptography;
using Hieno.Formats;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Sets;
using Hieno.Formats.Text;

namespace Hieno.Cli.Data;

/// <summary>A picture that can be learned from.</summary>
/// <param name="Row">Where it is, and its label.</param>
/// <param name="Width">Pixels across.</param>
/// <param name="Height">Pixels down.</param>
/// <param name="IsGrey">True where it has no colours, or three equal ones.</param>
/// <param name="HasAlpha">True where it says how opaque a pixel is, which is not learned.</param>
/// <param name="Hash">Of its pixels, whatever file they are in.</param>
internal sealed record CheckedPicture(ImageRow Row, int Width, int Height, bool IsGrey, bool HasAlpha, string Hash);

/// <summary>A picture that another one shows already, pixel by pixel.</summary>
/// <param name="Row">The later picture, or the one that was asked about.</param>
/// <param name="Other">The earlier one, or the one in the other set.</param>
/// <param name="IsContradiction">True when the two have different labels.</param>
internal sealed record SamePicture(ImageRow Row, ImageRow Other, bool IsContradiction);

/// <summary>All that is wrong with a set of pictures, and what is in it.</summary>
internal sealed class PictureCheck
{
    private readonly List<HienoException> _faults = [];

    /// <summary>Every picture that cannot be learned from, in the order of the set.</summary>
    public IReadOnlyList<HienoException> Faults => _faults;

    public IReadOnlyList<CheckedPicture> Pictures { get; private set; } = [];

    /// <summary>The names of the classes; empty where labels are numbers or absent.</summary>
    public IReadOnlyList<string> Classes { get; private set; } = [];

    public IReadOnlyList<SamePicture> Repeated { get; private set; } = [];

    /// <summary>Pictures that are in the other set as well: what was learned by heart would be taken for skill.</summary>
    public IReadOnlyList<SamePicture> Leaks { get; private set; } = [];

    /// <summary>True where the rows can only be pictures, or name some.</summary>
    public static bool Recognises(string path) =>
        ImageSet.Recognises(path)
        || (Directory.Exists(path) && !Directory.EnumerateFiles(path, "*.txt").Any())
        || (DataFile.Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase) && Path.GetExtension(path) != ".txt" && ImageTable.Recognises(path));

    /// <summary>Reads every picture, and goes on after each fault.</summary>
    /// <param name="path">The set.</param>
    /// <param name="against">Another set, of which none of the pictures should be in this one; null for none.</param>
    /// <param name="options">Columns and limits.</param>
    public static PictureCheck Run(string path, string? against, ImageSetOptions options)
    {
        var check = new PictureCheck();
        ImageSet set = check.Read(path, options);
        check.Pictures = check.Look(set, options.Limits);
        check.Classes = set.Classes;
        check.Repeated = Same(check.Pictures);
        if (against is not null)
        {
            ILookup<string, CheckedPicture> others = check.Look(check.Read(against, options), options.Limits).ToLookup(picture => picture.Hash, StringComparer.Ordinal);
            check.Leaks = [.. check.Pictures.Where(picture => others.Contains(picture.Hash)).Select(picture => Pair(picture, others[picture.Hash].First()))];
        }

        return check;
    }

    private ImageSet Read(string path, ImageSetOptions options) =>
        !Directory.Exists(path) && DataFile.Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase)
            ? ImageTable.Read(path, options, _faults.Add)
            : ImageSet.Read(path, options);

    private List<CheckedPicture> Look(ImageSet set, ImageReadOptions limits)
    {
        var seen = new CheckedPicture?[set.Rows.Count];
        var faults = new ImageException?[set.Rows.Count];
        Parallel.For(0, seen.Length, i =>
        {
            try
            {
                seen[i] = Of(set.Rows[i], limits);
            }
            catch (ImageException fault)
            {
                faults[i] = fault;
            }
        });
        _faults.AddRange(faults.OfType<ImageException>());
        return [.. seen.OfType<CheckedPicture>()];
    }

    private static CheckedPicture Of(ImageRow row, ImageReadOptions limits)
    {
        Image image = row.Read(limits);
        byte[] size = [.. BitConverter.GetBytes(image.Width), .. BitConverter.GetBytes(image.Height), (byte)image.Channels];
        string hash = Convert.ToHexString(SHA256.HashData([.. size, .. SHA256.HashData(image.Samples)]));
        return new CheckedPicture(row, image.Width, image.Height, HasNoColours(image), image.HasAlpha, hash);
    }

    private static bool HasNoColours(Image image)
    {
        for (int i = 0; image.Channels > 2 && i < image.Samples.Length; i += image.Channels)
        {
            if (image.Samples[i] != image.Samples[i + 1] || image.Samples[i] != image.Samples[i + 2])
            {
                return false;
            }
        }

        return true;
    }

    private static List<SamePicture> Same(IReadOnlyList<CheckedPicture> pictures)
    {
        var repeated = new List<SamePicture>();
        var first = new Dictionary<string, CheckedPicture>(StringComparer.Ordinal);
        foreach (CheckedPicture picture in pictures)
        {
            if (!first.TryAdd(picture.Hash, picture))
            {
                repeated.Add(Pair(picture, first[picture.Hash]));
            }
        }

        return repeated;
    }

    private static SamePicture Pair(CheckedPicture picture, CheckedPicture other) => new(picture.Row, other.Row, picture.Row.Label != other.Row.Label);
}
