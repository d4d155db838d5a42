using Hieno.Optimizers;
using Hieno.Tensors;

namespace Hieno.Training;

/// <summary>Multinomial logistic regression with a penalty on the weights, W [classes, features] and offsets [classes] in one vector.</summary>
/// <param name="features">x, [rows, features].</param>
/// <param name="classes">y, a class for each row.</param>
/// <param name="classCount">Number of classes.</param>
/// <param name="hasOffset">Whether there are offsets; they are not penalised.</param>
internal sealed class LogisticRegression(Tensor features, int[] classes, int classCount, bool hasOffset)
{
    private readonly Tensor _weight = Tensor.CreateLongLived([classCount, features.Columns], DType.F32, features.Backend);
    private readonly Tensor? _offset = hasOffset ? Tensor.CreateLongLived([classCount], DType.F32, features.Backend) : null;

    /// <summary>How many numbers are fitted.</summary>
    public int Size => (classCount * features.Columns) + (hasOffset ? classCount : 0);

    /// <summary>Minimises Σ cross-entropy / N + ‖W‖² / (2·C·N), which has its minimum where C·Σ cross-entropy + ½‖W‖² has.</summary>
    /// <param name="weights">Where to begin; holds the result.</param>
    /// <param name="strength">C.</param>
    /// <param name="iterations">The most steps.</param>
    public void Fit(double[] weights, double strength, int iterations) =>
        Lbfgs.Minimise(weights, (w, gradient) => Loss(w, gradient, 1 / (strength * classes.Length)), iterations);

    /// <summary>Share of rows whose largest output is that of their class.</summary>
    public double Accuracy(double[] weights, Tensor rows, int[] truth)
    {
        Put(weights);
        using Tape tape = Tape.Begin(record: false, backend: features.Backend);
        float[] outputs = Ops.Linear(rows, _weight, _offset).ToArray();
        int right = truth.Where((expected, row) => outputs.AsSpan(row * classCount, classCount) is var scores && IndexOfMax(scores) == expected).Count();
        return (double)right / truth.Length;
    }

    // The engine differentiates; the penalty and the search are in double precision.
    private double Loss(double[] weights, double[] gradient, double penalty)
    {
        Put(weights);
        _weight.NeedsGrad = true;
        if (_offset is not null)
        {
            _offset.NeedsGrad = true;
        }

        double loss;
        using (Tape tape = Tape.Begin(record: true, backend: features.Backend))
        {
            Tensor mean = Ops.CrossEntropy(Ops.Linear(features, _weight, _offset), classes, null, 1f / classes.Length);
            tape.Backward(mean);
            loss = mean.Item();
        }

        float[] dw = _weight.Grad!.ToArray();
        double squares = 0;
        for (int i = 0; i < dw.Length; i++)
        {
            squares += weights[i] * weights[i];
            gradient[i] = dw[i] + (penalty * weights[i]);
        }

        float[] db = _offset?.Grad!.ToArray() ?? [];
        for (int i = 0; i < db.Length; i++)
        {
            gradient[dw.Length + i] = db[i];
        }

        _weight.ClearGrad();
        _offset?.ClearGrad();
        return loss + (penalty / 2 * squares);
    }

    private void Put(double[] weights)
    {
        float[] values = Array.ConvertAll(weights, value => (float)value);
        int matrix = classCount * features.Columns;
        _weight.Backend.CopyFromHost(values.AsSpan(0, matrix), _weight);
        _offset?.Backend.CopyFromHost(values.AsSpan(matrix), _offset);
    }

    private static int IndexOfMax(ReadOnlySpan<float> scores)
    {
        int best = 0;
        for (int i = 1; i < scores.Length; i++)
        {
            best = scores[i] > scores[best] ? i : best;
        }

        return best;
    }
}
