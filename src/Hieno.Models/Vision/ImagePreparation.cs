using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Transforms;

namespace Hieno.Models.Vision;

/// <summary>How pictures of any size become what a model reads: made smaller or larger, cut, scaled and shifted.</summary>
/// <param name="Input">The size and the numbers that the model reads.</param>
public sealed record ImagePreparation(ImageInput Input)
{
    /// <summary>The file beside a model's weights that says it, as the usual Python library writes it.</summary>
    public const string FileName = "preprocessor_config.json";

    // The numbers by which the Python Imaging Library calls its filters.
    private static readonly ResizeFilter[] s_filters =
        [ResizeFilter.Nearest, ResizeFilter.Lanczos, ResizeFilter.Bilinear, ResizeFilter.Bicubic, ResizeFilter.Box, ResizeFilter.Hamming];

    /// <summary>The size that pictures are stretched to, whatever their proportions, before the middle is cut out; null (default) for none.</summary>
    public (int Height, int Width)? Stretch { get; init; }

    /// <summary>Pixels that the shorter side is given, the longer in proportion, before the middle is cut out; null where <see cref="Stretch"/> is given, or where sizes stay.</summary>
    public int? ShorterSide { get; init; }

    /// <summary>How pixels are mixed where the size changes. Default bilinear.</summary>
    public ResizeFilter Filter { get; init; } = ResizeFilter.Bilinear;

    /// <summary>
    /// What a model folder says: its <c>preprocessor_config.json</c>, else the family's size, numbers and filter, with the shorter side made as long as that of
    /// what the model reads.
    /// </summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="family">The model's family.</param>
    /// <param name="config">The model's configuration.</param>
    /// <exception cref="CheckpointException">The file is malformed, or asks for what cannot be done here.</exception>
    public static ImagePreparation Of(string folder, VisionFamily family, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(family);
        ImageInput input = family.InputOf(config);
        string path = Path.Combine(folder, FileName);
        return File.Exists(path)
            ? From(ModelConfig.Read(path), input)
            : new ImagePreparation(input) { ShorterSide = Math.Max(input.Height, input.Width) };
    }

    /// <summary>Reads a <c>preprocessor_config.json</c>.</summary>
    /// <param name="file">The file.</param>
    /// <param name="usual">What the family reads, for keys that are missing.</param>
    /// <exception cref="CheckpointException">It is malformed, or asks for what cannot be done here.</exception>
    public static ImagePreparation From(ModelConfig file, ImageInput usual)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(usual);
        bool resizes = file.GetBool("do_resize", true);
        bool crops = file.GetBool("do_center_crop", file.Has("crop_size"));
        (int Height, int Width)? crop = crops ? SizeOf(file, "crop_size") : null;
        (int Height, int Width)? stretch = resizes ? StretchOf(file, crops) : null;
        int? shorter = resizes && stretch is null ? ShorterOf(file) : null;
        if (shorter is { } side && file.Has("crop_pct"))
        {
            // ConvNeXT's processor: pictures of 384 pixels and more are stretched, smaller ones cut out of larger ones.
            bool isLarge = side >= 384;
            crop = (side, side);
            stretch = isLarge ? crop : null;
            shorter = isLarge ? null : (int)(side / file.GetDouble("crop_pct"));
        }

