using System.Runtime.InteropServices;
using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Tensors;

namespace Hieno.Models.Tests;

/// <summary>A checkpoint in a temporary folder; its tensors can be changed before it is written.</summary>
internal sealed class TinyCheckpoint : IDisposable
{
    private readonly string _config;

    /// <summary>An empty one.</summary>
    /// <param name="config">The content of its <c>config.json</c>.</param>
    public TinyCheckpoint(string config) => _config = config;

    /// <summary>The folder.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("hieno-checkpoint-").FullName;

    /// <summary>What will be written.</summary>
    public Dictionary<string, (Shape Shape, float[] Values)> Tensors { get; } = new(StringComparer.Ordinal);

    /// <summary>How it will be stored.</summary>
    public DType Stored { get; set; } = DType.F32;

    /// <summary>Takes the weights of <paramref name="model"/>.</summary>
    public static TinyCheckpoint Of(TextModel model)
    {
        var checkpoint = new TinyCheckpoint(model.Config.Json.GetRawText());
        foreach (Parameter parameter in model.Parameters())
        {
            checkpoint.Tensors.Add(parameter.Name, (parameter.Value.Shape, parameter.Value.ToArray()));
        }

        return checkpoint;
    }

    /// <summary>Writes a tensor under another name.</summary>
    public void Rename(Func<string, string> name)
    {
        foreach (string old in Tensors.Keys.ToArray())
        {
            Tensors.Remove(old, out (Shape, float[]) tensor);
            Tensors.Add(name(old), tensor);
        }
    }

    /// <summary>Writes the folder and opens it.</summary>
    public TextModel Load(HeadChoice? head = null, ulong seed = 0)
    {
        File.WriteAllText(Path.Combine(Folder, ModelConfig.FileName), _config);
        CheckpointFiles.Write(Folder, Tensors.Select(t => Item(t.Key, t.Value.Shape, t.Value.Values)));
        return TextModel.Load(Folder, head ?? HeadChoice.Language, seed);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private SafetensorsItem Item(string name, Shape shape, float[] values)
    {
        long[] dims = [.. shape.AsSpan().ToArray().Select(dim => (long)dim)];
        return Stored switch
        {
            DType.BF16 => SafetensorsItem.FromBytes(name, SafetensorsDType.BF16, dims, Bytes(Array.ConvertAll(values, DTypes.ToBF16))),
            DType.F16 => SafetensorsItem.FromBytes(name, SafetensorsDType.F16, dims, Bytes(Array.ConvertAll(values, DTypes.ToF16))),
            _ => SafetensorsItem.FromBytes(name, SafetensorsDType.F32, dims, Bytes(values)),
        };
    }

    private static byte[] Bytes<T>(T[] values)
        where T : struct => MemoryMarshal.AsBytes<T>(values).ToArray();
}
