using System.Globalization;
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

    /// <summary>Throws unless <paramref name="condition"/> holds; the message is put together only then.</summary>
    /// <exception cref="ShapeException">The condition does not hold.</exception>
    public static void ThrowUnless(
        bool condition,
        [InterpolatedStringHandlerArgument(nameof(condition))] ref ShapeFault fact,
        [CallerMemberName] string op = "")
    {
        if (!condition)
        {
            throw new ShapeException($"{op}: {fact.ToStringAndClear()}");
        }
    }
}

/// <summary>
/// The text of a shape fault, as the compiler builds it from an interpolated string. While the shapes fit, none of its parts is evaluated:
/// otherwise these messages, which nobody reads, would be a third of what a training step allocates.
/// </summary>
[InterpolatedStringHandler]
public ref struct ShapeFault
{
    private DefaultInterpolatedStringHandler _text;

    /// <summary>Begins a message.</summary>
    /// <param name="literalLength">Characters outside of the holes.</param>
    /// <param name="formattedCount">Number of holes.</param>
    /// <param name="condition">What must hold: if it does, there is nothing to say.</param>
    /// <param name="isNeeded">False where <paramref name="condition"/> holds: the compiler then leaves the rest out.</param>
    public ShapeFault(int literalLength, int formattedCount, bool condition, out bool isNeeded)
    {
        isNeeded = !condition;
        _text = condition ? default : new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture);
    }

    /// <summary>Adds what stands between the holes.</summary>
    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    /// <summary>Adds the content of a hole.</summary>
    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    /// <summary>The message; it can be taken once.</summary>
    internal string ToStringAndClear() => _text.ToStringAndClear();
}
