using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Hieno.Formats.Tracking;

/// <summary>Writes the fields of one protobuf message.</summary>
/// <remarks>
/// A field is its key, (number &lt;&lt; 3) | kind, and its value: a varint (kind 0), 8 bytes (1), length and bytes (2) or 4 bytes (5).
/// A varint holds 7 bits a byte, lowest first; the top bit says that more follow.
/// </remarks>
internal sealed class ProtobufWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new();

    private enum Kind
    {
        Varint = 0,
        Fixed64 = 1,
        Bytes = 2,
        Fixed32 = 5,
    }

    public ReadOnlySpan<byte> Written => _buffer.WrittenSpan;

    /// <summary>An int64, enum or bool field. Negative numbers take ten bytes, as two's complement.</summary>
    public ProtobufWriter Integer(int field, long value)
    {
        Key(field, Kind.Varint);
        Varint((ulong)value);
        return this;
    }

    public ProtobufWriter Double(int field, double value)
    {
        Key(field, Kind.Fixed64);
        BinaryPrimitives.WriteDoubleLittleEndian(_buffer.GetSpan(sizeof(double)), value);
        _buffer.Advance(sizeof(double));
        return this;
    }

    public ProtobufWriter Float(int field, float value)
    {
        Key(field, Kind.Fixed32);
        BinaryPrimitives.WriteSingleLittleEndian(_buffer.GetSpan(sizeof(float)), value);
        _buffer.Advance(sizeof(float));
        return this;
    }

    /// <summary>A string field, in UTF-8. Half a surrogate pair becomes the replacement character.</summary>
    public ProtobufWriter Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    /// <summary>A message field, also when it is empty.</summary>
    public ProtobufWriter Message(int field, ProtobufWriter message) => Bytes(field, message.Written);

    public ProtobufWriter Bytes(int field, ReadOnlySpan<byte> value)
    {
        Key(field, Kind.Bytes);
        Varint((ulong)value.Length);
        _buffer.Write(value);
        return this;
    }

    private void Key(int field, Kind kind) => Varint(((ulong)field << 3) | (ulong)kind);

    private void Varint(ulong value)
    {
        while (value >= 0x80)
        {
            _buffer.Write([(byte)(value | 0x80)]);
            value >>= 7;
        }

        _buffer.Write([(byte)value]);
    }
}
