namespace Hieno.Formats.Safetensors;

/// <summary>One tensor of a safetensors file: what it is and where its bytes lie.</summary>
/// <param name="Name">The checkpoint name, e.g. <c>model.layers.0.self_attn.q_proj.weight</c>.</param>
/// <param name="DType">Data type of the elements, little-endian.</param>
/// <param name="Shape">Dimensions, outermost first (C order); empty for a scalar; a dimension may be 0.</param>
/// <param name="Begin">First byte, counted from the start of the data, that is after the header.</param>
/// <param name="End">The byte after the last one.</param>
public sealed record SafetensorsEntry(string Name, SafetensorsDType DType, long[] Shape, long Begin, long End)
{
    /// <summary>Bytes of the tensor.</summary>
    public long ByteLength => End - Begin;

    /// <summary>Number of elements: the product of the shape, 1 for a scalar.</summary>
    public long ElementCount => ByteLength * 8 / DType.Bits();

    /// <summary>E.g. <c>wte.weight: F32 [50257, 768]</c>.</summary>
    public override string ToString() => $"{Name}: {DType.Name()} [{string.Join(", ", Shape)}]";
}
