using System.Buffers.Binary;
using System.Text;

namespace Hieno.Formats.Tests.Safetensors;

/// <summary>Makes safetensors files by hand, valid or not, without the writer under test.</summary>
internal static class SafetensorsBytes
{
    public static byte[] Of(string header, int dataBytes = 0) => Of(Encoding.UTF8.GetBytes(header), dataBytes);

    public static byte[] Of(byte[] header, int dataBytes = 0)
    {
        byte[] file = new byte[8 + header.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(file, (ulong)header.Length);
        header.CopyTo(file, 8);
        for (int i = 0; i < dataBytes; i++)
        {
            file[8 + header.Length + i] = (byte)i;
        }

        return file;
    }
}
