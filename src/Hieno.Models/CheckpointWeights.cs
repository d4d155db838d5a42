using System.Buffers.Binary;
using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Tensors;
using Hieno.Tensors.Cpu;

namespace Hieno.Models;

/// <summary>
/// Weights of a checkpoint, mapped from their files: a frozen weight is never copied. Faults are collected, and all of them reported at once.
/// </summary>
public sealed class CheckpointWeights : WeightSource
{
    private readonly CheckpointFiles _files;
    private readonly string _basePrefix;
    private readonly ulong _seed;
    private readonly Backend? _backend;
    private readonly WeightQuantization? _quantization;
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);
    private readonly List<string> _faults = [];
    private readonly List<string> _created = [];

    /// <summary>Reads from <paramref name="files"/>.</summary>
    /// <param name="files">The open checkpoint; it stays open as long as a weight of it is in use.</param>
    /// <param name="basePrefix">The prefix of the bare model, e.g. <c>bert</c>: files without it are read as well.</param>
    /// <param name="seed">The seed of heads that the checkpoint does not hold.</param>
    /// <param name="backend">Where the weights lie; the default backend when null.</param>
    /// <param name="quantization">How weights of linear layers are stored; as in the file when null.</param>
    public CheckpointWeights(CheckpointFiles files, string basePrefix, ulong seed, Backend? backend = null, WeightQuantization? quantization = null)
    {
        ArgumentNullException.ThrowIfNull(files);
        (_files, _basePrefix, _seed, _backend, _quantization) = (files, basePrefix + ".", seed, backend, quantization);
    }

    /// <summary>Tokens that the checkpoint knows, where the model is to know more: weights with a row for each token then end in rows of zeros. Null: as many.</summary>
    public int? KnownTokens { get; init; }

    /// <summary>True where a weight of the head that the checkpoint has in another size starts at random instead of being a fault: the head of another number of classes.</summary>
    public bool HeadMayDiffer { get; init; }

    /// <summary>Weights that the checkpoint did not hold and that start at random: the head of a new task.</summary>
    public IReadOnlyList<string> Created => _created;

    /// <summary>Entries of the checkpoint that the model did not ask for.</summary>
    public IReadOnlyList<string> Unused => [.. _files.Entries.Values.Where(entry => !_taken.Contains(entry.Name) && !IsCounter(entry)).Select(entry => entry.Name)];

    /// <summary>
    /// Counts of batches that PyTorch keeps beside running statistics, by name. Nothing is computed from them, so they are only carried along:
    /// a model that had them is saved with them.
    /// </summary>
    public IReadOnlyDictionary<string, long> Counters => _files.Entries.Values.Where(IsCounter)
        .ToDictionary(entry => entry.Name, entry => BinaryPrimitives.ReadInt64LittleEndian(_files.Bytes(entry)), StringComparer.Ordinal);

    /// <inheritdoc/>
    public override bool Has(string name) => Find(name) is not null;

    /// <inheritdoc/>
    public override Tensor Take(string name, Shape shape, Initializer initializer, bool mayBeNew) => Take(name, shape, initializer, mayBeNew, Map);

    /// <inheritdoc/>
    public override Tensor TakeProjection(string path, Shape shape, Initializer initializer) =>
        Take($"{path}.weight", shape, initializer, mayBeNew: false, _quantization?.AppliesTo(path) == true ? Quantize : Map);

    private Tensor Take(string name, Shape shape, Initializer initializer, bool mayBeNew, Func<SafetensorsEntry, Shape, DType, Tensor> read)
    {
        if (Find(name) is not { } entry)
        {
            if (mayBeNew)
            {
                _created.Add(name);
            }
            else
            {
                _faults.Add($"{name}: the file has no such tensor, config.json implies {shape}");
            }

            return initializer.Create(shape, _seed, name, _backend);
        }

        _taken.Add(entry.Name);
        if (KnownTokens is { } known && IsOfOtherSize(entry, shape) && entry.Shape[0] == known && shape[0] > known && DTypeOf(entry.DType) is { } stored)
        {
            return Grow(entry, shape, stored);
        }

        if (HeadMayDiffer && mayBeNew && IsOfOtherSize(entry, shape))
        {
            _created.Add(name);
            return initializer.Create(shape, _seed, name, _backend);
        }

        if (!entry.Shape.AsSpan().SequenceEqual(Array.ConvertAll(shape.AsSpan().ToArray(), d => (long)d)))
        {
            _faults.Add($"{name}: the file has [{string.Join(", ", entry.Shape)}], config.json implies {shape}");
            return initializer.Create(shape, _seed, name, _backend);
        }

        if (entry.DType == SafetensorsDType.F64)
        {
            return Narrow(entry, shape);
        }

        if (DTypeOf(entry.DType) is not { } dtype)
        {
            _faults.Add($"{name}: the file stores it as {entry.DType}, which is not a type of weights (F32, BF16, F16, F64)");
            return initializer.Create(shape, _seed, name, _backend);
        }

        return read(entry, shape, dtype);
    }

    /// <summary>Ends the reading: throws when anything was missing, misshapen, or left over where it should not be.</summary>
    /// <param name="isForeign">Says of a left-over name whether it is known to be of no use to this model: another task's head, an old buffer.</param>
    /// <exception cref="CheckpointException">All faults, one a line.</exception>
    public void ThrowIfFaulty(Func<string, bool> isForeign)
    {
        ArgumentNullException.ThrowIfNull(isForeign);
        IEnumerable<string> unexpected = Unused
            .Where(name => !isForeign(name))
            .Select(name => $"{name}: the model has no place for it");
        string[] faults = [.. _faults, .. unexpected];
        if (faults.Length == 0)
        {
            return;
        }

        const int Shown = 20;
        string list = string.Join("\n  ", faults.Take(Shown));
        string more = faults.Length > Shown ? $"\n  and {faults.Length - Shown} more" : string.Empty;
        string code = _faults.Exists(f => f.Contains("the file has [", StringComparison.Ordinal)) ? ErrorCodes.CheckpointShapeMismatch : ErrorCodes.CheckpointTensorMissing;
        throw new CheckpointException(code, _files.Path, $"{faults.Length} tensor{(faults.Length == 1 ? " does" : "s do")} not fit config.json:\n  {list}{more}", "Take the config.json that belongs to these weights")
        {
            Tensor = faults[0][..faults[0].IndexOf(':', StringComparison.Ordinal)],
        };
    }

    // Another number of rows: tokens of a table, or outputs of a layer. All else is the same.
    private static bool IsOfOtherSize(SafetensorsEntry entry, Shape shape) =>
        entry.Shape is [var rows, .. var rest] && shape.Rank == entry.Shape.Length && rows != shape[0] && rest.SequenceEqual(shape.AsSpan()[1..].ToArray().Select(extent => (long)extent));

    private static DType? DTypeOf(SafetensorsDType dtype) => dtype switch
    {
        SafetensorsDType.F32 => DType.F32,
        SafetensorsDType.BF16 => DType.BF16,
        SafetensorsDType.F16 => DType.F16,
        _ => null,
    };

    private static bool IsCounter(SafetensorsEntry entry) =>
        entry.DType == SafetensorsDType.I64 && entry.ElementCount == 1 && entry.Name.EndsWith(".num_batches_tracked", StringComparison.Ordinal);

    // A bare model's file leaves the prefix out; very old files call a norm's weights gamma and beta.
    private SafetensorsEntry? Find(string name)
    {
        string bare = name.StartsWith(_basePrefix, StringComparison.Ordinal) ? name[_basePrefix.Length..] : name;
        foreach (string candidate in (ReadOnlySpan<string>)[name, bare, Legacy(name), Legacy(bare)])
        {
            if (_files.Entries.TryGetValue(candidate, out SafetensorsEntry? entry))
            {
                return entry;
            }
        }

        return null;
    }

    private static string Legacy(string name) => name
        .Replace("LayerNorm.weight", "LayerNorm.gamma", StringComparison.Ordinal)
        .Replace("LayerNorm.bias", "LayerNorm.beta", StringComparison.Ordinal);

    // A table with more rows than the file has lies in memory of its own, in 32 bits.
    private Tensor Grow(SafetensorsEntry entry, Shape shape, DType dtype)
    {
        int[] dims = shape.AsSpan().ToArray();
        dims[0] = KnownTokens!.Value;
        Tensor known = Map(entry, Shape.Create(dims), dtype);
        Tensor grown = Tensor.CreateLongLived(shape, DType.F32, known.Backend);
        known.Backend.Copy(known, shape.Rank > 1 ? grown.RowRange(0, dims[0]) : grown.ColumnRange(0, dims[0]));
        return grown;
    }

    // Weights of 64 bits are rounded to 32, in memory of their own.
    private Tensor Narrow(SafetensorsEntry entry, Shape shape)
    {
        Tensor narrow = Tensor.CreateLongLived(shape, DType.F32, _backend);
        float[] values = new float[shape.Count];
        byte[] bytes = new byte[sizeof(double)];
        for (int i = 0; i < values.Length; i++)
        {
            _files.Read(entry, (long)i * sizeof(double), bytes);
            values[i] = (float)BinaryPrimitives.ReadDoubleLittleEndian(bytes);
        }

        narrow.Backend.CopyFromHost(values, narrow);
        return narrow;
    }

    private Tensor Map(SafetensorsEntry entry, Shape shape, DType dtype)
    {
        Backend backend = _backend ?? Backend.Default;
        if (backend is not CpuBackend cpu)
        {
            throw new NotSupportedException($"Weights cannot be mapped to the backend '{backend.Name}' yet.");
        }

        var mapped = new Tensor(cpu.Borrow(_files.AddressOf(entry), entry.ByteLength, _files), shape, dtype);
        if (shape.Rank > 1)
        {
            return mapped;
        }

        // Gains and offsets are few, and their kernels read 32 bits.
        Tensor copy = Tensor.CreateLongLived(shape, DType.F32, backend);
        backend.Copy(mapped, copy);
        return copy;
    }

    // One weight at a time is held in 32 bits, in memory that the first step uses again, and the file is read past its mapping: so a model
    // is never in memory as a whole but in its few bits.
    private Tensor Quantize(SafetensorsEntry entry, Shape shape, DType dtype)
    {
        const int NumbersAtOnce = 1 << 20;
        using Tape tape = Tape.Begin(record: false, backend: _backend);
        Tensor wide = Tensor.Create(shape, tape.Backend);
        int rowBytes = wide.Columns * dtype.Size();
        int rowsAtOnce = Math.Clamp(NumbersAtOnce / wide.Columns, 1, wide.Rows);
        byte[] bytes = new byte[rowsAtOnce * rowBytes];
        for (int row = 0; row < wide.Rows; row += rowsAtOnce)
        {
            int rows = Math.Min(rowsAtOnce, wide.Rows - row);
            _files.Read(entry, (long)row * rowBytes, bytes.AsSpan(0, rows * rowBytes));
            wide.RowRange(row, rows).ReadFrom(bytes.AsSpan(0, rows * rowBytes), dtype);
        }

        if (wide.Backend.CountNonFinite(wide) is > 0 and long bad)
        {
            throw new CheckpointException(ErrorCodes.TrainingDiverged, entry.Name, $"{bad} of its {wide.Count} numbers are not finite, so it cannot be quantised", "Take the model from its source again") { Tensor = entry.Name };
        }

        Tensor quantized = Tensor.CreateLongLived(shape, _quantization!.StoredAs, wide.Backend);
        wide.Backend.Copy(wide, quantized);
        return quantized;
    }
}
