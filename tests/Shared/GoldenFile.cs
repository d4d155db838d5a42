using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Hieno.Tests.Shared;

/// <summary>Reads the 32-bit tensors of a safetensors file of reference values; for test projects that may not know the formats project.</summary>
internal sealed class GoldenFile
{
    private readonly byte[] _bytes;
    private readonly JsonElement _header;
    private readonly int _dataStart;

    private GoldenFile(string path)
    {
        _bytes = File.ReadAllBytes(path);
        int length = checked((int)BinaryPrimitives.ReadInt64LittleEndian(_bytes));
        _dataStart = 8 + length;
        _header = JsonDocument.Parse(_bytes.AsMemory(8, length)).RootElement;
    }

    /// <summary>The names of its tensors.</summary>
    public IEnumerable<string> Names => _header.EnumerateObject().Select(entry => entry.Name).Where(name => name != "__metadata__");

    /// <summary>Opens a file of the shared folder; skips the test where the folder is absent.</summary>
    public static GoldenFile Require(string relative) => new(SharedFolder.Require(relative));

    /// <summary>The numbers of one tensor.</summary>
    public float[] this[string name]
    {
        get
        {
            JsonElement entry = _header.GetProperty(name);
            Assert.Equal("F32", entry.GetProperty("dtype").GetString());
            JsonElement offsets = entry.GetProperty("data_offsets");
            int start = _dataStart + offsets[0].GetInt32();
            return MemoryMarshal.Cast<byte, float>(_bytes.AsSpan(start, offsets[1].GetInt32() - offsets[0].GetInt32())).ToArray();
        }
    }

    /// <summary>The extents of one tensor.</summary>
    public int[] ShapeOf(string name) => [.. _header.GetProperty(name).GetProperty("shape").EnumerateArray().Select(dim => dim.GetInt32())];
}
