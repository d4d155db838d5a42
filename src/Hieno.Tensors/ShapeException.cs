using System.Runtime.CompilerServices;

namespace Hieno.Tensors;

/// <summary>An operation was given a tensor of a shape it cannot take: a fault of the calling code.</summary>
public sealed class ShapeException(string message) : ArgumentException(message)
{
    /// <summary>Throws unless <paramref name="tensor"/> has the shape <paramref name="expected"/>.</summary>
    /// <exception cref="ShapeException">The shapes differ; the message names both.</exception>
    public static void ThrowIfNot(
        Tensor tensor,
        Shape expected,
        [CallerMemberName] string op = "",
        [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        if (tensor.Shape != expected)
        {
            throw new ShapeException($"{op}: {name} has shape {tensor.Shape}, expected {expected}.");
        }
    }

    /// <summary>Throws unless the last extent of <paramref name="tensor"/> is <paramref name="channels"/>.</summary>
    /// <exception cref="ShapeException">The last extent differs; the message names both.</exception>
    public static void ThrowIfLastIsNot(
        Tensor tensor,
        int channels,
        [CallerMemberName] string op = "",
        [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        if (tensor.Shape.Rank == 0 || tensor.Shape[^1] != channels)
        {
            throw new ShapeException($"{op}: {name} has shape {tensor.Shape}, expected [..., {channels}].");
        }
    }

    /// <summary>Throws unless <paramref name="condition"/> holds.</summary>
    /// <exception cref="ShapeException">The condition does not hold.</exception>
    public static void ThrowUnless(bool condition, string fact, [CallerMemberName] string op = "")
    {
        if (!condition)
        {
            throw new ShapeException($"{op}: {fact}");
        }
    }
}
