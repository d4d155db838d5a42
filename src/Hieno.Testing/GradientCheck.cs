using System.Globalization;
using Hieno.Tensors;

namespace Hieno.Testing;

/// <summary>Settings of <see cref="GradientCheck"/>.</summary>
public sealed record GradientCheckOptions
{
    /// <summary>
    /// Half the distance between the inner two of the four points of the difference quotient, for values up to 1; it grows with larger
    /// values. Default 1/64: large enough that rounding to single precision does not show, and the quotient's own error is of order step⁴.
    /// </summary>
    public float Step { get; init; } = 1f / 64;

    /// <summary>The largest error allowed, relative to the gradient; see <see cref="GradientReport.Error"/>. Default 1e-3.</summary>
    public double Tolerance { get; init; } = 1e-3;

    /// <summary>At most this many elements of each tensor are checked, evenly spread. Default 100.</summary>
    public int ElementsPerTensor { get; init; } = 100;

    /// <summary>Makes the source of dropout masks for one evaluation, always the same; null (default) leaves dropout off.</summary>
    public Func<DropoutSource>? Dropout { get; init; }
}

/// <summary>The element whose analytic and numeric derivatives differ most.</summary>
/// <param name="Name">The tensor.</param>
/// <param name="Index">The element, row by row.</param>
/// <param name="Analytic">The derivative that the backward pass gave.</param>
/// <param name="Numeric">The difference quotient.</param>
/// <param name="Error">|analytic − numeric| divided by the larger of the two and of a tenth of the tensor's largest derivative.</param>
public sealed record GradientReport(string Name, long Index, double Analytic, double Numeric, double Error)
{
    /// <summary>One line with the name and both values.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Name}, element {Index}: analytic {Analytic:g7}, numeric {Numeric:g7}, relative error {Error:g3}");
}

/// <summary>The backward pass does not give the derivative of the forward pass.</summary>
public sealed class GradientMismatchException(GradientReport worst, double tolerance) : Exception(
    string.Create(CultureInfo.InvariantCulture, $"GradientCheck: {worst}, allowed {tolerance:g3}. Check the backward pass with respect to {worst.Name}."))
{
    /// <summary>The worst element.</summary>
    public GradientReport Worst { get; } = worst;
}

/// <summary>
/// Compares the gradients of the backward pass with central differences of fourth order. A result of several numbers is summed with
/// fixed random weights first, so that errors in different places cannot cancel.
/// </summary>
public static class GradientCheck
{
    private const double SmallestScale = 1e-4; // below it a single-precision difference quotient is noise

    /// <summary>Checks and throws where a gradient is wrong.</summary>
    /// <param name="function">Computes a tensor of any shape from <paramref name="inputs"/>, the same whenever it is called.</param>
    /// <param name="inputs">The tensors to differentiate by, with names for the message; long-lived, contiguous, 32-bit.</param>
    /// <exception cref="GradientMismatchException">Some derivative is off by more than the default tolerance.</exception>
    public static void Verify(Func<Tensor> function, params IReadOnlyList<(string Name, Tensor Tensor)> inputs) =>
        Verify(new GradientCheckOptions(), function, inputs);

    /// <inheritdoc cref="Verify(Func{Tensor}, IReadOnlyList{ValueTuple{string, Tensor}})"/>
    /// <param name="options">Step, tolerance and dropout.</param>
    /// <param name="function">Computes a tensor of any shape from <paramref name="inputs"/>, the same whenever it is called.</param>
    /// <param name="inputs">The tensors to differentiate by, with names for the message; long-lived, contiguous, 32-bit.</param>
    public static void Verify(GradientCheckOptions options, Func<Tensor> function, params IReadOnlyList<(string Name, Tensor Tensor)> inputs)
    {
        ArgumentNullException.ThrowIfNull(options);
        GradientReport worst = Measure(options, function, inputs);
        if (!(worst.Error <= options.Tolerance))
        {
            throw new GradientMismatchException(worst, options.Tolerance);
        }
    }

    /// <summary>Finds the element whose analytic and numeric derivatives differ most. Content and flags of the inputs are as before afterwards.</summary>
    /// <param name="options">Step and dropout.</param>
    /// <param name="function">Computes a tensor of any shape from <paramref name="inputs"/>, the same whenever it is called.</param>
    /// <param name="inputs">The tensors to differentiate by.</param>
    /// <exception cref="ArgumentException">There is no input, or one is not contiguous or not 32-bit.</exception>
    /// <exception cref="InvalidOperationException">The result does not depend on the inputs.</exception>
    public static GradientReport Measure(
        GradientCheckOptions options, Func<Tensor> function, params IReadOnlyList<(string Name, Tensor Tensor)> inputs)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(inputs);
        if (inputs.Count == 0)
        {
            throw new ArgumentException("GradientCheck: no tensor to differentiate by was given.", nameof(inputs));
        }

        foreach ((string name, Tensor tensor) in inputs)
        {
            if (tensor.DType != DType.F32 || !tensor.IsContiguous)
            {
                throw new ArgumentException($"GradientCheck: {name} is {tensor}; only contiguous 32-bit tensors can be varied.", nameof(inputs));
            }
        }

