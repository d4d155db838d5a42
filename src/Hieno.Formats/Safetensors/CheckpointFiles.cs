using System.Globalization;
using System.Text.Json;
using Hieno.Formats.Durable;
using Hieno.Formats.Peft;
using Hieno.Formats.PyTorch;

namespace Hieno.Formats.Safetensors;

/// <summary>The weights of one model: a single safetensors file, or several shards and their index, looked up as one.</summary>
public sealed unsafe class CheckpointFiles : IDisposable
{
    /// <summary>File name of an unsharded model.</summary>
    public const string SingleFileName = "model.safetensors";

    /// <summary>File name of the index of a sharded model.</summary>
    public const string IndexFileName = "model.safetensors.index.json";

    /// <summary>File name of an unsharded model that PyTorch saved.</summary>
    public const string TorchFileName = "pytorch_model.bin";

    /// <summary>File name of the index of a sharded model that PyTorch saved.</summary>
    public const string TorchIndexFileName = "pytorch_model.bin.index.json";

    /// <summary>Default size above which a model is written in shards: 5 GB, as the usual libraries do.</summary>
    public const long DefaultMaxShardBytes = 5_000_000_000;

    private readonly OrderedDictionary<string, SafetensorsEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, WeightFile> _fileOf = new(StringComparer.Ordinal);
    private readonly List<WeightFile> _files = [];

    private CheckpointFiles(string path)
    {
        Path = path;
    }

    /// <summary>The folder or file that was opened.</summary>
    public string Path { get; }

    /// <summary>All tensors of all shards, by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;

    /// <summary>The open files, one or one a shard.</summary>
    public IReadOnlyList<WeightFile> Files => _files;

