using System.Collections.Concurrent;
using Hieno.Augmentation;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Images;
using Hieno.Formats.Text;
using Hieno.Models;
using Hieno.Models.Vision;

namespace Hieno.Objectives;

/// <summary>Reads pictures: each is decoded once to see that it can be, then when a model asks for it, and augmented while training.</summary>
internal sealed class PictureReader : RowReader
{
    private readonly ConcurrentDictionary<ImageRow, ImageException> _faults = [];
    private ImagePreparation _preparation = null!;
    private Augmenter _augmenter = null!;
    private PictureStore _store = null!;
    private bool _keepsPrepared;

    /// <inheritdoc/>
    public override HeadKind Head => HeadKind.Pictures;

    /// <inheritdoc/>
    public override IReadOnlyList<string> LabelColumns => ["label", "category", "labels", "class", "target", "score"];

    /// <inheritdoc/>
    public override bool ReadsRowsAsTheyAre => !_augmenter.Varies;

    /// <inheritdoc/>
    public override void Begin(ObjectiveContext context)
    {
        base.Begin(context);
        _preparation = context.Pictures;
        _augmenter = new Augmenter(context.Data.Augment, _preparation.Input, context.Seed);

        // An augmentation that takes parts of whole pictures needs them as they are in their files.
        _keepsPrepared = context.Data.Augment.OfType<PictureAugmentationOptions>().FirstOrDefault() is not { } first || !first.Create().Resizes;
        Func<ImageRow, Image> read = _keepsPrepared ? row => _preparation.Apply(row.Read()) : row => row.Read();
        _store = new PictureStore((long)context.Data.PictureMegabytes << 20, read);
    }

    /// <inheritdoc/>
    public override void Begin(IReadOnlyList<DataRow> rows)
    {
        ImageRow[] pictures = [.. rows.Select(row => row.Picture).OfType<ImageRow>()];
        Parallel.ForEach(pictures, picture =>
        {
            try
            {
                _store.Read(picture);
            }
            catch (ImageException fault)
            {
                _faults[picture] = fault;
            }
        });
    }

    /// <inheritdoc/>
    public override Example Read(DataRow row, int number)
    {
        if (row.Picture is not { } picture)
        {
            string column = Context.Data.ImageColumn ?? "image";
            throw row.Error(ErrorCodes.DatasetColumnMissing, $"there is no path of a picture in '{column}'; the row has {string.Join(", ", row.Columns)}", "Name the column with 'data.imageColumn'");
        }

        return _faults.TryGetValue(picture, out ImageException? fault)
            ? throw ErrorOf(row, fault)
            : new Example { Picture = picture, Number = number, Task = Context.TaskOf(row), Source = row.Line == 0 ? row.File : $"{Path.GetFileName(row.File)}, line {row.Line}" };
    }

    /// <inheritdoc/>
    public override Batch Collate(IReadOnlyList<Example> examples, int? pass)
    {
        BatchMix? mix = pass is { } number ? _augmenter.Mix([.. examples.Select(example => example.Number)], number) : null;
        bool varies = pass is not null && _augmenter.Varies;
        var images = new ImageBatch(
            examples.Count, _preparation.Input, places => Numbers(examples, places, pass, mix), varies ? null : [.. examples.Select(example => example.Picture!)]);
        return new Batch(examples, images) { Mix = mix };
    }

    private float[] Numbers(IReadOnlyList<Example> examples, IReadOnlyList<int> places, int? pass, BatchMix? mix)
    {
        ImageInput input = _preparation.Input;
        int size = input.Height * input.Width * input.Channels;
        float[] numbers = new float[places.Count * size];
        Parallel.For(0, places.Count, i => _preparation.Write(Seen(examples[places[i]], pass), numbers.AsSpan(i * size, size)));
        mix?.Apply(numbers, input.Height, input.Width);
        return numbers;
    }

    private Image Seen(Example example, int? pass)
    {
        Image image = _store.Read(example.Picture!);
        Func<Image, Image> prepare = _keepsPrepared ? picture => picture : _preparation.Apply;
        return pass is { } number ? _augmenter.Apply(image, example.Number, number, prepare) : prepare(image);
    }

    // The picture's own words, at the place of the row.
    private static DatasetException ErrorOf(DataRow row, ImageException fault)
    {
        string text = fault.Message[(fault.File.Length + 2)..];
        int advice = text.LastIndexOf(". ", StringComparison.Ordinal);
        (string file, string fact) = row.Line == 0 ? (fault.File, text[..advice]) : (row.File, $"its picture {fault.File}: {text[..advice]}");
        return new DatasetException(fault.Code, file, row.Line, 0, fact, text[(advice + 2)..], fault);
    }
}