        float[][] analytic = Analytic(options, function, inputs);
        GradientReport? worst = null;
        for (int i = 0; i < inputs.Count; i++)
        {
            foreach (GradientReport report in Compare(options, function, inputs[i].Name, inputs[i].Tensor, analytic[i]))
            {
                // A NaN counts as the worst there can be.
                if (worst is null || double.IsNaN(report.Error) || report.Error > worst.Error)
                {
                    worst = report;
                }

                if (double.IsNaN(report.Error))
                {
                    return report;
                }
            }
        }

        return worst ?? new GradientReport(inputs[0].Name, 0, 0, 0, 0); // all tensors were empty
    }

    private static float[][] Analytic(GradientCheckOptions options, Func<Tensor> function, IReadOnlyList<(string Name, Tensor Tensor)> inputs)
    {
        bool[] flags = [.. inputs.Select(input => input.Tensor.NeedsGrad)];
        foreach ((_, Tensor tensor) in inputs)
        {
            tensor.NeedsGrad = true;
            if (tensor.Grad is { } old)
            {
                old.Backend.Fill(old, 0f); // so that a tensor that is not reached counts as zero
                tensor.ClearGrad();
            }
        }

        using (var tape = Tape.Begin(dropout: options.Dropout?.Invoke(), backend: inputs[0].Tensor.Backend))
        {
            Tensor y = function();
            tape.Backward(Ops.Sum(Ops.Mul(y, Weights(y))));
        }

        var gradients = new float[inputs.Count][];
        for (int i = 0; i < inputs.Count; i++)
        {
            Tensor tensor = inputs[i].Tensor;
            tensor.NeedsGrad = flags[i];
            gradients[i] = tensor.Grad?.ToArray() ?? new float[tensor.Count];
            tensor.ClearGrad();
        }

        return gradients;
    }

    private static List<GradientReport> Compare(
        GradientCheckOptions options, Func<Tensor> function, string name, Tensor tensor, float[] analytic)
    {
        float[] values = tensor.ToArray();
        int count = (int)Math.Min(values.Length, options.ElementsPerTensor);
        var numeric = new (int Index, double Value)[count];
        for (int i = 0; i < count; i++)
        {
            int index = (int)((long)i * values.Length / count);
            numeric[i] = (index, Slope(options, function, tensor, values, index));
        }

        double largest = numeric.Length == 0 ? 0 : numeric.Max(n => Math.Abs(n.Value));
        var reports = new List<GradientReport>();
        foreach ((int index, double slope) in numeric)
        {
            double scale = Math.Max(Math.Max(Math.Abs(analytic[index]), Math.Abs(slope)), Math.Max(largest / 10, SmallestScale));
            reports.Add(new GradientReport(name, index, analytic[index], slope, Math.Abs(analytic[index] - slope) / scale));
        }

        return reports;
    }

    // (f(x − 2h) − 8·f(x − h) + 8·f(x + h) − f(x + 2h)) / 12h, with h a power of two, so that x ± h are nearly exact.
    private static double Slope(GradientCheckOptions options, Func<Tensor> function, Tensor tensor, float[] values, int index)
    {
        float original = values[index];
        double size = Math.Max(1, Math.Abs(original));
        float h = options.Step * (float)Math.Pow(2, Math.Floor(Math.Log2(size)));
        double At(float x)
        {
            values[index] = x;
            tensor.Backend.CopyFromHost(values, tensor);
            return Evaluate(options, function, tensor.Backend);
        }

        try
        {
            return (At(original - (2 * h)) - (8 * At(original - h)) + (8 * At(original + h)) - At(original + (2 * h))) / (12 * h);
        }
        finally
        {
            values[index] = original;
            tensor.Backend.CopyFromHost(values, tensor);
        }
    }

    // The weighted sum in double precision: its rounding must not hide the small change.
    private static double Evaluate(GradientCheckOptions options, Func<Tensor> function, Backend backend)
    {
        using var tape = Tape.Begin(record: false, dropout: options.Dropout?.Invoke(), backend: backend);
        Tensor y = function();
        float[] values = y.ToArray();
        float[] weights = WeightValues(values.Length);
        double sum = 0;
        for (int i = 0; i < values.Length; i++)
        {
            sum += (double)values[i] * weights[i];
        }

        return sum;
    }

    private static Tensor Weights(Tensor y) => Tensor.FromValues(y.Shape, WeightValues(y.Count), y.Backend);

    private static float[] WeightValues(long count)
    {
        float[] weights = new float[count];
        if (count == 1)
        {
            weights[0] = 1f; // a loss: its own derivative is what the message should show
        }
        else
        {
            new Rng(1, RngStream.Initialization).FillUniform(weights, 0.5f, 1.5f, step: 0);
            for (int i = 0; i < weights.Length; i++)
            {
                weights[i] *= (i * 7 % 3) == 0 ? -1f : 1f; // both signs, or a constant shift of y would not show
            }
        }

        return weights;
    }
}
