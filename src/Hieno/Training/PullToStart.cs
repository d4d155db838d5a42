using System.ComponentModel.DataAnnotations;
using System.Numerics;
using System.Runtime.InteropServices;
using Hieno.Models;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Training;

/// <summary>Settings of <see cref="PullToStart"/>: under <c>training.pullToStart</c> of a recipe.</summary>
public sealed record PullToStartOptions
{
    /// <summary>α of L2-SP: the loss is given α/2 · ‖w − w₀‖² over the weights that the base model brought. Default 0: off; the paper tries 0.001 to 0.1.</summary>
    [Range(0.0, 1e6)]
    public double Penalty { get; init; }

    /// <summary>β of L2-SP: the loss is given β/2 · ‖w‖² over new weights, such as a new head. Default 0.01 (of effect with a penalty only).</summary>
    [Range(0.0, 1e6)]
    public double NewPenalty { get; init; } = 0.01;

    /// <summary>λ of decay towards the start: after each step w ← w − η·λ·(w − w₀), untouched by Adam's scaling. Default 0: off.</summary>
    [Range(0.0, 1e9)]
    public double Decay { get; init; }
}

/// <summary>Keeps weights near those the run began with, as a term of the loss (L2-SP) or as decay beside the optimizer's step.</summary>
/// <remarks>
/// Li et al. 2018, <see href="https://arxiv.org/abs/1802.01483"/>, equation 3. It goes with every method and optimizer: an adapter's weights are drawn to
/// their first values, which make it do nothing. New weights of the model are not decayed, for their first values mean nothing.
/// </remarks>
internal sealed class PullToStart
{
    private readonly PullToStartOptions _options;
    private readonly (Parameter Parameter, double Factor, Tensor? Start)[] _items;

    /// <summary>Keeps a copy of the first value of each weight that learns.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="tuned">The model, with its first weights.</param>
    /// <param name="factors">Each weight's own share of the learning rate.</param>
    public PullToStart(PullToStartOptions options, TunedModel tuned, IReadOnlyDictionary<Parameter, double> factors)
    {
        var fresh = tuned.Model.NewlyInitialized.ToHashSet(StringComparer.Ordinal);
        _options = options;
        _items = [.. tuned.Trainable.Select(parameter => (parameter, factors[parameter], fresh.Contains(parameter.Name) ? null : CopyOf(parameter.Value)))];
    }

    /// <summary>Adds the gradient of the penalty.</summary>
    /// <returns>The penalty itself, which belongs to the loss.</returns>
    public double AddGradient()
    {
        double penalty = 0;
        foreach ((Parameter parameter, _, Tensor? start) in _items)
        {
            double strength = start is null ? _options.NewPenalty : _options.Penalty;
            if (_options.Penalty > 0 && strength > 0 && parameter.Value.Grad is { } grad)
            {
                penalty += strength / 2 * AddDifference(parameter.Value, start, grad, (float)strength);
            }
        }

        return penalty;
    }

    /// <summary>Draws the weights that have just been stepped towards their first values; a rate times λ of 1 or more takes them all the way.</summary>
    public void Decay(double learningRate)
    {
        foreach ((Parameter parameter, double factor, Tensor? start) in _items)
        {
            double share = Math.Min(1, learningRate * factor * _options.Decay);
            if (share > 0 && start is not null && parameter.Value.Grad is not null)
            {
                MoveTowards(parameter.Value, start, (float)share);
            }
        }
    }

    private static Tensor CopyOf(Tensor value)
    {
        Tensor copy = Tensor.CreateLongLived(value.Shape, DType.F32, value.Backend);
        value.Backend.Copy(value, copy);
        return copy;
    }

    // grad ← grad + strength · (w − w₀), w₀ = 0 where it is null; returns ‖w − w₀‖².
    private static double AddDifference(Tensor weight, Tensor? start, Tensor grad, float strength)
    {
        Span<float> w = HostOf(weight);
        Span<float> w0 = start is null ? [] : HostOf(start);
        Span<float> g = HostOf(grad);
        double squares = 0;
        for (int i = 0; i < w.Length; i++)
        {
            float difference = w0.IsEmpty ? w[i] : w[i] - w0[i];
            squares += (double)difference * difference;
            g[i] += strength * difference;
        }

        GiveBack(g, grad);
        return squares;
    }

    // w ← w − share · (w − w₀); a share of 1 gives w₀ itself, without rounding.
    private static void MoveTowards(Tensor weight, Tensor start, float share)
    {
        Span<float> w = HostOf(weight);
        Span<float> w0 = HostOf(start);
        if (share >= 1)
        {
            w0.CopyTo(w);
        }
        else
        {
            // Vector<float>.Count weights at a time, the rest one by one.
            Span<Vector<float>> wide = MemoryMarshal.Cast<float, Vector<float>>(w);
            ReadOnlySpan<Vector<float>> wide0 = MemoryMarshal.Cast<float, Vector<float>>(w0);
            for (int i = 0; i < wide.Length; i++)
            {
                wide[i] -= share * (wide[i] - wide0[i]);
            }

            for (int i = wide.Length * Vector<float>.Count; i < w.Length; i++)
            {
                w[i] -= share * (w[i] - w0[i]);
            }
        }

        GiveBack(w, weight);
    }

    private static Span<float> HostOf(Tensor tensor) => tensor.Backend.IsHostMemory ? tensor.Span : tensor.ToArray();

    private static void GiveBack(Span<float> values, Tensor tensor)
    {
        if (!tensor.Backend.IsHostMemory)
        {
            tensor.Backend.CopyFromHost(values, tensor);
        }
    }
}
