using Hieno.Formats.Safetensors;

namespace Hieno.Formats.PyTorch;

/// <summary>A Python dictionary, in the order of its keys.</summary>
internal sealed class PickleDictionary
{
    private readonly List<KeyValuePair<object?, object?>> _items = [];

    public IReadOnlyList<KeyValuePair<object?, object?>> Items => _items;

    public void Set(object? key, object? value) => _items.Add(new(key, value));
}

/// <summary>A Python object whose content is of no interest here, such as a set or a version number.</summary>
internal sealed record PickleOpaque(string Kind);

/// <summary>The bytes that tensors of a PyTorch file share.</summary>
/// <param name="Key">Its name in the file.</param>
/// <param name="DType">The type of its elements; null for bytes whose type the tensors say.</param>
/// <param name="Count">Its elements, or its bytes where it has no type.</param>
internal sealed record TorchStorage(string Key, SafetensorsDType? DType, long Count);

/// <summary>A tensor of a PyTorch file: a view of a storage.</summary>
/// <param name="Storage">Where its numbers lie.</param>
/// <param name="DType">Their type.</param>
/// <param name="Offset">The first one, in elements.</param>
/// <param name="Shape">Its extents.</param>
/// <param name="Strides">Elements from one to the next along each extent.</param>
internal sealed record TorchTensor(TorchStorage Storage, SafetensorsDType DType, long Offset, long[] Shape, long[] Strides)
{
    /// <summary>Number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, extent) => checked(product * extent));

    /// <summary>True where the elements lie one after the other, as shape and order say.</summary>
    public bool IsContiguous
    {
        get
        {
            long expected = 1;
            for (int i = Shape.Length - 1; i >= 0; i--)
            {
                if (Shape[i] != 1 && Strides[i] != expected)
                {
                    return Count == 0;
                }

                expected *= Shape[i];
            }

            return true;
        }
    }
}
