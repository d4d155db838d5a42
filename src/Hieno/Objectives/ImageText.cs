using System.ComponentModel.DataAnnotations;
using System.Text.Json.Nodes;
using Hieno.Augmentation;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Models;
using Hieno.Models.Vision.Clip;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.ZeroShot;

namespace Hieno.Objectives;

/// <summary>Settings of <see cref="ImageText"/>.</summary>
public sealed record ImageTextOptions : ObjectiveOptions, IValidated
{
    /// <summary>
    /// What is said of a picture that has a label and no text of its own, with {} where the label goes; of several one is drawn for each label in each pass.
    /// Default "a photo of a {}".
    /// </summary>
    [MinLength(1)]
    public IReadOnlyList<string> Templates { get; init; } = [ZeroShotClassifier.DefaultTemplate];

    /// <inheritdoc/>
    public IEnumerable<string> Validate() =>
        Templates.Where(template => !template.Contains(ZeroShotClassifier.NamePlace, StringComparison.Ordinal))
            .Select(template => $"'templates' has '{template}', in which no {ZeroShotClassifier.NamePlace} stands. Put it where the label goes.");

    /// <inheritdoc/>
    public override IObjective Create() => new ImageText(this);
}

/// <summary>Bringing pictures and their texts together, as CLIP is trained: see <see cref="ContrastiveLoss"/>. It needs a model with a tower for each.</summary>
/// <remarks>
/// Radford et al. 2021, <see href="https://arxiv.org/abs/2103.00020"/>, section 2.3. The factor of cosines is kept from exceeding 100, as there (section 2.5).
/// A batch is compared with itself only: with gradients of several batches added up, each of them is.
/// </remarks>
public sealed class ImageText(ImageTextOptions options) : IObjective
{
    private static readonly string[] s_textColumns = ["caption", "text", "sentence"];
    private static readonly float s_largestScale = MathF.Log(100f);

    private readonly PictureReader _pictures = new();
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly List<string> _texts = []; // captions, or labels
    private readonly List<int[][]> _ids = []; // of each the tokens: one list, or one for each template
    private ObjectiveContext _context = null!;

    /// <inheritdoc/>
    public HeadChoice Head => HeadChoice.PicturesAndTexts;

    /// <summary>Accuracy: the share of pictures whose own text is the nearest of all that occur among the rows.</summary>
    public IReadOnlyList<string> DefaultMetrics => ["accuracy", "log-loss"];

    /// <inheritdoc/>
    public bool ReadsRowsAsTheyAre => _pictures.ReadsRowsAsTheyAre;

    /// <inheritdoc/>
    public void Prepare(ObjectiveContext context, IReadOnlyList<DataRow> train)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (context.Data.Augment.Any(augmentation => augmentation is not PictureAugmentationOptions))
        {
            throw new DatasetException(ErrorCodes.RecipeSettingsConflict, "data.augment", 0, 0, "it mixes pictures with each other, and their texts cannot be mixed", "Take mixup and cutmix out");
        }

        _context = context;
        _pictures.Begin(context);
    }

    /// <inheritdoc/>
    public IReadOnlyList<Example> Encode(IReadOnlyList<DataRow> rows, ICollection<DatasetException> invalid)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(invalid);
        var examples = new List<Example>(rows.Count);
        _pictures.Begin(rows);
        foreach (DataRow row in rows)
        {
            try
            {
                examples.Add(_pictures.Read(row, examples.Count) with { Class = TextOf(row) });
            }
            catch (DatasetException fault)
            {
                invalid.Add(fault);
            }
        }

        return examples;
    }

    /// <inheritdoc/>
    public Batch Collate(IReadOnlyList<Example> examples, Rng rng, ulong draw) => Collate(examples, rng, draw, pass: null);

    /// <inheritdoc/>
    public Batch Collate(IReadOnlyList<Example> examples, Rng rng, ulong draw, int? pass)
    {
        ArgumentNullException.ThrowIfNull(examples);
        int[] texts = [.. examples.Select(example => example.Class).Distinct()];
        int[][] ids = Array.ConvertAll(texts, text => _ids[text] is [var only] ? only : _ids[text][pass is null ? 0 : rng.Below(_ids[text].Length, draw, (ulong)text)]);
        return new Batch(examples, _pictures.Collate(examples, pass).Images, Together(ids), [.. examples.Select(example => Array.IndexOf(texts, example.Class))]);
    }

    /// <inheritdoc/>
    public double TargetWeight(Batch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return batch.Examples.Count;
    }

    /// <inheritdoc/>
    public Tensor Loss(PretrainedModel model, Batch batch, float scale)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ClipModel clip = Require(model);
        Parameter logScale = clip.Head.LogitScale;
        if (logScale.Trainable && logScale.Value.Item() > s_largestScale)
        {
            logScale.Value.Backend.Fill(logScale, s_largestScale);
        }

        return ContrastiveLoss.Of(clip, clip.PictureVectors(batch.Images), clip.TextVectors(batch.Tokens), batch.Labels, scale);
    }

    /// <inheritdoc/>
    public IPredictionCollector Collect() => new PictureTextCollector(_texts, text => _ids[text]);

    /// <inheritdoc/>
    public void Describe(JsonObject config)
    {
    }

    /// <summary>The model as one with two towers.</summary>
    /// <exception cref="InvalidOperationException">It has only one.</exception>
    internal static ClipModel Require(PretrainedModel model) =>
        model as ClipModel ?? throw new InvalidOperationException("Comparing pictures with texts needs a model with a tower for each.");

    /// <summary>Texts laid end to end.</summary>
    internal static TokenBatch Together(IReadOnlyList<int[]> ids) => new([.. ids.SelectMany(text => text)], [.. ids.Select(text => text.Length)]);

    // The number of the row's text: a caption, or a label that the templates speak of.
    private int TextOf(DataRow row)
    {
        string? column = _context.Data.TextColumns is [var named, ..] ? named : s_textColumns.FirstOrDefault(name => row.TryGet(name, out _));
        string key = column is null ? LabelOf(row) : row.Text(column);
        if (_numbers.TryGetValue(key, out int known))
        {
            return known;
        }

        int[][] ids = column is null
            ? [.. options.Templates.Select(template => IdsOf(row, template.Replace(ZeroShotClassifier.NamePlace, key, StringComparison.Ordinal)))]
            : [IdsOf(row, key)];
        _texts.Add(key);
        _ids.Add(ids);
        return _numbers[key] = _texts.Count - 1;
    }

    private string LabelOf(DataRow row)
    {
        string column = _context.Data.LabelColumn ?? _pictures.LabelColumns.FirstOrDefault(name => row.TryGet(name, out _))
            ?? throw row.Error(ErrorCodes.DatasetColumnMissing, $"there is neither a text nor a label; the row has {string.Join(", ", row.Columns)}", "Name the column of the text with 'data.textColumns'");
        return LabelSet.TextOf(row, column);
    }

    private int[] IdsOf(DataRow row, string text)
    {
        int[] ids = _context.Tokenizer.Tokenizer.Encode(text).Ids;
        return ids.Length <= _context.MaxLength
            ? ids
            : throw row.Error(ErrorCodes.DatasetRowInvalid, $"the text has {ids.Length} tokens, and the text tower reads {_context.MaxLength}", "Shorten it");
    }
}