    /// <summary>
    /// Opens a model folder (<c>model.safetensors</c>, else its index, else <c>pytorch_model.bin</c>, else its index) or one file. Files that PyTorch saved are
    /// read without running anything: see <see cref="TorchFile"/>.
    /// </summary>
    /// <param name="path">A folder, or a file of any name, whose first bytes say what it is.</param>
    /// <exception cref="CheckpointException">There are no weights, or a file, the index or their agreement is broken.</exception>
    public static CheckpointFiles Open(string path)
    {
        var files = new CheckpointFiles(path);
        try
        {
            if (!Directory.Exists(path))
            {
                files.AddAll(OpenFile(path));
                return files;
            }

            // Safetensors first: where a folder holds both, they are the same weights.
            string In(string name) => System.IO.Path.Combine(path, name);
            string[] singles = [In(SingleFileName), In(TorchFileName)];
            string[] indexes = [In(IndexFileName), In(TorchIndexFileName)];
            for (int i = 0; i < singles.Length && files._files.Count == 0; i++)
            {
                if (File.Exists(singles[i]))
                {
                    files.AddAll(OpenFile(singles[i]));
                }
                else if (File.Exists(indexes[i]))
                {
                    files.AddShards(path, indexes[i]);
                }
            }

            if (files._files.Count == 0)
            {
                throw new CheckpointException(ErrorCodes.CheckpointFileUnreadable, path,
                    $"the folder has none of {SingleFileName}, {IndexFileName}, {TorchFileName} and {TorchIndexFileName}", "Give a folder with weights");
            }

            return files;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>Opens the weights of an adapter's folder: <c>adapter_model.safetensors</c>, else <c>adapter_model.bin</c>.</summary>
    /// <exception cref="CheckpointException">There are none, or they are broken.</exception>
    public static CheckpointFiles OpenAdapter(string folder)
    {
        string path = System.IO.Path.Combine(folder, PeftAdapterConfig.WeightsFileName);
        string older = System.IO.Path.Combine(folder, PeftAdapterConfig.TorchWeightsFileName);
        return Open(!File.Exists(path) && File.Exists(older) ? older : path);
    }

    /// <summary>The entry of a tensor that must be there.</summary>
    /// <exception cref="CheckpointException">No file has a tensor of that name.</exception>
    public SafetensorsEntry Require(string name) =>
        _entries.TryGetValue(name, out var entry)
            ? entry
            : throw new CheckpointException(ErrorCodes.CheckpointTensorMissing, name,
                $"there is no such tensor among the {_entries.Count} of {Path}", "Check that the weights belong to this model") { Tensor = name };

    /// <summary>The address of a tensor's first byte; valid until <see cref="Dispose"/>.</summary>
    /// <exception cref="CheckpointException">No file has a tensor of that name.</exception>
    /// <exception cref="ObjectDisposedException">The files have been closed.</exception>
    public byte* PointerTo(SafetensorsEntry entry) => FileOf(entry).PointerTo(entry);

    /// <summary>As <see cref="PointerTo"/>, for callers without unsafe code.</summary>
    public nint AddressOf(SafetensorsEntry entry) => (nint)PointerTo(entry);

    /// <summary>A tensor's bytes, at most 2 GiB; valid until <see cref="Dispose"/>.</summary>
    /// <exception cref="CheckpointException">No file has a tensor of that name.</exception>
    /// <exception cref="ObjectDisposedException">The files have been closed.</exception>
    public ReadOnlySpan<byte> Bytes(SafetensorsEntry entry) => FileOf(entry).Bytes(entry);

    /// <summary>Copies a part of a tensor's bytes past the mapping; see <see cref="WeightFile.Read"/>.</summary>
    /// <param name="entry">The tensor.</param>
    /// <param name="start">The first byte, counted from the tensor's.</param>
    /// <param name="destination">As many bytes as are wanted.</param>
    /// <exception cref="CheckpointException">No file has a tensor of that name, or it cannot be read.</exception>
    /// <exception cref="ObjectDisposedException">The files have been closed.</exception>
    public void Read(SafetensorsEntry entry, long start, Span<byte> destination) => FileOf(entry).Read(entry, start, destination);

    /// <summary>A part of a tensor's bytes, for tensors of any size; valid until <see cref="Dispose"/>.</summary>
    /// <param name="entry">The tensor.</param>
    /// <param name="start">The first byte, counted from the tensor's.</param>
    /// <param name="count">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part does not lie in the tensor.</exception>
    /// <exception cref="CheckpointException">No file has a tensor of that name.</exception>
    /// <exception cref="ObjectDisposedException">The files have been closed.</exception>
    public ReadOnlySpan<byte> Bytes(SafetensorsEntry entry, long start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, entry.ByteLength - count);
        return new ReadOnlySpan<byte>(PointerTo(entry) + start, count);
    }

    /// <summary>Writes a model into a folder: one file, or shards and their index when it is larger than one shard may be.</summary>
    /// <param name="folder">An existing folder; weights of an earlier model in it are replaced.</param>
    /// <param name="items">The tensors. Shards are filled in this order.</param>
    /// <param name="maxShardBytes">Largest sum of tensor bytes in one file; a single larger tensor gets a file of its own.</param>
    /// <param name="metadata">Free text for each header; null for the customary <c>format</c> = <c>pt</c>.</param>
    /// <returns>The names of the files written, the index last.</returns>
    /// <exception cref="ArgumentException">Two tensors have one name, or <paramref name="maxShardBytes"/> is not positive.</exception>
    /// <exception cref="StorageException">The disk is full or a file cannot be written.</exception>
    public static IReadOnlyList<string> Write(
        string folder,
        IEnumerable<SafetensorsItem> items,
        long maxShardBytes = DefaultMaxShardBytes,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxShardBytes);
        metadata ??= new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt" };

        var shards = Split(items, maxShardBytes);
        var written = new List<string>();
        var fileOf = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < shards.Count; i++)
        {
            string name = shards.Count == 1
                ? SingleFileName
                : string.Create(CultureInfo.InvariantCulture, $"model-{i + 1:D5}-of-{shards.Count:D5}.safetensors");
            foreach (var item in shards[i])
            {
                if (!fileOf.TryAdd(item.Name, name))
                {
                    throw new ArgumentException($"Two tensors are called '{item.Name}'.", nameof(items));
                }
            }

            SafetensorsWriter.Write(System.IO.Path.Combine(folder, name), shards[i], metadata);
            written.Add(name);
        }

        if (shards.Count > 1)
        {
            long total = shards.Sum(shard => shard.Sum(item => item.ByteLength));
            WriteIndex(System.IO.Path.Combine(folder, IndexFileName), total, fileOf);
            written.Add(IndexFileName);
        }

