using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>
/// An LSTM that reads a table's rows in both directions; each row of the result holds what the two directions know there:
/// [i, f, g, o] = W·x + b + V·h + d; c ← σ(f)·c + σ(i)·tanh(g); h ← σ(o)·tanh(c).
/// </summary>
/// <remarks>Hochreiter and Schmidhuber 1997, with the gates in PyTorch's order, under PyTorch's names, from U(−1/√width, 1/√width).</remarks>
public sealed class PromptLstm : PromptEncoder
{
    private readonly PromptEncoder _below;
    private readonly int _count;
    private readonly int _width;
    private readonly float _dropout;
    private readonly Cell[][] _layers; // forward and backward

    /// <summary>Makes the layers.</summary>
    /// <param name="below">What the first layer reads.</param>
    /// <param name="count">Its rows.</param>
    /// <param name="inputs">Their width.</param>
    /// <param name="width">Width of each direction; the result is twice as wide.</param>
    /// <param name="layers">Number of layers.</param>
    /// <param name="dropout">Probability of dropping a number between two layers.</param>
    /// <param name="seed">The seed of the run.</param>
    public PromptLstm(PromptEncoder below, int count, int inputs, int width, int layers, float dropout, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(below);
        (_below, _count, _width, _dropout) = (below, count, width, dropout);
        Backend backend = below.Parameters[0].Value.Backend;
        var start = Initializer.Uniform(1f / MathF.Sqrt(width));
        Parameter Create(string name, Shape shape) => Weight($"lstm_head.{name}", start.Create(shape, seed, $"prompt_encoder.lstm_head.{name}", backend));
        _layers = new Cell[layers][];
        for (int i = 0; i < layers; i++)
        {
            int read = i == 0 ? inputs : 2 * width;
            _layers[i] =
            [
                .. new[] { $"l{i}", $"l{i}_reverse" }.Select(end => new Cell(
                    Create($"weight_ih_{end}", [4 * width, read]), Create($"bias_ih_{end}", [4 * width]),
                    Create($"weight_hh_{end}", [4 * width, width]), Create($"bias_hh_{end}", [4 * width]))),
            ];
        }

        Parameters = [.. below.Parameters, .. _layers.SelectMany(layer => layer).SelectMany(cell => new[] { cell.Input, cell.InputBias, cell.State, cell.StateBias })];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override Tensor Encode()
    {
        Tensor x = _below.Encode();
        for (int i = 0; i < _layers.Length; i++)
        {
            Tensor forward = Run(_layers[i][0], x, isReverse: false);  // [n, width]
            Tensor backward = Run(_layers[i][1], x, isReverse: true);
            x = SideBySide(forward, backward);                         // [n, 2 · width]
            x = i + 1 < _layers.Length ? Ops.Dropout(x, _dropout) : x;
        }

        return x;
    }

    private Tensor Run(Cell cell, Tensor x, bool isReverse)
    {
        Tensor fromInput = Ops.Linear(x, cell.Input, cell.InputBias.Value); // all rows at once, [n, 4 · width]
        var states = new Tensor[_count];
        (Tensor? h, Tensor? c) = (null, null);
        for (int step = 0; step < _count; step++)
        {
            int row = isReverse ? _count - 1 - step : step;
            Tensor gates = Ops.Rows(fromInput, [row]);

            // The first state is zero; its offset is there all the same.
            h ??= Tensor.FromValues([1, _width], new float[_width], x.Backend);
            gates = Ops.Add(gates, Ops.Linear(h, cell.State, cell.StateBias.Value));
            Tensor[] parts = Ops.Split(gates, _width, _width, _width, _width);
            Tensor fresh = Ops.Mul(Ops.Activate(parts[0], Activation.Sigmoid), Ops.Activate(parts[2], Activation.Tanh));
            c = c is null ? fresh : Ops.Add(Ops.Mul(Ops.Activate(parts[1], Activation.Sigmoid), c), fresh);
            h = Ops.Mul(Ops.Activate(parts[3], Activation.Sigmoid), Ops.Activate(c, Activation.Tanh));
            states[row] = h;
        }

        return Ops.Concatenate(states);
    }

    // Row r of the two below each other, 2r and 2r + 1, are one row of both widths.
    private Tensor SideBySide(Tensor left, Tensor right)
    {
        int[] order = [.. Enumerable.Range(0, 2 * _count).Select(i => (i / 2) + (i % 2 * _count))];
        return Ops.Reshape(Ops.Rows(Ops.Concatenate(left, right), order), [_count, 2 * _width]);
    }

    private sealed record Cell(Parameter Input, Parameter InputBias, Parameter State, Parameter StateBias);
}
