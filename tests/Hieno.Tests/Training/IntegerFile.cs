using System.Runtime.InteropServices;
using Hieno.Formats.Safetensors;
using Hieno.Tests.Shared;

namespace Hieno.Tests.Training;

/// <summary>The 64-bit integers of a safetensors file of reference values, such as token ids.</summary>
internal sealed class IntegerFile
{
    private readonly Dictionary<string, (int[] Shape, long[] Values)> _tensors = new(StringComparer.Ordinal);

    private IntegerFile(string path)
    {
        using var file = CheckpointFiles.Open(path);
        foreach ((string name, SafetensorsEntry entry) in file.Entries)
        {
            Assert.Equal(SafetensorsDType.I64, entry.DType);
            _tensors[name] = (Array.ConvertAll([.. entry.Shape], extent => (int)extent), MemoryMarshal.Cast<byte, long>(file.Bytes(entry)).ToArray());
        }
    }

    /// <summary>Opens a file of the shared folder; skips the test where the folder is absent.</summary>
    public static IntegerFile Require(string relative) => new(SharedFolder.Require(relative));

    public long[] this[string name] => _tensors[name].Values;

    public long[]? Find(string name) => _tensors.TryGetValue(name, out var tensor) ? tensor.Values : null;

    public int[] ShapeOf(string name) => _tensors[name].Shape;
}
