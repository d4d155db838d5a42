using System.Text;
using Hieno.Formats.Safetensors;
using Hieno.Tests.Shared;

namespace Hieno.Formats.Tests.Safetensors;

public sealed unsafe class SafetensorsWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void No_tensors_give_the_sixteen_bytes_of_the_reference()
    {
        Assert.Equal([8, 0, 0, 0, 0, 0, 0, 0, .. "{}      "u8], Written([]));
    }

    [Fact]
    public void Tensors_are_sorted_by_type_then_by_the_bytes_of_their_names()
    {
        // U+1F600 follows U+FF5E in UTF-8, but precedes it in UTF-16.
        byte[] file = Written(
        [
            Item("z", SafetensorsDType.U8, [1]),
            Item("flag", SafetensorsDType.Bool, [2]),
            Item("\U0001F600", SafetensorsDType.F32, []),
            Item("\uFF5E", SafetensorsDType.F32, []),
            Item("B", SafetensorsDType.F32, [0, 3]),
            Item("four", SafetensorsDType.F4, [2]),
            Item("count", SafetensorsDType.I64, [1]),
        ]);
        string json = "{\"count\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},\"B\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[8,8]},"
            + "\"\uFF5E\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[8,12]},\"\U0001F600\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[12,16]},"
            + "\"z\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[16,17]},\"four\":{\"dtype\":\"F4\",\"shape\":[2],\"data_offsets\":[17,18]},"
            + "\"flag\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[18,20]}}";
        AssertHeader(json, file);
        Assert.Equal([.. "cccccccc"u8, 0xef, 0xef, 0xef, 0xef, 0xf0, 0xf0, 0xf0, 0xf0, (byte)'z', (byte)'f', (byte)'f', (byte)'f'], file[^20..]);
    }

    [Fact]
    public void Names_are_escaped_as_the_reference_does()
    {
        byte[] file = Written([Item("a\"\\/\b\f\n\r\t\u0001\u001f\u007fé<>&+'", SafetensorsDType.U8, [1])]);
        AssertHeader("{\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\u007fé<>&+'\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", file);
    }

    [Fact]
    public void Metadata_come_first_and_always_name_the_format()
    {
        byte[] file = Written([], new Dictionary<string, string> { ["note"] = "x" });
        AssertHeader("""{"__metadata__":{"format":"pt","note":"x"}}""", file);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    public void A_source_that_miscounts_is_an_error_and_leaves_the_old_file(int bytes)
    {
        string path = _folder.Write("a.safetensors", "old");
        var item = new SafetensorsItem("w", SafetensorsDType.F32, [1], stream => stream.Write(new byte[bytes]));
        var error = Assert.Throws<InvalidOperationException>(() => SafetensorsWriter.Write(path, [item]));
        Assert.StartsWith("w: ", error.Message, StringComparison.Ordinal);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Wrong_items_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Item("__metadata__", SafetensorsDType.U8, [1]));
        Assert.Throws<ArgumentException>(() => Item("w", SafetensorsDType.U8, [-1]));
        Assert.Throws<ArgumentException>(() => Item("w", SafetensorsDType.F4, [3]));
        Assert.Throws<OverflowException>(() => new SafetensorsItem("w", SafetensorsDType.U8, [long.MaxValue, 4], _ => { }));
        Assert.Throws<ArgumentException>(() => SafetensorsItem.FromBytes("w", SafetensorsDType.F32, [2], new byte[4]));
        Assert.Throws<ArgumentException>(() => Written([Item("w", SafetensorsDType.U8, [1]), Item("w", SafetensorsDType.I8, [1])]));
        Assert.ThrowsAny<ArgumentException>(() => Written([Item("\ud800", SafetensorsDType.U8, [1])]));
    }

    [Fact]
    public void A_file_can_be_rewritten_while_it_is_mapped()
    {
        string path = _folder["a.safetensors"];
        SafetensorsWriter.Write(path, [Item("w", SafetensorsDType.U8, [4])]);
        using var old = SafetensorsFile.Open(path);
        SafetensorsWriter.Write(path, [SafetensorsItem.FromFile(old, old.Entries["w"]), Item("x", SafetensorsDType.U8, [1])]);
        using var renewed = SafetensorsFile.Open(path);
        Assert.Equal("wwww"u8.ToArray(), renewed.Bytes(renewed.Entries["w"]).ToArray());
        Assert.Equal("wwww"u8.ToArray(), old.Bytes(old.Entries["w"]).ToArray());
    }

    [Fact]
    public void Every_data_type_survives_a_round_trip()
    {
        var items = Enum.GetValues<SafetensorsDType>().Select(dtype => Item("t-" + dtype.Name(), dtype, [4, 3])).ToArray();
        string path = _folder["all.safetensors"];
        SafetensorsWriter.Write(path, items);
        using var file = SafetensorsFile.Open(path);
        Assert.Equal(22, file.Entries.Count);
        foreach (var item in items)
        {
            var entry = file.Entries[item.Name];
            Assert.Equal((item.DType, 12L), (entry.DType, entry.ElementCount));
            Assert.Equal(item.Shape, entry.Shape);
        }
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Model_files_written_by_the_reference_are_reproduced_byte_for_byte()
    {
        int models = 0;
        foreach (string path in Directory.EnumerateFiles(SharedFolder.Require("golden"), "*model.safetensors", SearchOption.AllDirectories))
        {
            using var file = SafetensorsFile.Open(path);
            string copy = _folder["copy.safetensors"];
            // Reversed, so that the order of the result is the writer's own.
            SafetensorsWriter.Write(copy, file.Entries.Values.Reverse().Select(entry => SafetensorsItem.FromFile(file, entry)), file.Metadata);
            Assert.True(File.ReadAllBytes(path).AsSpan().SequenceEqual(File.ReadAllBytes(copy)), path);
            models++;
        }

        Assert.True(models > 100, $"only {models} models");
    }

    // A tensor filled with the first byte of its name.
    private static SafetensorsItem Item(string name, SafetensorsDType dtype, long[] shape)
    {
        byte[] bytes = new byte[dtype.ByteLength(shape)];
        bytes.AsSpan().Fill(Encoding.UTF8.GetBytes(name)[0]);
        return SafetensorsItem.FromBytes(name, dtype, shape, bytes);
    }

    private static byte[] Written(SafetensorsItem[] items, Dictionary<string, string>? metadata = null)
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, items, metadata);
        return stream.ToArray();
    }

    private static void AssertHeader(string json, byte[] file)
    {
        int length = (int)BitConverter.ToUInt64(file);
        string header = Encoding.UTF8.GetString(file, 8, length);
        Assert.Equal(0, length % 8);
        Assert.Equal(json, header.TrimEnd(' '));
        Assert.True(header.Length - json.Length < 8);
    }
}
