using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Parity;

/// <summary>All parameters after three steps of AdamW on the same batch against the reference's: at most 2e-5 off.</summary>
/// <remarks>
/// The first step moves each weight by the learning rate in the direction of its gradient's sign, however small that gradient is. Where it
/// is rounding noise the sign is chance, so that such entries are left out.
/// </remarks>
internal static class AdamWCheck
{
    private const int Steps = 3;
    private const double LearningRate = 1e-3;
    private const double StatisticsLimit = 10 * LearningRate;
    private const double AbsoluteLimit = 2e-5;
    private const double NoiseEntry = 1e-6;

    /// <summary>Trains all parameters for three steps and compares them.</summary>
    public static Measurement Run(Fixture fixture, Subject subject)
    {
        Parameter[] parameters = [.. subject.Model.Parameters()];
        foreach (Parameter parameter in parameters)
        {
            parameter.Trainable = true;
        }

        Train(fixture.Batch, subject, parameters);
        return Worst("adamw", parameters.Select(p => (p, p.Name, p.Name)), fixture.Gradients, fixture.AfterAdamW);
    }

    /// <summary>
    /// The running statistics after these steps and one more look at the loss, which moves them, too: at most 1e-2 off. Offsets whose gradient is
    /// rounding noise move by the learning rate in a direction of chance, and what the next layer counts moves with them.
    /// </summary>
    public static Measurement Statistics(Fixture fixture, Subject subject)
    {
        subject.Differentiate(fixture.Batch, [.. subject.Model.Parameters()]);
        (double value, string? where) = (0, null);
        foreach (ModuleBuffer buffer in subject.Model.Buffers())
        {
            double difference = Difference.LargestAbsolute(buffer.Value.ToArray(), fixture.AfterAdamW.Floats(buffer.Name));
            (value, where) = difference <= value ? (value, where) : (difference, buffer.Name);
        }

        return new Measurement("statistics", value, StatisticsLimit, where);
    }

    /// <summary>Three steps with betas 0.9 and 0.999, epsilon 1e-8, and decay of every parameter.</summary>
    public static void Train(FixtureBatch batch, Subject subject, IReadOnlyList<Parameter> parameters, double learningRate = LearningRate, double weightDecay = 0.01)
    {
        Tensor[] means = [.. parameters.Select(parameter => Tensor.CreateLongLived(parameter.Value.Shape))];
        Tensor[] squares = [.. parameters.Select(parameter => Tensor.CreateLongLived(parameter.Value.Shape))];
        for (int step = 1; step <= Steps; step++)
        {
            subject.Differentiate(batch, parameters);
            var settings = new AdamWSettings { LearningRate = learningRate, WeightDecay = weightDecay, Step = step };
            for (int i = 0; i < parameters.Count; i++)
            {
                if (parameters[i].Value.Grad is { } gradient)
                {
                    Updates.AdamWStep(parameters[i].Value, gradient, means[i], squares[i], settings);
                }
            }
        }
    }

    /// <summary>The entry that is furthest from the reference's, among those whose gradient in the first step was more than noise.</summary>
    public static Measurement Worst(
        string check, IEnumerable<(Parameter Parameter, string GradientName, string ValueName)> parameters, TensorFile gradients, TensorFile values)
    {
        (double value, string? where) = (0, null);
        (Parameter Parameter, string GradientName, string ValueName)[] all = [.. parameters];
        double noise = GradientsCheck.NoiseNorm(all.Select(item => item.GradientName), gradients);
        foreach ((Parameter parameter, string gradientName, string valueName) in all)
        {
            if (!gradients.Has(gradientName))
            {
                continue;
            }

            float[] gradient = gradients.Floats(gradientName);
            if (Difference.Norm(gradient) < noise)
            {
                continue;
            }

            float[] expected = values.Floats(valueName);
            float[] actual = parameter.Value.ToArray();
            bool[] counts = Array.ConvertAll(gradient, entry => Math.Abs(entry) >= NoiseEntry);
            double difference = Difference.LargestAbsolute(Keep(actual, counts), Keep(expected, counts));
            if (!(difference <= value))
            {
                (value, where) = (difference, parameter.Name);
            }
        }

        return new Measurement(check, value, AbsoluteLimit, where);
    }

    private static float[] Keep(float[] values, bool[] counts) => [.. values.Where((_, i) => counts[i])];
}
