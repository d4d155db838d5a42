using System.Buffers.Binary;
using System.Text;
using Hieno.Formats.Tracking;

namespace Hieno.Formats.Tests.Tracking;

/// <summary>Reads events files back: records with both checksums, and protobuf messages as lists of numbered fields.</summary>
internal static class EventFileReader
{
    /// <summary>The messages of a file. A record that is cut off at the end is left out.</summary>
    public static List<Message> Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return Read(copy.ToArray());
    }

    public static List<Message> Read(ReadOnlySpan<byte> bytes)
    {
        var messages = new List<Message>();
        while (bytes.Length >= 12)
        {
            int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            Assert.Equal(Crc32C.Masked(bytes[..8]), BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]));
            if (bytes.Length < length + 16)
            {
                break;
            }

            var data = bytes.Slice(12, length);
            Assert.Equal(Crc32C.Masked(data), BinaryPrimitives.ReadUInt32LittleEndian(bytes[(12 + length)..]));
            messages.Add(Message.Parse(data));
            bytes = bytes[(16 + length)..];
        }

        return messages;
    }

    internal sealed class Message
    {
        private readonly List<(int Field, object Value)> _fields = [];

        public IReadOnlyList<int> Fields => _fields.ConvertAll(f => f.Field);

        public static Message Parse(ReadOnlySpan<byte> data)
        {
            var message = new Message();
            while (!data.IsEmpty)
            {
                ulong key = Varint(ref data);
                object value;
                switch (key & 7)
                {
                    case 0:
                        value = (long)Varint(ref data);
                        break;
                    case 1:
                        value = BinaryPrimitives.ReadDoubleLittleEndian(data);
                        data = data[8..];
                        break;
                    case 2:
                        int length = (int)Varint(ref data);
                        value = data[..length].ToArray();
                        data = data[length..];
                        break;
                    case 5:
                        value = BinaryPrimitives.ReadSingleLittleEndian(data);
                        data = data[4..];
                        break;
                    default:
                        throw new InvalidDataException($"wire type {key & 7}");
                }

                message._fields.Add(((int)(key >> 3), value));
            }

            return message;
        }

        public bool Has(int field) => _fields.Exists(f => f.Field == field);

        public long Integer(int field) => (long)Single(field);

        public double Double(int field) => (double)Single(field);

        public float Float(int field) => (float)Single(field);

        public string Text(int field) => Encoding.UTF8.GetString((byte[])Single(field));

        public List<Message> Messages(int field) => _fields.Where(f => f.Field == field).Select(f => Parse((byte[])f.Value)).ToList();

        /// <summary>The message at the end of a path of fields, each of which occurs once.</summary>
        public Message At(params int[] path) => path.Aggregate(this, (message, field) => Assert.Single(message.Messages(field)));

        private static ulong Varint(ref ReadOnlySpan<byte> data)
        {
            ulong value = 0;
            for (int shift = 0; ; shift += 7)
            {
                byte b = data[0];
                data = data[1..];
                value |= (ulong)(b & 0x7f) << shift;
                if (b < 0x80)
                {
                    return value;
                }
            }
        }

        private object Single(int field) => Assert.Single(_fields, f => f.Field == field).Value;
    }
}
