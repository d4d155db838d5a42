using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>Numbers that a checkpoint holds beside the weights and that no gradient moves: running statistics of batch normalisation.</summary>
public sealed class ModuleBuffer
{
    /// <summary>Names the numbers.</summary>
    /// <param name="name">Their full checkpoint name, e.g. <c>bn1.running_mean</c>.</param>
    /// <param name="value">Their first values; copied where they lie in a file.</param>
    public ModuleBuffer(string name, Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Name = name;
        Value = value;
        if (value.Storage.IsBorrowed || value.DType != DType.F32)
        {
            Value = Tensor.CreateLongLived(value.Shape, DType.F32, value.Backend);
            value.Backend.Copy(value, Value);
        }
    }

    /// <summary>The checkpoint's name.</summary>
    public string Name { get; }

    /// <summary>The numbers, long-lived, 32 bits; changed in place.</summary>
    public Tensor Value { get; }
}
