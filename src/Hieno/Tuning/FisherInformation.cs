using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>How much each element of a weight matters to what the model predicts: the diagonal of the empirical Fisher information.</summary>
public static class FisherInformation
{
    /// <summary>The file that a run leaves in its folder.</summary>
    public const string FileName = "fisher.safetensors";

    /// <summary>F = 1/N · Σ (∂ −log p(yₙ|xₙ) / ∂w)², one row at a time: the square of a batch's mean gradient is something else.</summary>
    /// <param name="parameters">The weights, trainable.</param>
    /// <param name="rows">How many rows N are used, from the first on.</param>
    /// <param name="loss">−log p of a row, computed on the open tape.</param>
    /// <returns>For each weight the information of its elements.</returns>
    /// <remarks>Sung et al. 2021, <see href="https://arxiv.org/abs/2111.09839"/>, equation 3.</remarks>
    public static float[][] Compute(IReadOnlyList<Parameter> parameters, int rows, Func<int, Tensor> loss)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(loss);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        double[][] sums = [.. parameters.Select(parameter => new double[parameter.Count])];
        for (int row = 0; row < rows; row++)
        {
            using (Tape tape = Tape.Begin(record: true, backend: parameters.Count > 0 ? parameters[0].Value.Backend : null))
            {
                tape.Backward(loss(row));
            }

            for (int p = 0; p < sums.Length; p++)
            {
                AddSquares(parameters[p].Value.Grad, sums[p]);
                parameters[p].Value.ClearGrad();
            }
        }

        return Array.ConvertAll(sums, sum => Array.ConvertAll(sum, value => (float)(value / rows)));
    }

    /// <summary>Writes the information of named weights, whole or not at all.</summary>
    public static void Save(string path, IReadOnlyList<Parameter> parameters, IReadOnlyList<float[]> information)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(information);
        Tensor[] tensors = [.. parameters.Select((parameter, i) =>
        {
            Tensor tensor = Tensor.CreateLongLived(parameter.Value.Shape);
            information[i].CopyTo(tensor.Span);
            return tensor;
        })];
        SafetensorsWriter.Write(path, parameters.Zip(tensors, (parameter, tensor) => WeightFiles.Item(parameter.Name, tensor)));
    }

    /// <summary>Reads what another run, or an earlier sitting of this one, left in its folder.</summary>
    /// <exception cref="CheckpointException">There is no such file, or it is of another model.</exception>
    public static float[][] Read(string folder, IReadOnlyList<Parameter> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        using CheckpointFiles files = CheckpointFiles.Open(Path.Combine(folder, FileName));
        return [.. parameters.Select(parameter => WeightFiles.Read(files, parameter.Name, parameter.Value.Shape).ToArray())];
    }

    private static void AddSquares(Tensor? grad, double[] sums)
    {
        if (grad is null)
        {
            return; // nothing of this row reaches the weight
        }

        float[] values = grad.ToArray();
        for (int i = 0; i < sums.Length; i++)
        {
            sums[i] += (double)values[i] * values[i];
        }
    }
}
