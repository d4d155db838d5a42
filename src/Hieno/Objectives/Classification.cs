using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Objectives;

/// <summary>Settings of <see cref="Classification"/>.</summary>
public sealed record ClassificationOptions : ObjectiveOptions
{
    /// <summary>Moves this share of each target's probability evenly to all classes (Szegedy et al. 2016). Default 0.</summary>
    [System.ComponentModel.DataAnnotations.Range(0.0, 0.99)]
    public double LabelSmoothing { get; init; }

    /// <inheritdoc/>
    public override IObjective Create() => new Classification(this);
}

/// <summary>Settings of <see cref="Classification"/> of pictures.</summary>
public sealed record ImageClassificationOptions : ObjectiveOptions
{
    /// <summary>Moves this share of each target's probability evenly to all classes (Szegedy et al. 2016). Default 0.</summary>
    [System.ComponentModel.DataAnnotations.Range(0.0, 0.99)]
    public double LabelSmoothing { get; init; }

    /// <inheritdoc/>
    public override IObjective Create() => new Classification(this);
}

/// <summary>Choosing one of several labels for each row, a text or a picture: cross-entropy over the classes.</summary>
public sealed class Classification : RowModeling
{
    private readonly float _smoothing;
    private LabelSet _labels = new([]);

    /// <summary>Learns the labels of texts.</summary>
    public Classification(ClassificationOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _smoothing = (float)options.LabelSmoothing;
    }

    /// <summary>Learns the labels of pictures.</summary>
    public Classification(ImageClassificationOptions options)
        : base(new PictureReader())
    {
        ArgumentNullException.ThrowIfNull(options);
        _smoothing = (float)options.LabelSmoothing;
    }

    /// <inheritdoc/>
    public override HeadChoice Head => new(Reader.Head, _labels.Count);

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultMetrics => ["accuracy", "macro-f1", "log-loss"];

    /// <summary>The labels.</summary>
    public LabelSet Labels => _labels;

    /// <inheritdoc/>
    public override void Prepare(ObjectiveContext context, IReadOnlyList<DataRow> train)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(train);
        base.Prepare(context, train);
        _labels = train.Count > 0 ? LabelSet.ForTraining(train, LabelsOf, context.Config) : LabelSet.FromConfig(context.Config);
        if (train.Count > 0 && _labels.Count == 0)
        {
            LabelSet.TextOf(train[0], LabelColumn(train[0])); // says what is wrong with it, as with all other rows
        }

        if (_labels.Count < 2)
        {
            string file = train.Count > 0 ? train[0].File : context.Config.Path;
            throw new DatasetException(ErrorCodes.DatasetRowInvalid, file, 0, 0, $"all rows have the same label '{string.Concat(_labels.Names)}'", "Give rows of at least two labels, or name their column with 'data.labelColumn'");
        }
    }

    /// <inheritdoc/>
    public override double TargetWeight(Batch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return batch.Examples.Count;
    }

    /// <inheritdoc/>
    public override Tensor Loss(PretrainedModel model, Batch batch, float scale)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batch);
        int[] classes = [.. batch.Examples.Select(example => example.Class)];
        return model.LossOfRows(
            batch, scale, (scores, factor) => batch.Mix?.CrossEntropy(scores, classes, factor, _smoothing) ?? Ops.CrossEntropy(scores, classes, null, factor, _smoothing));
    }

    /// <inheritdoc/>
    public override IPredictionCollector Collect() => new RowCollector((examples, scores) =>
        ClassPredictions.FromLogits([.. examples.Select(example => example.Class)], scores, _labels.Names));

    /// <inheritdoc/>
    public override void Describe(JsonObject config) => _labels.Describe(config, "single_label_classification");

    /// <inheritdoc/>
    protected override Example Label(DataRow row, Example example)
    {
        ArgumentNullException.ThrowIfNull(example);
        return example with { Class = _labels.IndexOf(LabelSet.TextOf(row, LabelColumn(row)), row) };
    }

    // A row without a label is reported when it is encoded, with all others.
    private string[] LabelsOf(DataRow row)
    {
        try
        {
            return [LabelSet.TextOf(row, LabelColumn(row))];
        }
        catch (DatasetException)
        {
            return [];
        }
    }
}
