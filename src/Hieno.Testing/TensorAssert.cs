using System.Globalization;
using Hieno.Tensors;

namespace Hieno.Testing;

/// <summary>Two tensors are not as alike as they should be.</summary>
public sealed class TensorAssertException(string message) : Exception(message);

/// <summary>Comparisons of tensors that say where and how far they differ.</summary>
public static class TensorAssert
{
    /// <summary>Every element must satisfy |actual − expected| ≤ absolute + relative · |expected|; NaN equals only NaN, infinities only themselves.</summary>
    /// <param name="expected">The reference, row by row.</param>
    /// <param name="actual">What was computed.</param>
    /// <param name="absolute">Absolute tolerance. Default 1e-6.</param>
    /// <param name="relative">Relative tolerance. Default 1e-5.</param>
    /// <exception cref="TensorAssertException">An element differs by more; the message names the worst one.</exception>
    public static void Close(ReadOnlySpan<double> expected, Tensor actual, double absolute = 1e-6, double relative = 1e-5)
    {
        ArgumentNullException.ThrowIfNull(actual);
        float[] values = actual.ToArray();
        ThrowUnlessSameCount(expected.Length, actual);
        double worst = 0;
        int at = -1;
        int wrong = 0;
        for (int i = 0; i < values.Length; i++)
        {
            double excess = Excess(expected[i], values[i], absolute, relative);
            if (excess > 1)
            {
                wrong++;
                if (excess > worst)
                {
                    (worst, at) = (excess, i);
                }
            }
        }

        if (at >= 0)
        {
            throw new TensorAssertException(string.Create(
                CultureInfo.InvariantCulture,
                $"Close: element {Position(actual.Shape, at)} of {actual.Shape} is {values[at]:g9}, expected {expected[at]:g9}, a difference of {Math.Abs(values[at] - expected[at]):g3} where {absolute + (relative * Math.Abs(expected[at])):g3} is allowed. {wrong} of {values.Length} elements differ too much."));
        }
    }

    /// <inheritdoc cref="Close(ReadOnlySpan{double}, Tensor, double, double)"/>
    public static void Close(ReadOnlySpan<float> expected, Tensor actual, double absolute = 1e-6, double relative = 1e-5)
    {
        double[] wide = new double[expected.Length];
        for (int i = 0; i < wide.Length; i++)
        {
            wide[i] = expected[i];
        }

        Close(wide, actual, absolute, relative);
    }

    /// <inheritdoc cref="Close(ReadOnlySpan{double}, Tensor, double, double)"/>
    public static void Close(Tensor expected, Tensor actual, double absolute = 1e-6, double relative = 1e-5)
    {
        ThrowUnlessSameShape(expected, actual);
        Close(expected.ToArray(), actual, absolute, relative);
    }

    /// <summary>Both tensors must have the same shape and the same bits in every element.</summary>
    /// <exception cref="TensorAssertException">They differ; the message names the first element that does.</exception>
    public static void Identical(Tensor expected, Tensor actual)
    {
        ThrowUnlessSameShape(expected, actual);
        Identical(expected.ToArray(), actual);
    }

    /// <summary>Every element must have the same bits.</summary>
    /// <exception cref="TensorAssertException">Some differ; the message names the first.</exception>
    public static void Identical(ReadOnlySpan<float> expected, Tensor actual)
    {
        ArgumentNullException.ThrowIfNull(actual);
        float[] values = actual.ToArray();
        ThrowUnlessSameCount(expected.Length, actual);
        for (int i = 0; i < values.Length; i++)
        {
            uint left = BitConverter.SingleToUInt32Bits(expected[i]);
            uint right = BitConverter.SingleToUInt32Bits(values[i]);
            if (left != right)
            {
                throw new TensorAssertException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"Identical: element {Position(actual.Shape, i)} of {actual.Shape} is {values[i]:g9} (0x{right:x8}), expected {expected[i]:g9} (0x{left:x8})."));
            }
        }
    }

    // How many times the allowed difference an element is off; NaN and infinities are right or infinitely wrong.
    private static double Excess(double expected, double actual, double absolute, double relative)
    {
        if (!double.IsFinite(expected) || !double.IsFinite(actual))
        {
            return expected.Equals(actual) ? 0 : double.PositiveInfinity;
        }

        double difference = Math.Abs(actual - expected);
        double allowed = absolute + (relative * Math.Abs(expected));
        return difference <= allowed ? 0 : difference / allowed;
    }

    private static string Position(Shape shape, int index)
    {
        int[] position = new int[shape.Rank];
        for (int dim = shape.Rank - 1; dim >= 0; dim--)
        {
            (index, position[dim]) = Math.DivRem(index, shape[dim]);
        }

        return $"[{string.Join(", ", position)}]";
    }

    private static void ThrowUnlessSameCount(int count, Tensor actual)
    {
        if (actual.Count != count)
        {
            throw new TensorAssertException($"The tensor has shape {actual.Shape}, that is {actual.Count} elements; {count} are expected.");
        }
    }

    private static void ThrowUnlessSameShape(Tensor expected, Tensor actual)
    {
        ArgumentNullException.ThrowIfNull(expected);
        ArgumentNullException.ThrowIfNull(actual);
        if (expected.Shape != actual.Shape)
        {
            throw new TensorAssertException($"The tensor has shape {actual.Shape}, expected {expected.Shape}.");
        }
    }
}