        RemoveOthers(folder, written);
        return written;
    }

    /// <summary>Closes all files. Every pointer and span taken from them is invalid afterwards.</summary>
    public void Dispose()
    {
        foreach (var file in _files)
        {
            file.Dispose();
        }
    }

    private WeightFile FileOf(SafetensorsEntry entry)
    {
        Require(entry.Name);
        return _fileOf[entry.Name];
    }

    private void AddAll(WeightFile file)
    {
        _files.Add(file);
        foreach (var (name, entry) in file.Entries)
        {
            _entries.Add(name, entry);
            _fileOf.Add(name, file);
        }
    }

    private void AddShards(string folder, string indexPath)
    {
        var open = new Dictionary<string, WeightFile>(StringComparer.Ordinal);
        foreach (var (tensor, fileName) in ReadWeightMap(indexPath))
        {
            if (!open.TryGetValue(fileName, out var file))
            {
                string path = System.IO.Path.Combine(folder, fileName);
                if (!File.Exists(path))
                {
                    throw new CheckpointException(ErrorCodes.CheckpointIndexInvalid, indexPath,
                        $"it places '{tensor}' in {fileName}, which is not in the folder", "Fetch the missing shard") { Tensor = tensor };
                }

                file = OpenFile(path);
                _files.Add(file);
                open.Add(fileName, file);
            }

            if (!file.Entries.TryGetValue(tensor, out var entry))
            {
                throw new CheckpointException(ErrorCodes.CheckpointIndexInvalid, indexPath,
                    $"it places '{tensor}' in {fileName}, which has no tensor of that name", "Fetch index and shards of the same version") { Tensor = tensor };
            }

            _entries.Add(tensor, entry);
            _fileOf.Add(tensor, file);
        }
    }

    private static List<KeyValuePair<string, string>> ReadWeightMap(string indexPath)
    {
        using var document = CheckpointJson.ReadObject(indexPath);
        if (!document.RootElement.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
        {
            throw new CheckpointException(ErrorCodes.CheckpointIndexInvalid, indexPath, "it has no object 'weight_map'", "Fetch or write the index again");
        }

        var pairs = new List<KeyValuePair<string, string>>();
        foreach (var property in map.EnumerateObject())
        {
            string? fileName = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString() : null;
            if (!IsBareFileName(fileName))
            {
                // A path here could make the program read a file outside the model's folder.
                throw new CheckpointException(ErrorCodes.CheckpointIndexInvalid, indexPath,
                    $"it places '{property.Name}' in {property.Value.GetRawText()}, which is not a plain file name", "Use only weights you trust") { Tensor = property.Name };
            }

            pairs.Add(new(property.Name, fileName!));
        }

        return pairs;
    }

    private static bool IsBareFileName(string? name) =>
        !string.IsNullOrEmpty(name) && name is not ("." or "..") && name.AsSpan().IndexOfAny("/\\:\0") < 0;

    private static List<List<SafetensorsItem>> Split(IEnumerable<SafetensorsItem> items, long maxShardBytes)
    {
        List<List<SafetensorsItem>> shards = [[]];
        long filled = 0;
        foreach (var item in items)
        {
            if (shards[^1].Count > 0 && filled + item.ByteLength > maxShardBytes)
            {
                shards.Add([]);
                filled = 0;
            }

            shards[^1].Add(item);
            filled += item.ByteLength;
        }

        return shards;
    }

    private static void WriteIndex(string path, long totalBytes, SortedDictionary<string, string> fileOf) =>
        CheckpointJson.Write(path, json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("metadata");
            json.WriteNumber("total_size", totalBytes);
            json.WriteEndObject();
            json.WriteStartObject("weight_map");
            foreach (var (tensor, file) in fileOf)
            {
                json.WriteString(tensor, file);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        });

    // A reader prefers model.safetensors to an index, so weights left over from an earlier save would hide the new ones.
    private static void RemoveOthers(string folder, List<string> written)
    {
        var candidates = Directory.EnumerateFiles(folder, "model-?????-of-?????.safetensors")
            .Append(System.IO.Path.Combine(folder, SingleFileName))
            .Append(System.IO.Path.Combine(folder, IndexFileName))
            .ToList();
        foreach (string path in candidates.Where(path => !written.Contains(System.IO.Path.GetFileName(path), StringComparer.Ordinal)))
        {
            File.Delete(path);
        }
    }

    private static WeightFile OpenFile(string path)
    {
        bool isTorch = File.Exists(path) && (TorchFile.Recognizes(path) || System.IO.Path.GetExtension(path) is ".bin" or ".pt" or ".pth" or ".th" or ".ckpt");
        return isTorch ? TorchFile.Open(path) : SafetensorsFile.Open(path);
    }
}
