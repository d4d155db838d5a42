using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Some elements of a weight that learn, while the others keep their first value bit for bit.</summary>
/// <remarks>
/// The gradient of the others is set to 0 before it is measured and clipped, and their value is put back after the step, because weight
/// decay, or an optimizer that shares its state between elements, moves a weight without a gradient too.
/// </remarks>
public sealed class ElementMask
{
    private readonly int[] _frozen;
    private readonly float[] _start;

    /// <summary>Keeps the present values of the elements that do not learn.</summary>
    /// <param name="parameter">The weight, which is trainable.</param>
    /// <param name="learns">For each element, in storage order, whether it learns.</param>
    /// <exception cref="ArgumentException">There is not one entry for each element.</exception>
    public ElementMask(Parameter parameter, ReadOnlySpan<bool> learns)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        if (learns.Length != parameter.Count)
        {
            throw new ArgumentException($"{parameter.Name}: the mask has {learns.Length} entries for {parameter.Count} elements.", nameof(learns));
        }

        var frozen = new List<int>();
        for (int i = 0; i < learns.Length; i++)
        {
            if (!learns[i])
            {
                frozen.Add(i);
            }
        }

        float[] values = parameter.Value.ToArray();
        Parameter = parameter;
        _frozen = [.. frozen];
        _start = Array.ConvertAll(_frozen, i => values[i]);
    }

    /// <summary>The weight.</summary>
    public Parameter Parameter { get; }

    /// <summary>How many of its elements learn.</summary>
    public long LearningCount => Parameter.Count - _frozen.Length;

    /// <summary>Sets the gradient of the elements that do not learn to 0.</summary>
    public void MaskGradient()
    {
        if (Parameter.Value.Grad is { } grad)
        {
            Edit(grad, values =>
            {
                foreach (int i in _frozen)
                {
                    values[i] = 0;
                }
            });
        }
    }

    /// <summary>Puts the elements that do not learn back to their first values.</summary>
    public void RestoreValues() => Edit(Parameter.Value, values =>
    {
        for (int i = 0; i < _frozen.Length; i++)
        {
            values[_frozen[i]] = _start[i];
        }
    });

    // In host memory in place; elsewhere by way of a copy.
    private static void Edit(Tensor tensor, Action<Span<float>> edit)
    {
        if (tensor.Backend.IsHostMemory)
        {
            edit(tensor.Span);
            return;
        }

        float[] values = tensor.ToArray();
        edit(values);
        tensor.Backend.CopyFromHost(values, tensor);
    }
}
