using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>
/// The weights of a model's blocks, cut down to a narrower body of the same kind: of each axis as many units are kept as fit, those with the largest
/// sums of absolute weights.
/// </summary>
/// <remarks>
/// Channels of the residual stream are the same in all blocks, so one choice of them serves all axes of the model's width; units within a block are
/// chosen for each block. Axes that hold several parts of the width (a joint projection of query, key and value) keep the same channels of each.
/// </remarks>
internal sealed class PrunedWeights : WeightSource
{
    private const string Root = "ladder.";

    private readonly Dictionary<string, Parameter> _parameters;
    private readonly Dictionary<(int Depth, int Size), double[]> _importance = [];
    private readonly Backend _backend;
    private readonly int _width;
    private readonly int _narrow;

    /// <summary>Measures a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="narrow">The width to cut it down to.</param>
    public PrunedWeights(TextModel model, int narrow)
    {
        (_width, _narrow, _backend) = (model.Backbone.Width, narrow, model.Backend);
        _parameters = model.Backbone.Parameters().Where(parameter => parameter.Depth > 0).ToDictionary(parameter => parameter.Name, StringComparer.Ordinal);
        foreach (Parameter parameter in _parameters.Values.Where(parameter => parameter.Base.Shape.Rank == 2))
        {
            (int rows, int columns) = (parameter.Base.Shape[0], parameter.Base.Shape[1]);
            float[] values = parameter.Base.ToArray();
            (double[] ofRows, double[] ofColumns) = (ImportanceOf(parameter.Depth, rows), ImportanceOf(parameter.Depth, columns));
            for (int i = 0; i < values.Length; i++)
            {
                ofRows[i / columns] += Math.Abs(values[i]);
                ofColumns[i % columns] += Math.Abs(values[i]);
            }
        }
    }

    /// <inheritdoc/>
    public override bool Has(string name) => _parameters.ContainsKey(name[Root.Length..]);

    /// <inheritdoc/>
    public override Tensor Take(string name, Shape shape, Initializer initializer, bool mayBeNew)
    {
        string inner = name[Root.Length..];
        if (_parameters.TryGetValue(inner, out Parameter? parameter))
        {
            return Cut(parameter, shape);
        }

        // Into the network the kept channels are picked, out of it they are put back; all else (gates, tables that are never read) starts at 0.
        Tensor tensor = Initializer.Zeros.Create(shape, 0, name, _backend);
        bool into = inner.StartsWith("down.", StringComparison.Ordinal);
        if (into || inner.StartsWith("up.", StringComparison.Ordinal))
        {
            float[] values = new float[shape.Count];
            int[] kept = Kept(0, _width, _narrow);
            for (int i = 0; i < kept.Length; i++)
            {
                values[into ? (i * _width) + kept[i] : (kept[i] * _narrow) + i] = 1f;
            }

            _backend.CopyFromHost(values, tensor);
        }

        return tensor;
    }

    private Tensor Cut(Parameter parameter, Shape shape)
    {
        bool isMatrix = shape.Rank == 2;
        int columns = isMatrix ? parameter.Base.Shape[1] : 1;
        int[] keptRows = Kept(parameter.Depth, parameter.Base.Shape[0], shape[0]);
        int[] keptColumns = isMatrix ? Kept(parameter.Depth, columns, shape[1]) : [0];
        float[] values = parameter.Base.ToArray();
        float[] cut = [.. keptRows.SelectMany(row => keptColumns.Select(column => values[(row * columns) + column]))];
        Tensor tensor = Tensor.CreateLongLived(shape, DType.F32, _backend);
        _backend.CopyFromHost(cut, tensor);
        return tensor;
    }

    // Rising, so that neighbours (the two halves of a rotary pair, units of one head) stay in order.
    private int[] Kept(int depth, int size, int count)
    {
        int parts = size / _width;
        if (parts > 1 && size % _width == 0 && count == parts * _narrow)
        {
            int[] channels = Kept(depth, _width, _narrow);
            return [.. Enumerable.Range(0, parts).SelectMany(part => channels.Select(channel => (part * _width) + channel))];
        }

        double[] importance = ImportanceOf(depth, size);
        return [.. Enumerable.Range(0, size).OrderByDescending(unit => importance[unit]).ThenBy(unit => unit).Take(count).Order()];
    }

    private double[] ImportanceOf(int depth, int size)
    {
        (int, int) key = (size == _width ? 0 : depth, size);
        return _importance.TryGetValue(key, out double[]? sums) ? sums : _importance[key] = new double[size];
    }
}
