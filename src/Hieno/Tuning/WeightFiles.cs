using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Formats.Durable;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Tensors to and from weight files, and whole models as folders that other tools open.</summary>
public static class WeightFiles
{
    /// <summary>Files of a model folder that are taken over unchanged when a tuned model is saved.</summary>
    private static readonly string[] s_companions =
    [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt",
        "tokenizer.model", "chat_template.jinja", "generation_config.json", "preprocessor_config.json",
    ];

    /// <summary>An entry of a weight file that writes <paramref name="tensor"/> in its own storage type; one in 4 bits as the 32-bit numbers that it stands for.</summary>
    public static SafetensorsItem Item(string name, Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        SafetensorsDType dtype = tensor.DType switch { DType.BF16 => SafetensorsDType.BF16, DType.F16 => SafetensorsDType.F16, DType.U8 => SafetensorsDType.U8, _ => SafetensorsDType.F32 };
        long[] shape = Array.ConvertAll(tensor.Shape.AsSpan().ToArray(), extent => (long)extent);
        return new SafetensorsItem(name, dtype, shape, tensor.DType == DType.NF4 ? stream => WriteExpanded(tensor, stream) : stream => tensor.WriteTo(stream));
    }

    private static SafetensorsItem Item(KeyValuePair<string, long> counter) => new(counter.Key, SafetensorsDType.I64, [], stream =>
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, counter.Value);
        stream.Write(bytes);
    });

    private static void WriteExpanded(Tensor tensor, Stream stream)
    {
        using Tape tape = Tape.Begin(record: false, backend: tensor.Backend);
        Tensor wide = Tensor.Create(tensor.Shape, tensor.Backend);
        tensor.Backend.Copy(tensor, wide);
        wide.WriteTo(stream);
    }

    /// <summary>Reads an entry as a long-lived tensor: of 32-bit numbers, or of the codes that optimizers keep.</summary>
    /// <exception cref="CheckpointException">There is no such entry, it has another shape, or it does not hold what is asked for.</exception>
    public static Tensor Read(CheckpointFiles files, string name, Shape shape, Backend? backend = null, DType dtype = DType.F32)
    {
        ArgumentNullException.ThrowIfNull(files);
        SafetensorsEntry entry = files.Require(name);
        long[] expected = Array.ConvertAll(shape.AsSpan().ToArray(), extent => (long)extent);
        if (!entry.Shape.AsSpan().SequenceEqual(expected))
        {
            throw new CheckpointException(ErrorCodes.CheckpointShapeMismatch, name, $"the file has [{string.Join(", ", entry.Shape)}], expected {shape}", "Take the file that belongs to this model") { Tensor = name };
        }

        Tensor tensor = Tensor.CreateLongLived(shape, dtype, backend);
        tensor.ReadFrom(files.Bytes(entry), entry.DType switch
        {
            SafetensorsDType.U8 when dtype == DType.U8 => DType.U8,
            _ when dtype == DType.U8 => throw new CheckpointException(ErrorCodes.CheckpointDTypeUnsupported, name, $"the file stores it as {entry.DType}, expected codes (U8)", "Resume with the optimizer the run was started with") { Tensor = name },
            SafetensorsDType.F32 => DType.F32,
            SafetensorsDType.BF16 => DType.BF16,
            SafetensorsDType.F16 => DType.F16,
            _ => throw new CheckpointException(ErrorCodes.CheckpointDTypeUnsupported, name, $"the file stores it as {entry.DType}", "Give weights as F32, BF16 or F16") { Tensor = name },
        });
        return tensor;
    }

    /// <summary>Writes a whole model: weights, running statistics, configuration, and the files of tokenizer or picture preparation.</summary>
    /// <param name="model">The model; weights are written as they are stored.</param>
    /// <param name="folder">An existing folder.</param>
    /// <param name="companions">The folder whose tokenizer files are taken over, or null.</param>
    /// <param name="describe">Changes to the configuration, such as label names.</param>
    public static void SaveModel(PretrainedModel model, string folder, string? companions, Action<JsonObject>? describe = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        CheckpointFiles.Write(
            folder,
            [
                .. model.Parameters().Select(parameter => Item(parameter.Name, parameter.Value)),
                .. model.Buffers().Select(buffer => Item(buffer.Name, buffer.Value)),
                .. model.Counters.Select(Item),
            ],
            metadata: new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt" });
        JsonObject config = JsonObject.Create(model.Config.Json)!;
        bool all32 = model.Parameters().All(parameter => parameter.Value.DType is DType.F32 or DType.NF4);
        if (all32)
        {
            config["torch_dtype"] = "float32";
        }

        config["architectures"] = new JsonArray(model.Architecture);
        describe?.Invoke(config);
        IndentedJson.Write(Path.Combine(folder, ModelConfig.FileName), config);
        CopyCompanions(companions, folder);
    }

    /// <summary>Saves a folder, whole or not at all, at a place where there is nothing yet.</summary>
    /// <param name="folder">A folder that is absent or empty: another may hold weights that are still mapped from their files.</param>
    /// <param name="write">Fills it.</param>
    /// <exception cref="StorageException">The folder holds something, or could not be written.</exception>
    internal static void SaveNew(string folder, Action<FolderWriter> write)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (Path.Exists(full) && (!Directory.Exists(full) || Directory.EnumerateFileSystemEntries(full).Any()))
        {
            throw new StorageException(ErrorCodes.StorageExists, folder, "there is something at this place already", "Give a folder that is absent or empty");
        }

        DurableFolder.Save(Path.GetDirectoryName(full)!, Path.GetFileName(full), write);
    }

    /// <summary>Copies the tokenizer's files of a model folder.</summary>
    public static void CopyCompanions(string? from, string to)
    {
        if (from is null)
        {
            return;
        }

        foreach (string name in s_companions)
        {
            string source = Path.Combine(from, name);
            if (File.Exists(source))
            {
                File.Copy(source, Path.Combine(to, name), overwrite: true);
            }
        }
    }
}
