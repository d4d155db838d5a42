using System.Runtime.InteropServices;
using Hieno.Formats.Safetensors;

namespace Hieno.Parity;

/// <summary>The tensors of a small safetensors file, copied to the managed heap.</summary>
internal sealed class TensorFile
{
    private readonly Dictionary<string, SafetensorsEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, byte[]> _bytes = new(StringComparer.Ordinal);

    private TensorFile(string path)
    {
        Path = path;
        using var file = SafetensorsFile.Open(path);
        foreach ((string name, SafetensorsEntry entry) in file.Entries)
        {
            _entries.Add(name, entry);
            _bytes.Add(name, file.Bytes(entry).ToArray());
        }
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The names of its tensors.</summary>
    public IReadOnlyCollection<string> Names => _entries.Keys;

    /// <summary>Reads a file.</summary>
    public static TensorFile Read(string path) => new(path);

    /// <summary>True when there is a tensor of that name.</summary>
    public bool Has(string name) => _entries.ContainsKey(name);

    /// <summary>True when the tensor holds whole numbers.</summary>
    public bool IsWhole(string name) => Require(name).DType == SafetensorsDType.I64;

    /// <summary>The extents of a tensor.</summary>
    public int[] ShapeOf(string name) => Array.ConvertAll(Require(name).Shape, dim => checked((int)dim));

    /// <summary>The numbers of a 32-bit tensor.</summary>
    public float[] Floats(string name) =>
        Require(name).DType == SafetensorsDType.F32
            ? MemoryMarshal.Cast<byte, float>(_bytes[name]).ToArray()
            : throw Unexpected(name, SafetensorsDType.F32);

    /// <summary>The numbers of a tensor of 64-bit floating point.</summary>
    public double[] Doubles(string name) =>
        Require(name).DType == SafetensorsDType.F64
            ? MemoryMarshal.Cast<byte, double>(_bytes[name]).ToArray()
            : throw Unexpected(name, SafetensorsDType.F64);

    /// <summary>The numbers of a 32-bit tensor [N, C, H, W], as we lay them out: [N, H, W, C]. Those of other ranks as they are.</summary>
    public float[] ChannelsLast(string name)
    {
        float[] values = Floats(name);
        if (ShapeOf(name) is not [_, int channels, int height, int width])
        {
            return values;
        }

        float[] turned = new float[values.Length];
        int pixels = height * width;
        for (int i = 0; i < values.Length; i++)
        {
            (int plane, int pixel) = Math.DivRem(i, pixels);
            (int image, int channel) = Math.DivRem(plane, channels);
            turned[(((image * pixels) + pixel) * channels) + channel] = values[i];
        }

        return turned;
    }

    /// <summary>The numbers of a tensor of 64-bit whole numbers.</summary>
    public int[] Ints(string name) =>
        Require(name).DType == SafetensorsDType.I64
            ? Array.ConvertAll(MemoryMarshal.Cast<byte, long>(_bytes[name]).ToArray(), value => checked((int)value))
            : throw Unexpected(name, SafetensorsDType.I64);

    private SafetensorsEntry Require(string name) =>
        _entries.TryGetValue(name, out SafetensorsEntry? entry)
            ? entry
            : throw new FixtureException($"{Path}: there is no tensor '{name}'.");

    private FixtureException Unexpected(string name, SafetensorsDType dtype) => new($"{Path}: '{name}' is {_entries[name].DType}, expected {dtype}.");
}
