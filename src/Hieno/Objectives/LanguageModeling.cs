using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Objectives;

/// <summary>What all objectives that predict tokens share: the loss over labelled positions, and its statistics.</summary>
public abstract class LanguageModeling : IObjective
{
    /// <inheritdoc/>
    public HeadChoice Head => HeadChoice.Language;

    /// <inheritdoc/>
    public IReadOnlyList<string> DefaultMetrics => ["loss", "perplexity", "token-accuracy"];

    /// <summary>What <see cref="Prepare"/> was given.</summary>
    protected ObjectiveContext Context { get; private set; } = null!;

    /// <inheritdoc/>
    public virtual void Prepare(ObjectiveContext context, IReadOnlyList<DataRow> train) => Context = context;

    /// <inheritdoc/>
    public abstract IReadOnlyList<Example> Encode(IReadOnlyList<DataRow> rows, ICollection<DatasetException> invalid);

    /// <inheritdoc/>
    public virtual Batch Collate(IReadOnlyList<Example> examples, Rng rng, ulong draw) => NextTokenBatch(examples);

    /// <inheritdoc/>
    public virtual bool ReadsRowsAsTheyAre => true;

    /// <inheritdoc/>
    public double TargetWeight(Batch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return batch.TargetWeight();
    }

    /// <inheritdoc/>
    public Tensor Loss(PretrainedModel model, Batch batch, float scale) => Loss(model, batch, scale, null);

    /// <inheritdoc/>
    public IPredictionCollector Collect() => new Collector();

    /// <inheritdoc/>
    public void Describe(JsonObject config)
    {
        // A language model's configuration says all there is to know.
    }

    /// <summary>A batch in which each position predicts the token after it in its row; a row's last position predicts nothing, so rows never leak into each other.</summary>
    protected internal static Batch NextTokenBatch(IReadOnlyList<Example> examples)
    {
        ArgumentNullException.ThrowIfNull(examples);
        int count = examples.Sum(example => example.Ids.Length);
        int[] ids = new int[count];
        int[] labels = new int[count];
        float[]? weights = examples.Any(example => example.TokenWeights is not null) ? new float[count] : null;
        int start = 0;
        foreach (Example example in examples)
        {
            int length = example.Ids.Length;
            example.Ids.CopyTo(ids, start);
            for (int i = 0; i < length; i++)
            {
                labels[start + i] = i + 1 < length ? example.TokenLabels![i + 1] : Example.Ignore;
                if (weights is not null)
                {
                    weights[start + i] = i + 1 < length ? example.TokenWeights?[i + 1] ?? 1f : 0f;
                }
            }

            start += length;
        }

        return new Batch(examples, ids, labels, weights);
    }

    private static Tensor Loss(PretrainedModel model, Batch batch, float scale, TokenLossStatistics? statistics)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batch);
        TextModel text = model as TextModel ?? throw new InvalidOperationException("Predicting tokens reads text, and this model reads pictures.");
        var head = text.LanguageHead ?? throw new InvalidOperationException("Predicting tokens needs a model that was opened with HeadChoice.Language.");

        // The last block, the last normalisation and the head compute only the positions that are learned.
        (int[] rows, int[] labels, float[]? weights) = LabelledRows(batch);
        Tensor loss = head.Loss(text.Backbone.Forward(batch.Tokens, rows), labels, weights, scale, statistics);
        float share = scale * (weights?.Sum() ?? labels.Length); // of the step's weight
        return text.Backbone.AuxiliaryLoss(batch.Tokens, share) is var extra and not 0f ? Ops.Add(loss, Tensor.FromValues([1], [extra], loss.Backend)) : loss;
    }

    private static (int[] Rows, int[] Labels, float[]? Weights) LabelledRows(Batch batch)
    {
        int[] rows = [.. Enumerable.Range(0, batch.Labels.Length).Where(i => batch.Labels[i] != Example.Ignore)];
        return (rows, Array.ConvertAll(rows, i => batch.Labels[i]), batch.Weights is { } weights ? Array.ConvertAll(rows, i => weights[i]) : null);
    }

    private sealed class Collector : IPredictionCollector
    {
        private readonly TokenLossStatistics _statistics = new();

        public void Add(PretrainedModel model, Batch batch)
        {
            using Tape tape = Tape.Begin(record: false, backend: model.Backend);
            if (batch.TargetWeight() > 0)
            {
                Loss(model, batch, 1f, _statistics);
            }
        }

        public Predictions Result() => TokenPredictions.FromTotals(_statistics.NegativeLogLikelihood, _statistics.Tokens, _statistics.Correct);
    }
}
