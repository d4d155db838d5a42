using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using Hieno.Formats.Safetensors;

namespace Hieno.Formats.PyTorch;

/// <summary>
/// The tensors of a file that PyTorch's <c>save</c> wrote (<c>.bin</c>, <c>.pt</c>, <c>.pth</c>, <c>.th</c>), mapped into memory. Its pickle is read by a table of
/// what may occur in it; nothing is run. Tensors whose numbers lie apart, as those of a transposed view, are copied together.
/// </summary>
/// <remarks>Both forms are read: the zip file of PyTorch 1.6 and later, and the row of pickles before it.</remarks>
public sealed unsafe class TorchFile : WeightFile
{
    private const int ZipSignature = 0x04034b50;
    private static readonly byte[] s_legacyStart = [0x80, 2, 0x8a, 10]; // protocol 2, then an integer of ten bytes
    private static readonly BigInteger s_legacyMagic = BigInteger.Parse("119547037146038801333356", System.Globalization.CultureInfo.InvariantCulture);
    private static readonly string[] s_wrappers = ["state_dict", "model_state_dict", "model", "module", "net"];

    private readonly OrderedDictionary<string, SafetensorsEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, nint> _copies = new(StringComparer.Ordinal);

    private TorchFile(string path, FileStream stream)
        : base(path, stream)
    {
        try
        {
            (object? root, Func<TorchStorage, StoredEntry> storageAt) = IsZip ? ReadZip()
                : Mapping(0, (int)Math.Min(FileLength, s_legacyStart.Length)).SequenceEqual(s_legacyStart) ? ReadLegacy()
                : throw Invalid("it does not begin as files do that PyTorch's 'save' wrote");
            foreach ((string name, TorchTensor tensor) in StateOf(root))
            {
                Add(name, tensor, storageAt(tensor.Storage));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;

    /// <inheritdoc/>
    protected override long DataStart => 0;

    private bool IsZip => FileLength >= sizeof(int) && BinaryPrimitives.ReadInt32LittleEndian(Mapping(0, sizeof(int))) == ZipSignature;

    /// <summary>True for a file that begins as PyTorch's do: a zip file, or a pickle of a certain number.</summary>
    /// <exception cref="CheckpointException">The file is absent or unreadable.</exception>
    public static bool Recognizes(string path) => Open(path, (_, stream) =>
    {
        using (stream)
        {
            Span<byte> start = stackalloc byte[4];
            int count = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            return count == 4 && (start.SequenceEqual("PK\x03\x04"u8) || start.SequenceEqual(s_legacyStart));
        }
    });

    /// <summary>Maps a file and lists its tensors: those of the dictionary it holds, or of that under <c>state_dict</c>, <c>model</c> and the like.</summary>
    /// <exception cref="CheckpointException">The file is absent, unreadable or malformed, holds no tensors, or wants to run something.</exception>
    public static TorchFile Open(string path) => Open(path, (file, stream) => stream.Length > 0
        ? new TorchFile(file, stream)
        : throw new CheckpointException(ErrorCodes.CheckpointPickleInvalid, file, "the file is empty", "Fetch it again"));

    /// <inheritdoc/>
    public override byte* PointerTo(SafetensorsEntry entry)
    {
        byte* mapped = base.PointerTo(entry);
        return _copies.TryGetValue(entry.Name, out nint copy) ? (byte*)copy : mapped;
    }

    /// <inheritdoc/>
    public override void Read(SafetensorsEntry entry, long start, Span<byte> destination)
    {
        if (_copies.ContainsKey(entry.Name))
        {
            Bytes(entry).Slice((int)start, destination.Length).CopyTo(destination);
        }
        else
        {
            base.Read(entry, start, destination);
        }
    }

    /// <inheritdoc/>
    protected override void FreeCopies()
    {
        foreach (nint copy in _copies.Values)
        {
            NativeMemory.Free((void*)copy);
        }

        _copies.Clear();
    }

    private (object? Root, Func<TorchStorage, StoredEntry> StorageAt) ReadZip()
    {
        IReadOnlyDictionary<string, StoredEntry> entries = StoredZip.Entries(FileLength, Mapping, Path);
        string[] pickles = [.. entries.Keys.Where(name => name.EndsWith("/data.pkl", StringComparison.Ordinal))];
        string folder = pickles is [var single] ? single[..^"data.pkl".Length] : throw Invalid($"it holds {pickles.Length} pickles called data.pkl instead of one");
        if (entries.Keys.Any(name => name.StartsWith(folder + "code/", StringComparison.Ordinal)))
        {
            throw new CheckpointException(ErrorCodes.CheckpointPickleUnsafe, Path, "it holds a program (TorchScript), not weights alone", "Save the state dictionary of the model");
        }

        if (entries.TryGetValue(folder + "byteorder", out StoredEntry order) && !Mapping(order.Start, (int)Math.Min(order.Length, 16)).SequenceEqual("little"u8))
        {
            throw Invalid("its numbers are big-endian, which is not read");
        }

        StoredEntry pickle = entries[folder + "data.pkl"];
        object? root = new PickleReader(Mapping(pickle.Start, IntLength(pickle.Length)), Path).Read();
        return (root, storage => entries.TryGetValue($"{folder}data/{storage.Key}", out StoredEntry entry)
            ? entry
            : throw Invalid($"it has no entry data/{storage.Key}, of which a tensor is a part"));
    }

    // Five pickles: a magic number, a version, a description of the machine, the object, and the order of the storages, whose bytes follow.
    private (object? Root, Func<TorchStorage, StoredEntry> StorageAt) ReadLegacy()
    {
        var reader = new PickleReader(Mapping(0, IntLength(FileLength)), Path);
        if (reader.Read() is not BigInteger magic || magic != s_legacyMagic || reader.Read() is not 1001L)
        {
            throw Invalid("it is a pickle, but not one that PyTorch's 'save' wrote");
        }

        if (reader.Read() is PickleDictionary machine && machine.Items.Any(item => item is { Key: "little_endian", Value: false }))
        {
            throw Invalid("its numbers are big-endian, which is not read");
        }

        object? root = reader.Read();
        List<object?> keys = reader.Read() as List<object?> ?? throw Invalid("it does not list its storages");
        long at = reader.Position;
        var storages = new Dictionary<string, long>(StringComparer.Ordinal);
        Dictionary<string, TorchStorage> known = StateOf(root).Select(item => item.Tensor.Storage).GroupBy(storage => storage.Key, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.First(), StringComparer.Ordinal);
        foreach (object? key in keys)
        {
            long count = FileLength - at >= sizeof(long) ? BinaryPrimitives.ReadInt64LittleEndian(Mapping(at, sizeof(long))) : throw Invalid("it ends before its storages do");
            at += sizeof(long);
            string name = FormattableString.Invariant($"{key}");
            if (!known.TryGetValue(name, out TorchStorage? storage))
            {
                throw Invalid($"its storage {name} belongs to no tensor of the state dictionary, so its length is not known");
            }

            storages[name] = at;
            long bytes = count == storage.Count ? BytesOf(storage) : throw Invalid($"its storage {name} has {count} elements, and {storage.Count} in the pickle");
            at = bytes <= FileLength - at ? at + bytes : throw Invalid($"its storage {name} of {bytes} bytes ends after the file");
        }

        return (root, storage => storages.TryGetValue(storage.Key, out long start) ? new StoredEntry(start, BytesOf(storage)) : throw Invalid($"its storage {storage.Key} is missing"));
    }

    // The names of a model that was trained on several devices at once begin with "module.".
    private List<(string Name, TorchTensor Tensor)> StateOf(object? root)
    {
        const string Parallel = "module.";
        PickleDictionary dictionary = root as PickleDictionary ?? throw Invalid("it holds no dictionary of tensors");
        List<(string Name, TorchTensor Tensor)> state = Tensors(dictionary);
        foreach (string wrapper in s_wrappers)
        {
            state = state.Count == 0 && dictionary.Items.LastOrDefault(item => item.Key is string key && key == wrapper).Value is PickleDictionary inner ? Tensors(inner) : state;
        }

        if (state.Count == 0)
        {
            string keys = string.Join(", ", dictionary.Items.Select(item => item.Key).OfType<string>().Take(10));
            throw Invalid($"it holds no tensors under their names, but {(keys.Length > 0 ? keys : "nothing")}");
        }

        bool isParallel = state.TrueForAll(item => item.Name.StartsWith(Parallel, StringComparison.Ordinal));
        return isParallel ? state.ConvertAll(item => (item.Name[Parallel.Length..], item.Tensor)) : state;
    }

    private static List<(string Name, TorchTensor Tensor)> Tensors(PickleDictionary dictionary)
    {
        var last = new OrderedDictionary<string, TorchTensor>(StringComparer.Ordinal);
        foreach (KeyValuePair<object?, object?> item in dictionary.Items)
        {
            if (item is { Key: string name, Value: TorchTensor tensor })
            {
                last[name] = tensor;
            }
        }

        return [.. last.Select(item => (item.Key, item.Value))];
    }

    private void Add(string name, TorchTensor tensor, StoredEntry storage)
    {
        int size = tensor.DType.Bits() / 8;
        long elements = storage.Length / size;
        if (storage.Length != BytesOf(tensor.Storage))
        {
            throw Wrong($"its storage {tensor.Storage.Key} has {storage.Length} bytes, and {BytesOf(tensor.Storage)} in the pickle");
        }

        long count = CountIn(tensor, elements) ?? throw Wrong($"its shape [{string.Join(", ", tensor.Shape)}] with the strides [{string.Join(", ", tensor.Strides)}] from element {tensor.Offset} does not lie in its storage of {elements}");
        long begin = storage.Start + (count == 0 ? 0 : tensor.Offset * size);
        if (!tensor.IsContiguous)
        {
            _copies.Add(name, Gather(tensor, storage.Start, size, count));
            begin = storage.Start; // as many bytes as it has are there, but in another order
        }

        _entries.Add(name, new SafetensorsEntry(name, tensor.DType, tensor.Shape, begin, begin + (count * size)));

        CheckpointException Wrong(string fact) =>
            new(ErrorCodes.CheckpointPickleInvalid, name, $"in {Path}, {fact}", "Fetch or save the file again") { Tensor = name };
    }

    /// <summary>The tensor's elements; null where it does not lie in its storage, or repeats elements to have more than that.</summary>
    private static long? CountIn(TorchTensor tensor, long elements)
    {
        if (tensor.Shape.Contains(0))
        {
            return tensor.Offset <= elements ? 0 : null;
        }

        Int128 count = 1;
        Int128 last = tensor.Offset;
        for (int i = 0; i < tensor.Shape.Length; i++)
        {
            count *= tensor.Shape[i];
            last += (Int128)(tensor.Shape[i] - 1) * tensor.Strides[i];
            if (count > elements || last >= elements)
            {
                return null; // at once: extents and strides of a hostile file may be as large as they like
            }
        }

        return last < elements ? (long)count : null;
    }

    private nint Gather(TorchTensor tensor, long start, int size, long count)
    {
        byte* copy = (byte*)NativeMemory.Alloc((nuint)Math.Max(1, count * size));
        long[] index = new long[tensor.Shape.Length];
        for (long i = 0; i < count; i++)
        {
            long element = tensor.Offset;
            for (int axis = 0; axis < index.Length; axis++)
            {
                element += index[axis] * tensor.Strides[axis];
            }

            Mapping(start + (element * size), size).CopyTo(new Span<byte>(copy + (i * size), size));
            for (int axis = index.Length - 1; axis >= 0 && ++index[axis] == tensor.Shape[axis]; axis--)
            {
                index[axis] = 0;
            }
        }

        return (nint)copy;
    }

    private long BytesOf(TorchStorage storage)
    {
        int size = storage.DType is { } dtype ? dtype.Bits() / 8 : 1;
        return storage.Count <= FileLength / size ? storage.Count * size : throw Invalid($"its storage {storage.Key} of {storage.Count} elements is larger than the file");
    }

    private int IntLength(long length) => length <= int.MaxValue ? (int)length : IsZip ? throw Invalid($"its pickle has {length} bytes") : int.MaxValue;

    private CheckpointException Invalid(string fact) => new(ErrorCodes.CheckpointPickleInvalid, Path, fact, "Fetch or save the file again, or take the weights as safetensors");
}
