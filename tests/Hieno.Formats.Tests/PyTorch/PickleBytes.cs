using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Hieno.Formats.Tests.PyTorch;

/// <summary>Writes pickles opcode by opcode, and the zip file around them, as hostile files would have them.</summary>
internal sealed class PickleBytes
{
    private readonly MemoryStream _bytes = new();

    public PickleBytes() => Raw(0x80, 2);

    public PickleBytes Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    public PickleBytes Op(string opcodes) => Raw(Encoding.Latin1.GetBytes(opcodes));

    public PickleBytes Global(string module, string name) => Op($"c{module}\n{name}\n");

    public PickleBytes Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, utf8.Length);
        return Op("X").Raw(length).Raw(utf8);
    }

    public PickleBytes Int(int value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return Op("J").Raw(bytes);
    }

    public PickleBytes Longs(params int[] values)
    {
        Op("(");
        foreach (int value in values)
        {
            Int(value);
        }

        return Op("t");
    }

    /// <summary>A dictionary of one tensor "w" in storage "0" of <paramref name="elements"/> floats.</summary>
    public static PickleBytes Tensor(int elements, int offset, int[] shape, int[] strides) =>
        new PickleBytes().Op("}").Text("w").Global("torch._utils", "_rebuild_tensor_v2").Op("(")
            .Op("(").Text("storage").Global("torch", "FloatStorage").Text("0").Text("cpu").Int(elements).Op("tQ")
            .Int(offset).Longs(shape).Longs(strides).Raw(0x89).Global("collections", "OrderedDict").Op(")R").Op("tRs.");

    public byte[] ToArray() => _bytes.ToArray();

    /// <summary>The zip file around it.</summary>
    public byte[] Zip(int storageBytes = 16, CompressionLevel compression = CompressionLevel.NoCompression, params (string Name, byte[] Content)[] more)
    {
        var file = new MemoryStream();
        using (var zip = new ZipArchive(file, ZipArchiveMode.Create))
        {
            foreach ((string name, byte[] content) in ((string, byte[])[])[("data.pkl", ToArray()), ("data/0", new byte[storageBytes]), ("version", "3\n"u8.ToArray()), .. more])
            {
                using Stream entry = zip.CreateEntry($"archive/{name}", compression).Open();
                entry.Write(content);
            }
        }

        return file.ToArray();
    }
}
