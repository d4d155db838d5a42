using System.Runtime.CompilerServices;

namespace Hieno.Tensors;

/// <summary>The extents of a tensor, outermost first. Row-major: the last dimension is contiguous.</summary>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public readonly struct Shape : IEquatable<Shape>
{
    private readonly int[]? _dims;

    private Shape(int[] dims) => _dims = dims;

    /// <summary>Number of dimensions; 0 for a scalar.</summary>
    public int Rank => _dims?.Length ?? 0;

    /// <summary>Number of elements: the product of all extents, 1 for a scalar.</summary>
    public long Count
    {
        get
        {
            long count = 1;
            foreach (int dim in AsSpan())
            {
                count *= dim;
            }

            return count;
        }
    }

    /// <summary>The extent of dimension <paramref name="index"/>.</summary>
    public int this[Index index] => (_dims ?? [])[index];

    /// <summary>A shape of the given extents; usually written as a collection expression: <c>[batch, channels]</c>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An extent is negative.</exception>
    public static Shape Create(ReadOnlySpan<int> dims)
    {
        foreach (int dim in dims)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(dim, nameof(dims));
        }

        return new Shape(dims.ToArray());
    }

    /// <summary>The extents.</summary>
    public ReadOnlySpan<int> AsSpan() => _dims;

    /// <summary>Enumerates the extents.</summary>
    public ReadOnlySpan<int>.Enumerator GetEnumerator() => AsSpan().GetEnumerator();

    /// <summary>This shape with another last extent.</summary>
    public Shape WithLast(int channels)
    {
        if (_dims is [.., int last] && last == channels)
        {
            return this; // extents never change, so they can be shared
        }

        int[] dims = AsSpan().ToArray();
        dims[^1] = channels;
        return new Shape(dims);
    }

    /// <inheritdoc/>
    public bool Equals(Shape other) => AsSpan().SequenceEqual(other.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (int dim in AsSpan())
        {
            hash.Add(dim);
        }

        return hash.ToHashCode();
    }

    /// <summary>The extents as written in messages, e.g. <c>[4, 768]</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", AsSpan().ToArray())}]";

    /// <summary>True when all extents are equal.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>True when some extent differs.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);
}
