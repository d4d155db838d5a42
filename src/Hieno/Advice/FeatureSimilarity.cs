using Hieno.Data;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Models.Layers;
using Hieno.Objectives;
using Hieno.Tensors;
using Hieno.Training;

namespace Hieno.Advice;

/// <summary>How well the frozen base's features separate the labels, or give the numbers, of a sample of the rows.</summary>
/// <remarks>
/// A linear probe as in Kumar et al. 2022 (<see href="https://arxiv.org/abs/2202.10054"/>), by ridge regression. That its score stands for similarity, and
/// how it is scaled, is Hieno's own rule.
/// </remarks>
internal static class FeatureSimilarity
{
    private const int MostRows = 500;
    private const int BatchSize = 16;

    /// <summary>Measures a sample of the rows.</summary>
    /// <param name="model">The base model, with the task's head.</param>
    /// <param name="objective">What is learned of each row.</param>
    /// <param name="train">The training rows; a sample of them is read.</param>
    /// <param name="seed">The seed of the sample and of the folds.</param>
    public static Similarity Measure(PretrainedModel model, RowModeling objective, IReadOnlyList<Example> train, ulong seed)
    {
        Example[] rows = [.. new Rng(seed, RngStream.Split).Permutation(train.Count, 4).Take(MostRows).Select(i => train[i])];
        double[][] targets = [.. rows.Select(row => TargetsOf(row, HeadInputs.OutputsOf(model.Head)))];
        bool isClass = objective is Classification;
        Func<double[][], double> judge = isClass ? predicted => Accuracy(predicted, rows) : predicted => RSquared(predicted, targets);
        (float[][] means, float[][] read) = Features(model, objective, rows, seed);
        double byMeans = RidgeProbe.Score(means, targets, judge, seed);
        double byRead = RidgeProbe.Score(read, targets, judge, seed);
        double guess = isClass ? rows.GroupBy(row => row.Class).Max(group => group.Count()) / (double)rows.Length : 0;
        double score = Math.Clamp((Math.Max(byMeans, byRead) - guess) / Math.Max(1e-9, 1 - guess), 0, 1);
        return new Similarity(score, isClass
            ? FormattableString.Invariant($"a linear probe on the frozen base is right for {byMeans:0.00} of {rows.Length} rows from the mean of a row's vectors and for {byRead:0.00} from what the output layer reads; always guessing the commonest label is for {guess:0.00}")
            : FormattableString.Invariant($"a linear probe on the frozen base explains {Math.Max(0, byMeans):0.00} of the variance over {rows.Length} rows from the mean of a row's vectors and {Math.Max(0, byRead):0.00} from what the output layer reads"));
    }

    private static double[] TargetsOf(Example row, int outputs) => row.Targets is { } numbers
        ? Array.ConvertAll(numbers, number => (double)number)
        : [.. Enumerable.Range(0, outputs).Select(i => i == row.Class ? 1.0 : 0.0)];

    private static double Accuracy(double[][] predicted, Example[] rows) =>
        predicted.Zip(rows).Count(pair => Array.IndexOf(pair.First, pair.First.Max()) == pair.Second.Class) / (double)rows.Length;

    // The mean over the outputs that vary.
    private static double RSquared(double[][] predicted, double[][] truth)
    {
        var scores = new List<double>();
        for (int output = 0; output < truth[0].Length; output++)
        {
            int k = output;
            double mean = truth.Average(row => row[k]);
            double spread = truth.Sum(row => (row[k] - mean) * (row[k] - mean));
            if (spread > 0)
            {
                scores.Add(1 - (truth.Zip(predicted).Sum(pair => (pair.First[k] - pair.Second[k]) * (pair.First[k] - pair.Second[k])) / spread));
            }
        }

        return scores.Count == 0 ? 0 : scores.Average();
    }

    private static (float[][] Means, float[][] Read) Features(PretrainedModel model, IObjective objective, Example[] rows, ulong seed)
    {
        var means = new List<float[]>(rows.Length);
        foreach (Batch batch in Evaluation.Batches(objective, rows, BatchSize, seed))
        {
            using Tape tape = Tape.Begin(record: false, backend: model.Backend);
            (Tensor hidden, int[] starts) = BodyOf(model, batch);
            means.AddRange(RowsOf(Ops.SegmentMean(hidden, [.. starts, hidden.Rows])));
        }

        Linear? output = HeadInputs.OutputLayer(model);
        float[][] read = output is null ? [.. means] : [.. RowsOf(HeadInputs.Read(model, output, objective, rows, BatchSize, seed))];
        return ([.. means], read);
    }

    // The body's vectors, and at which of them each row begins: a text's tokens, a picture's places.
    private static (Tensor Hidden, int[] Starts) BodyOf(PretrainedModel model, Batch batch)
    {
        if (model is TextModel text)
        {
            return (text.Backbone.Forward(batch.Tokens), batch.Tokens.FirstTokens());
        }

        Tensor features = ((VisionModel)model).Backbone.Forward(batch.Images);
        Tensor hidden = Ops.Reshape(features, [features.Rows, features.Columns]);
        return (hidden, [.. Enumerable.Range(0, batch.Images.Count).Select(i => i * (hidden.Rows / batch.Images.Count))]);
    }

    private static IEnumerable<float[]> RowsOf(Tensor x) => x.ToArray().Chunk(x.Columns);
}
