namespace Hieno.Formats.Images;

/// <summary>How a set of pictures is read.</summary>
public sealed record ImageSetOptions
{
    /// <summary>The defaults.</summary>
    public static ImageSetOptions Default { get; } = new();

    /// <summary>The column of a table that holds each picture's path, beside the table's folder. Default: image, file_name, path, file or filename, whichever is there.</summary>
    public string? ImageColumn { get; init; }

    /// <summary>The column of a table that holds each picture's label, or the number to predict. Default: label, category, class or target, if one is there.</summary>
    public string? LabelColumn { get; init; }

    /// <summary>The IDX file of the labels. Default: the file beside the pictures whose name says labels-idx1 instead of images-idx3.</summary>
    public string? Labels { get; init; }

    /// <summary>Whether CIFAR-100's 20 superclasses are the labels instead of its 100 classes. Default false.</summary>
    public bool CoarseLabels { get; init; }

    /// <summary>What is refused.</summary>
    public ImageReadOptions Limits { get; init; } = ImageReadOptions.Default;
}
