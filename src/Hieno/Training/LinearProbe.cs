using System.ComponentModel.DataAnnotations;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Objectives;
using Hieno.Optimizers;
using Hieno.Tensors;

namespace Hieno.Training;

/// <summary>Settings of <see cref="LinearProbe"/>: under <c>training.probe</c> of a recipe.</summary>
public sealed record ProbeOptions
{
    /// <summary>How many strengths C are tried, evenly spaced in the logarithm from 1e-7 (strongest pull to 0) to 100. Default 100.</summary>
    [Range(1, 10_000)]
    public int Strengths { get; init; } = 100;

    /// <summary>The most steps of L-BFGS for each strength; each begins where the last one ended. Default 200.</summary>
    [Range(1, 100_000)]
    public int Iterations { get; init; } = 200;
}

/// <summary>
/// The first phase of LP-FT: the output layer is fitted to the frozen body's features by logistic regression, so that fine-tuning starts from
/// the best linear probe and not from a random layer, whose first gradients would distort the features.
/// </summary>
/// <remarks>
/// Kumar et al. 2022, <see href="https://arxiv.org/abs/2202.10054"/>, section 3.3, with the sweep of its code: minimise C·Σ cross-entropy + ½‖W‖² (offsets
/// are free) for each C, and take the C of the best accuracy on the validation rows, the smallest of equal ones.
/// </remarks>
internal sealed class LinearProbe
{
    private const double LeastStrength = 1e-7;
    private const double MostStrength = 100;

    private readonly ProbeOptions _options;
    private readonly PretrainedModel _model;
    private readonly IObjective _objective;
    private readonly Linear _output;

    /// <summary>Finds the output layer; changes nothing.</summary>
    /// <exception cref="TrainingException">The task does not classify rows, or has no linear output layer of its own.</exception>
    public LinearProbe(ProbeOptions options, PretrainedModel model, IObjective objective)
    {
        const string Who = "training.probe";
        if (objective is not Classification)
        {
            throw new TrainingException(ErrorCodes.RecipeSettingsConflict, Who, "a linear probe needs one label for each row", "Set 'task: classification', or take 'training.probe' out");
        }

        _output = HeadInputs.OutputLayer(model)
            ?? throw new TrainingException(ErrorCodes.RecipeSettingsConflict, Who, $"the head of this model ({model.Config.ModelType}) does not end in a linear layer", "Take 'training.probe' out");
        (_options, _model, _objective) = (options, model, objective);
    }

    /// <summary>Fits the output layer.</summary>
    /// <param name="train">The rows it is fitted to.</param>
    /// <param name="validation">The rows by which the strength is chosen.</param>
    /// <param name="batchSize">Rows that go through the body together.</param>
    /// <param name="seed">The seed of the run.</param>
    /// <returns>What it found, in words.</returns>
    public string Fit(IReadOnlyList<Example> train, IReadOnlyList<Example> validation, int batchSize, ulong seed)
    {
        (Tensor features, int[] classes) = Read(train, batchSize, seed);
        (Tensor held, int[] heldClasses) = Read(validation, batchSize, seed);
        var regression = new LogisticRegression(features, classes, _output.Out, hasOffset: _output.Bias is not null);
        double[] weights = new double[regression.Size];
        (double Accuracy, double Strength, float[] Weights) best = (-1, 0, []);
        for (int i = 0; i < _options.Strengths; i++)
        {
            double strength = _options.Strengths == 1 ? 1 : LeastStrength * Math.Pow(MostStrength / LeastStrength, i / (_options.Strengths - 1.0));
            regression.Fit(weights, strength, _options.Iterations);
            double accuracy = regression.Accuracy(weights, held, heldClasses);
            if (accuracy > best.Accuracy)
            {
                best = (accuracy, strength, Array.ConvertAll(weights, value => (float)value));
            }
        }

        Write(best.Weights);
        return FormattableString.Invariant($"the output layer starts from a linear probe on {features.Columns} features of {train.Count} rows: strength {best.Strength:g3}, accuracy {best.Accuracy:0.0000} on the validation rows");
    }

    // What the output layer is given for each row, [rows, in], and the rows' classes.
    private (Tensor Features, int[] Classes) Read(IReadOnlyList<Example> examples, int batchSize, ulong seed) =>
        (HeadInputs.Read(_model, _output, _objective, examples, batchSize, seed), [.. examples.Select(example => example.Class)]);

    // W as the layer stores it, [out, in] or [in, out], then the offset.
    private void Write(float[] weights)
    {
        (int classes, int inputs) = (_output.Out, _output.In);
        float[] w = weights[..(classes * inputs)];
        if (_output.Transposed)
        {
            float[] rows = w;
            w = [.. Enumerable.Range(0, rows.Length).Select(i => rows[(i % classes * inputs) + (i / classes)])];
        }

        _output.Weight.MakeWritable();
        _output.Weight.Value.Backend.CopyFromHost(w, _output.Weight.Value);
        if (_output.Bias is { } bias)
        {
            bias.MakeWritable();
            bias.Value.Backend.CopyFromHost(weights.AsSpan(w.Length), bias.Value);
        }
    }
}
