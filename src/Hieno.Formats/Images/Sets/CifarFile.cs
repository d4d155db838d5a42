using System.Globalization;

namespace Hieno.Formats.Images.Sets;

/// <summary>
/// The binary files of CIFAR-10 and CIFAR-100: one record a picture, of one label (CIFAR-10) or two (superclass, class; CIFAR-100) and 32 × 32 pixels, all
/// red ones first, then green, then blue (Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images, and its web page).
/// </summary>
public static class CifarFile
{
    private const int Side = 32;

    private const int Pixels = Side * Side;

    private static readonly string[] s_names10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    /// <summary>Whether a file is named as CIFAR's are.</summary>
    /// <param name="path">The file.</param>
    public static bool Recognises(string path) => File.Exists(path) && Path.GetExtension(path).Equals(".bin", StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads a file; whether it is CIFAR-10's or CIFAR-100's, its length and labels say.</summary>
    /// <param name="path">The file, e.g. <c>data_batch_1.bin</c>.</param>
    /// <param name="options">Which of CIFAR-100's labels; null for the defaults.</param>
    /// <returns>
    /// The names of the classes are those in <c>batches.meta.txt</c>, <c>fine_label_names.txt</c> or <c>coarse_label_names.txt</c> beside the file; else CIFAR-10's own,
    /// or CIFAR-100's numbers.
    /// </returns>
    /// <exception cref="ImageException">The file is absent, empty, or not of such records.</exception>
    public static ImageSet Read(string path, ImageSetOptions? options = null)
    {
        options ??= ImageSetOptions.Default;
        byte[] bytes = SetBytes.ReadAll(path);
        int labels = LabelBytes(path, bytes);
        int record = labels + (3 * Pixels);
        int which = labels == 2 && !options.CoarseLabels ? 1 : 0;
        (string list, int classes) = labels == 1 ? ("batches.meta.txt", 10) : options.CoarseLabels ? ("coarse_label_names.txt", 20) : ("fine_label_names.txt", 100);
        string beside = Path.Combine(Path.GetDirectoryName(path) ?? string.Empty, list);
        string[] names = File.Exists(beside) ? ReadNames(beside, classes)
            : labels == 1 ? s_names10
            : [.. Enumerable.Range(0, classes).Select(i => i.ToString("D2", CultureInfo.InvariantCulture))];
        return new ImageSet(
            [.. Enumerable.Range(0, bytes.Length / record).Select(i => new ImageRow($"{path}, picture {i}", names[bytes[(i * record) + which]],
                _ => Picture(bytes.AsSpan((i * record) + labels, 3 * Pixels))))],
            File.Exists(beside) ? [path, beside] : [path],
            names);
    }

    private static int LabelBytes(string path, byte[] bytes)
    {
        List<string> faults = [];
        foreach ((string name, int labels, int[] most) in ((string, int, int[])[])[("CIFAR-10", 1, [10]), ("CIFAR-100", 2, [20, 100])])
        {
            int record = labels + (3 * Pixels);
            if (bytes.Length == 0 || bytes.Length % record != 0)
            {
                faults.Add($"its {bytes.Length} bytes are not a number of {name}'s records of {record}");
                continue;
            }

            if (FirstWrongLabel(bytes, record, most) is not { } wrong)
            {
                return labels;
            }

            faults.Add($"as {name} its label at byte {wrong} is {bytes[wrong]}, and there are 0 to {most[wrong % record] - 1}");
        }

        throw new ImageException(ErrorCodes.ImageSetInvalid, path, string.Join("; ", faults), "Copy or download the file again; CIFAR's binary version is read");
    }

    private static int? FirstWrongLabel(byte[] bytes, int record, int[] most)
    {
        for (int start = 0; start < bytes.Length; start += record)
        {
            for (int i = 0; i < most.Length; i++)
            {
                if (bytes[start + i] >= most[i])
                {
                    return start + i;
                }
            }
        }

        return null;
    }

    private static string[] ReadNames(string path, int classes)
    {
        string[] names = [.. File.ReadAllLines(path).Select(line => line.Trim()).Where(line => line.Length > 0)];
        return names.Length == classes && names.Distinct(StringComparer.Ordinal).Count() == classes
            ? names
            : throw new ImageException(ErrorCodes.ImageSetInvalid, path, $"it has {names.Distinct(StringComparer.Ordinal).Count()} names of classes, and there are {classes}", "Copy the file again, or remove it to have numbers or the usual names");
    }

    private static Image Picture(ReadOnlySpan<byte> planes)
    {
        var image = new Image(Side, Side, 3);
        for (int i = 0; i < Pixels; i++)
        {
            (image.Samples[3 * i], image.Samples[(3 * i) + 1], image.Samples[(3 * i) + 2]) = (planes[i], planes[Pixels + i], planes[(2 * Pixels) + i]);
        }

        return image;
    }
}
