using System.ComponentModel.DataAnnotations;
using Hieno.Augmentation;
using Hieno.Formats.Text;

namespace Hieno.Data;

/// <summary>How the rows of a data file are laid out.</summary>
public enum RowLayout
{
    /// <summary>Told from the columns of the first row.</summary>
    Auto,

    /// <summary><c>messages</c>: a list of role and content, as OpenAI's fine-tuning files have it.</summary>
    Messages,

    /// <summary><c>instruction</c>, <c>input</c>, <c>output</c>.</summary>
    Alpaca,

    /// <summary><c>conversations</c>: a list of from and value.</summary>
    Sharegpt,

    /// <summary><c>prompt</c>, <c>completion</c>.</summary>
    PromptCompletion,

    /// <summary>A column of plain text.</summary>
    Text,
}

/// <summary>What is learned from: the settings under <c>data:</c> of a recipe.</summary>
public sealed record DataOptions
{
    /// <summary>Files to train on: .jsonl, .json, .csv, .tsv or .txt; of pictures also a folder with one folder for each class, an IDX or a CIFAR file.</summary>
    [MinLength(1)]
    public required IReadOnlyList<string> Train { get; init; }

    /// <summary>A file to watch while training, or a share of the training rows such as 10%, or a number of them. Default: nothing is watched.</summary>
    public string? Validation { get; init; }

    /// <summary>What a row of a plain text file is: document, paragraph, line. Default document.</summary>
    public TextUnit TextUnit { get; init; } = TextUnit.Document;

    /// <summary>A file that is read only before and after, for the report, or a share of the training rows such as 5%. Default: none.</summary>
    public string? Test { get; init; }

    /// <summary>The layout of the rows: auto, messages, alpaca, sharegpt, prompt-completion, text. Default auto.</summary>
    public RowLayout Layout { get; init; } = RowLayout.Auto;

    /// <summary>The columns that hold the text; where a row has several of them they are joined by line breaks. Default text, or sentence.</summary>
    public IReadOnlyList<string> TextColumns { get; init; } = [];

    /// <summary>The column that holds a second text, for pairs. Default: none.</summary>
    public string? PairColumn { get; init; }

    /// <summary>The column that holds the label, or the number to predict. Default label; category and labels are tried too, for pictures also class and target.</summary>
    public string? LabelColumn { get; init; }

    /// <summary>The column that names the task a row is of, for methods that tell tasks apart. Default: none.</summary>
    public string? TaskColumn { get; init; }

    /// <summary>The column of a table that holds each picture's path, beside the table's folder. Default: image, file_name, path, file or filename, whichever is there.</summary>
    public string? ImageColumn { get; init; }

    /// <summary>Whether the labels of CIFAR-100's files are its 20 superclasses instead of its 100 classes. Default false.</summary>
    public bool CoarseLabels { get; init; }

    /// <summary>What is done to pictures at random before the model learns from them, in this order. Default: nothing.</summary>
    public IReadOnlyList<AugmentationOptions> Augment { get; init; } = [];

    /// <summary>How many megabytes of decoded pictures are kept in memory; the others are decoded each time they are read. Default 512.</summary>
    [Range(0, 1_048_576)]
    public int PictureMegabytes { get; init; } = 512;

    /// <summary>The longest row in tokens; longer ones are cut at the end. Default: what the model can read, at most 1024.</summary>
    [Range(2, 1_048_576)]
    public int? MaxLength { get; init; }

    /// <summary>Takes only the first n rows of the training files, after shuffling them by the seed. Default: all.</summary>
    [Range(1, int.MaxValue)]
    public int? Limit { get; init; }

    /// <summary>Joins short rows until each pack holds maxLength tokens; rows never see each other. Default false.</summary>
    public bool Packing { get; init; }

    /// <summary>Leaves rows out that nothing can be learned from, and counts them, instead of stopping. Default false.</summary>
    public bool SkipInvalid { get; init; }

    /// <summary>A file with a chat template, or one of the built-in ones: chatml, plain. Default: the model's own, else plain.</summary>
    public string? ChatTemplate { get; init; }
}
