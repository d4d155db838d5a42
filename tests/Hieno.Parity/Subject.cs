using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Heads;
using Hieno.Models.Layers;
using Hieno.Models.Vision;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Parity;

/// <summary>Our model of a fixture, and the losses by which the reference trains it.</summary>
internal sealed class Subject
{
    private readonly Fixture _fixture;

    private Subject(Fixture fixture, PretrainedModel model) => (_fixture, Model) = (fixture, model);

    /// <summary>The model.</summary>
    public PretrainedModel Model { get; }

    /// <summary>The model, of a fixture of text.</summary>
    public TextModel Text => (TextModel)Model;

    /// <summary>The model, of a fixture of pictures.</summary>
    public VisionModel Vision => (VisionModel)Model;

    /// <summary>What an adapter's method does in each step beside the optimizer, or null; its term belongs to the loss.</summary>
    public StepRule? Rule { get; set; }

    /// <summary>Loads the fixture's checkpoint.</summary>
    /// <param name="fixture">The fixture.</param>
    /// <param name="config">Settings to read in place of its <c>config.json</c>, or null.</param>
    public static Subject Load(Fixture fixture, ModelConfig? config = null)
    {
        if (fixture.Task == FixtureTask.ImageClassification)
        {
            var vision = VisionModel.Load(fixture.Folder, fixture.Outputs, config: config);
            foreach (BatchNorm norm in vision.Modules().OfType<BatchNorm>())
            {
                norm.ReadsBatch = true; // the references' training does, whatever is frozen
            }

            return new Subject(fixture, ThrowIfNew(fixture, vision));
        }

        HeadChoice head = fixture.Task == FixtureTask.Classification ? HeadChoice.Classification(fixture.Outputs) : HeadChoice.Language;
        var model = TextModel.Load(fixture.Folder, head, config: config);
        return new Subject(fixture, ThrowIfNew(fixture, model));
    }

    /// <summary>Logits of each token, or of each row for a classifier.</summary>
    public float[] Logits(FixtureBatch batch)
    {
        using var tape = Tape.Begin(record: false);
        Tensor logits = _fixture.Task switch
        {
            FixtureTask.ImageClassification => Vision.Classify(batch.Images!),
            FixtureTask.Classification => Text.Classify(batch.Tokens),
            _ => Text.Logits(batch.Tokens),
        };
        return logits.ToArray();
    }

    /// <summary>The loss, recorded on the open tape if it records.</summary>
    public Tensor Loss(FixtureBatch batch)
    {
        if (_fixture.Task is FixtureTask.Classification or FixtureTask.ImageClassification)
        {
            return RowLoss(batch.Images is { } images ? Vision.Classify(images) : Text.Classify(batch.Tokens), batch);
        }

        VocabularyHead head = Text.LanguageHead!;
        int targets = batch.Labels.Count(label => label != Ops.IgnoredLabel);
        Tensor loss = head.Loss(Text.Backbone.Forward(batch.Tokens), batch.Labels, scale: 1f / targets);
        return Ops.Add(loss, Tensor.FromValues([1], [Text.Backbone.AuxiliaryLoss(batch.Tokens, share: 1f)]));
    }

    /// <summary>Computes the gradients of <paramref name="parameters"/>, which must be all that are trainable, afresh.</summary>
    public void Differentiate(FixtureBatch batch, IReadOnlyList<Parameter> parameters)
    {
        foreach (Parameter parameter in parameters)
        {
            parameter.Value.ClearGrad();
        }

        using (Tape tape = Begin(record: true, _fixture.TrainsOnBatches))
        {
            tape.Backward(Loss(batch));
        }

        Rule?.AddGradient();
    }

    /// <summary>A step of training, or one whose statistics stay. The references drop nothing.</summary>
    public static Tape Begin(bool record, bool isTraining) =>
        Tape.Begin(record, dropout: isTraining ? new DropoutSource(new Rng(0, RngStream.Dropout), pass: 0) : null);

    private static PretrainedModel ThrowIfNew(Fixture fixture, PretrainedModel model) => model.NewlyInitialized.Count == 0
        ? model
        : throw new FixtureException($"{fixture.Folder}: the checkpoint does not hold {string.Join(", ", model.NewlyInitialized)}.");

    // The reference decides by problem_type and, where that is absent, by the number of outputs and the kind of labels.
    private Tensor RowLoss(Tensor logits, FixtureBatch batch)
    {
        string problem = _fixture.Config.GetString("problem_type", null)
            ?? (_fixture.Outputs == 1 ? "regression" : batch.LabelsAreWhole ? "single_label_classification" : "multi_label_classification");
        return problem switch
        {
            "single_label_classification" => Ops.CrossEntropy(logits, batch.Labels, scale: 1f / logits.Rows),
            "multi_label_classification" => Ops.BinaryCrossEntropy(logits, batch.Targets, scale: 1f / logits.Count),
            "regression" => Ops.MeanSquaredError(logits, batch.Targets, scale: 1f / logits.Count),
            _ => throw new FixtureException($"{_fixture.Folder}: problem_type '{problem}' is not known."),
        };
    }
}