        (int height, int width) = crop ?? stretch ?? (usual.Height, usual.Width);
        int filter = file.GetInt("resample", 2);
        return filter >= 0 && filter < s_filters.Length
            ? new ImagePreparation(NumbersOf(file, height, width, usual)) { Stretch = stretch, ShorterSide = shorter, Filter = s_filters[filter] }
            : throw file.Error("resample", $"is {filter}, which is no filter", $"Give 0 to {s_filters.Length - 1}");
    }

    /// <summary>The picture as large as the model reads it, in as many channels.</summary>
    /// <param name="picture">Any picture.</param>
    public Image Apply(Image picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        Image seen = Input.Channels == 1 ? picture.ToGrey() : picture.ToRgb();
        (int height, int width) = Stretch ?? (seen.Height, seen.Width);
        if (ShorterSide is { } shorter)
        {
            (width, height) = ImageResize.ShorterSide(seen, shorter);
        }

        if (height != seen.Height || width != seen.Width)
        {
            seen = ImageResize.Apply(seen, width, height, Filter);
        }

        return seen.Height == Input.Height && seen.Width == Input.Width ? seen : ImageCrop.Center(seen, Input.Width, Input.Height);
    }

    /// <summary>Writes the numbers that the model reads: (sample / 255 − mean) / deviation.</summary>
    /// <param name="picture">A picture of the model's size and channels.</param>
    /// <param name="into">[height, width, channels].</param>
    public void Write(Image picture, Span<float> into)
    {
        ArgumentNullException.ThrowIfNull(picture);
        int channels = Input.Channels;
        Span<float> numbers = stackalloc float[256]; // of each sample
        for (int c = 0; c < channels; c++)
        {
            (float mean, float deviation) = (Input.Mean[c], Input.Deviation[c]);
            for (int sample = 0; sample < numbers.Length; sample++)
            {
                numbers[sample] = ((sample / 255f) - mean) / deviation;
            }

            for (int i = c; i < into.Length; i += channels)
            {
                into[i] = numbers[picture.Samples[i]];
            }
        }
    }

    /// <summary>A <c>preprocessor_config.json</c> that says the same.</summary>
    public JsonObject ToJson() => new()
    {
        ["do_resize"] = Stretch is not null || ShorterSide is not null,
        ["size"] = ShorterSide is { } shorter ? new JsonObject { ["shortest_edge"] = shorter } : SizeJson(Stretch ?? (Input.Height, Input.Width)),
        ["resample"] = Array.IndexOf(s_filters, Filter),
        ["do_center_crop"] = true,
        ["crop_size"] = SizeJson((Input.Height, Input.Width)),
        ["do_rescale"] = true,
        ["rescale_factor"] = 1 / 255.0,
        ["do_normalize"] = true,
        ["image_mean"] = new JsonArray([.. Input.Mean.Select(value => JsonValue.Create(value))]),
        ["image_std"] = new JsonArray([.. Input.Deviation.Select(value => JsonValue.Create(value))]),
        ["do_convert_rgb"] = Input.Channels == 3,
        ["image_processor_type"] = "CLIPImageProcessor", // the one that does these steps in this order, whatever the model
    };

    private static JsonObject SizeJson((int Height, int Width) size) => new() { ["height"] = size.Height, ["width"] = size.Width };

    // A single number means the shorter side where the middle is cut out afterwards, else a square; DeiT's processor always means a square.
    private static (int Height, int Width)? StretchOf(ModelConfig file, bool crops)
    {
        if (!file.Has("size"))
        {
            return null;
        }

        if (file.Json.GetProperty("size").ValueKind == System.Text.Json.JsonValueKind.Object)
        {
            return file.GetSection("size")!.Has("height") ? SizeOf(file, "size") : null;
        }

        string processor = file.GetString("image_processor_type", null) ?? file.GetString("feature_extractor_type", null) ?? string.Empty;
        bool isShorter = file.Has("crop_pct") || (crops && !processor.StartsWith("DeiT", StringComparison.Ordinal));
        return isShorter ? null : SizeOf(file, "size");
    }

    private static int? ShorterOf(ModelConfig file)
    {
        if (!file.Has("size"))
        {
            return null;
        }

        if (file.Json.GetProperty("size").ValueKind != System.Text.Json.JsonValueKind.Object)
        {
            return file.GetInt("size");
        }

        ModelConfig size = file.GetSection("size")!;
        return size.Has("shortest_edge") && !size.Has("longest_edge")
            ? size.GetInt("shortest_edge")
            : throw file.Error("size", "gives neither height and width nor only the shortest edge", "Give one of these");
    }

    private static (int Height, int Width) SizeOf(ModelConfig file, string key)
    {
        (int height, int width) = !file.Has(key) ? throw file.Error(key, "is missing", "Give height and width")
            : file.Json.GetProperty(key).ValueKind == System.Text.Json.JsonValueKind.Object
                ? (file.GetSection(key)!.GetInt("height"), file.GetSection(key)!.GetInt("width"))
                : (file.GetInt(key), file.GetInt(key));
        return height > 0 && width > 0 ? (height, width) : throw file.Error(key, $"is {height} × {width} pixels", "Give sides of at least one pixel");
    }

    private static ImageInput NumbersOf(ModelConfig file, int height, int width, ImageInput usual)
    {
        // sample · factor − mean, over deviation, written with samples from 0 to 1
        double factor = file.GetBool("do_rescale", true) ? 255 * file.GetDouble("rescale_factor", 1 / 255.0) : 255;
        bool shifts = file.GetBool("do_normalize", true);
        IReadOnlyList<double> mean = !shifts ? [.. usual.Mean.Select(_ => 0.0)] : file.GetDoubles("image_mean") ?? [.. usual.Mean.Select(value => (double)value)];
        IReadOnlyList<double> deviation = !shifts ? [.. usual.Mean.Select(_ => 1.0)] : file.GetDoubles("image_std") ?? [.. usual.Deviation.Select(value => (double)value)];
        if (mean.Count != usual.Channels || deviation.Count != usual.Channels)
        {
            throw file.Error("image_mean", $"and 'image_std' have {mean.Count} and {deviation.Count} numbers, and the model reads {usual.Channels} channels", "Give one for each channel");
        }

        return deviation.All(value => value > 0)
            ? new ImageInput(height, width, [.. mean.Select(value => (float)(value / factor))], [.. deviation.Select(value => (float)(value / factor))])
            : throw file.Error("image_std", "has a number that is not above 0", "Correct it");
    }
}
