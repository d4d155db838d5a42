using Hieno.Formats;
using Hieno.Formats.Durable;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Merging;

/// <summary>
/// A model whose weights are those of several models combined, weight by weight. Nothing is computed before it is asked for, and then one
/// piece of one weight at a time, so models of any size take the memory of a few pieces; their files are mapped, not read.
/// </summary>
/// <remarks>
/// Sums are in double precision and rounded once. The result has the weights, the configuration and the tokenizer of the model that is
/// called the pattern below; weights that only another model has are left out and listed in <see cref="LeftOut"/>. What is not a floating-point
/// number (counters, masks) is copied. A combination in which one model counts 1 and all others 0 is that model, bit for bit.
/// </remarks>
public sealed class WeightMix : IDisposable
{
    private readonly MergedModel[] _models; // the base, where there is one, is the first
    private readonly double[] _weights;
    private readonly MergedModel _pattern;
    private readonly MergeOptions? _rule; // null: the weighted sum of the models themselves

    private WeightMix(IReadOnlyList<string> folders, double[] weights, int pattern, MergeOptions? rule)
    {
        var open = new List<MergedModel>();
        try
        {
            foreach (string folder in folders)
            {
                open.Add(MergedModel.Open(folder));
            }

            (_models, _weights, _pattern, _rule) = ([.. open], weights, open[pattern], rule);
            Compare();
        }
        catch
        {
            open.ForEach(model => model.Dispose());
            throw;
        }
    }

    /// <summary>Weights that a model has and the result does not, each with its model's folder.</summary>
    public IReadOnlyList<string> LeftOut { get; private set; } = [];

    /// <summary>WiSE-FT: θ = (1 − α)·θ₀ + α·θ₁ for every weight. The tuned model is the pattern.</summary>
    /// <param name="start">θ₀: the model before tuning, with the same output layer. For a classifier that is a zero-shot or fitted head on the base model.</param>
    /// <param name="end">θ₁: the tuned model.</param>
    /// <param name="alpha">From 0, the start bit for bit, to 1, the end bit for bit.</param>
    /// <exception cref="MergeException">The models do not fit each other.</exception>
    /// <exception cref="CheckpointException">A file is missing or malformed.</exception>
    /// <remarks>Wortsman et al. 2021, <see href="https://arxiv.org/abs/2109.01903"/>, section 3.</remarks>
    public static WeightMix Interpolate(string start, string end, double alpha) => double.IsFinite(alpha)
        ? new([start, end], [1 - alpha, alpha], pattern: 1, rule: null)
        : throw new ArgumentOutOfRangeException(nameof(alpha), alpha, "α must be a finite number.");

    /// <summary>A soup: the mean of several models. The first is the pattern.</summary>
    /// <param name="models">Models that were tuned from one base with one output layer; at least one.</param>
    /// <exception cref="MergeException">The models do not fit each other.</exception>
    /// <exception cref="CheckpointException">A file is missing or malformed.</exception>
    /// <remarks>Wortsman et al. 2022, <see href="https://arxiv.org/abs/2203.05482"/>, section 2.</remarks>
    public static WeightMix Average(IReadOnlyList<string> models)
    {
        ArgumentNullException.ThrowIfNull(models);
        ArgumentOutOfRangeException.ThrowIfZero(models.Count);
        return new([.. models], [.. models.Select(_ => 1.0 / models.Count)], pattern: 0, rule: null);
    }

    /// <summary>θ₀ + λ·m(τ₁, τ₂, …) for the changes τᵢ = θᵢ − θ₀ and the rule m. The first tuned model is the pattern.</summary>
    /// <param name="baseModel">θ₀: the model that all were tuned from.</param>
    /// <param name="inputs">The tuned models, each with its weight.</param>
    /// <param name="options">The rule; task arithmetic when null.</param>
    /// <exception cref="MergeException">The models do not fit each other.</exception>
    /// <exception cref="CheckpointException">A file is missing or malformed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no model, or an option is out of range.</exception>
    public static WeightMix Combine(string baseModel, IReadOnlyList<MergeInput> inputs, MergeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentOutOfRangeException.ThrowIfZero(inputs.Count);
        options ??= new MergeOptions();
        options.Validate();
        string[] folders = [baseModel, .. inputs.Select(input => input.Folder)];
        double[] weights = [.. inputs.Select(input => options.Method == MergeMethod.Linear ? options.Scale * input.Weight : input.Weight)];

        // θ₀ + Σ wτ = (1 − Σ w)·θ₀ + Σ wθ: one rounding less, and exact for a single model of weight 1.
        return options.Method == MergeMethod.Linear
            ? new(folders, [1 - weights.Sum(), .. weights], pattern: 1, rule: null)
            : new(folders, [0, .. weights], pattern: 1, options);
    }

    /// <summary>Saves the combined model, whole or not at all.</summary>
    /// <param name="folder">A folder that is absent or empty.</param>
    /// <exception cref="StorageException">The folder holds something, or cannot be written.</exception>
    /// <exception cref="MergeException">A weight of the result is not a finite number.</exception>
    public void Save(string folder) => WeightFiles.SaveNew(folder, writer =>
    {
        SafetensorsItem[] items = [.. _pattern.Files.Entries.Values.Select(Item)];
        CheckpointFiles.Write(writer.Folder, items);
        _pattern.CopyCompanions(writer.Folder, [.. items.Select(item => item.DType).Where(ElementType.IsNumber).Distinct()]);
    });

    /// <summary>Puts the combined weights into a model in memory, to measure it. Its weights take 32 bits each.</summary>
    /// <param name="model">A model that was opened from the pattern's folder.</param>
    /// <exception cref="MergeException">The pattern has no weight for a place of the model.</exception>
    public void LoadInto(PretrainedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        foreach (Parameter parameter in model.Parameters())
        {
            float[] values = Combined(parameter.Name, parameter.Base.Shape);
            parameter.MakeWritable();
            parameter.Base.Backend.CopyFromHost(values, parameter.Base);
        }

        foreach (ModuleBuffer buffer in model.Buffers())
        {
            buffer.Value.Backend.CopyFromHost(Combined(buffer.Name, buffer.Value.Shape), buffer.Value);
        }
    }

    private float[] Combined(string name, Shape shape)
    {
        SafetensorsEntry entry = _pattern.Require(name, Array.ConvertAll(shape.AsSpan().ToArray(), extent => (long)extent), "the model in memory");
        float[] values = new float[shape.Count];
        int at = 0;
        ForEachPiece(entry, piece =>
        {
            foreach (double value in piece)
            {
                values[at++] = (float)value;
            }
        });
        return values;
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        foreach (MergedModel model in _models)
        {
            model.Dispose();
        }
    }

    private void Compare()
    {
        var leftOut = new List<string>();
        foreach (MergedModel model in _models.Where(model => model != _pattern))
        {
            _pattern.ThrowIfStranger(model);
            var met = _pattern.Files.Entries.Values.Select(entry => model.Require(entry.Name, entry.Shape, _pattern.Folder)).ToHashSet();
            leftOut.AddRange(model.Files.Entries.Values.Where(entry => !met.Contains(entry)).Select(entry => $"{model.Folder}: {entry.Name}"));
        }

        LeftOut = leftOut;
    }

    private SafetensorsItem Item(SafetensorsEntry entry)
    {
        if (Only(entry) is var (model, single))
        {
            return new SafetensorsItem(entry.Name, single.DType, single.Shape, stream =>
            {
                for (long start = 0; start < single.ByteLength; start += ChangeMerge.Piece)
                {
                    stream.Write(model.Files.Bytes(single, start, (int)Math.Min(ChangeMerge.Piece, single.ByteLength - start)));
                }
            });
        }

        SafetensorsDType type = Sources(entry).Select(source => source.Entry.DType).Aggregate(ElementType.Wider);
        return new SafetensorsItem(entry.Name, type, entry.Shape, stream =>
        {
            byte[] bytes = new byte[ChangeMerge.Piece * ElementType.Size(type)];
            ForEachPiece(entry, piece =>
            {
                Span<byte> filled = bytes.AsSpan(0, piece.Length * ElementType.Size(type));
                ElementType.Write(piece, type, filled);
                stream.Write(filled);
            });
        });
    }

    // The one model whose bytes are taken as they are: it alone counts, or the weight is none that can be averaged.
    private (MergedModel Model, SafetensorsEntry Entry)? Only(SafetensorsEntry entry)
    {
        int first = Array.FindIndex(_weights, weight => weight != 0);
        (MergedModel Model, SafetensorsEntry Entry)[] sources = Sources(entry);
        if (_rule is null && first >= 0 && _weights[first] == 1 && _weights.Count(weight => weight != 0) == 1)
        {
            return sources[first];
        }

        if (sources.All(source => ElementType.IsNumber(source.Entry.DType)))
        {
            return null;
        }

        // A counter of steps may differ; packed weights that do cannot be averaged as they lie.
        return entry.DType == SafetensorsDType.I64 || sources.All(source => HasBytesOf(source, sources[0]))
            ? sources[Math.Max(0, first)]
            : throw new MergeException(entry.Name, $"it is stored as {entry.DType.Name()}, and the models differ in it", "Combine models with weights as F32, BF16, F16 or F64");
    }

    private static bool HasBytesOf((MergedModel Model, SafetensorsEntry Entry) a, (MergedModel Model, SafetensorsEntry Entry) b)
    {
        bool isSame = a.Entry.DType == b.Entry.DType;
        for (long start = 0; isSame && start < a.Entry.ByteLength; start += ChangeMerge.Piece)
        {
            int count = (int)Math.Min(ChangeMerge.Piece, a.Entry.ByteLength - start);
            isSame = a.Model.Files.Bytes(a.Entry, start, count).SequenceEqual(b.Model.Files.Bytes(b.Entry, start, count));
        }

        return isSame;
    }

    private (MergedModel Model, SafetensorsEntry Entry)[] Sources(SafetensorsEntry entry) =>
        [.. _models.Select(model => (model, model.Require(entry.Name, entry.Shape, _pattern.Folder)))];

    private delegate void PieceReader(ReadOnlySpan<double> piece);

    private void ForEachPiece(SafetensorsEntry entry, PieceReader take)
    {
        (MergedModel Model, SafetensorsEntry Entry)[] sources = Only(entry) is { } only ? [only] : Sources(entry);
        double[] weights = sources.Length == 1 ? [1] : _weights;
        ChangeMerge? changes = _rule is null || sources.Length == 1 ? null
            : new ChangeMerge(_rule, entry.Name, entry.ElementCount, weights[1..], (index, start, into) => ReadChange(sources[0], sources[index + 1], start, into));
        double[] sum = new double[(int)Math.Min(ChangeMerge.Piece, entry.ElementCount)];
        for (long start = 0; start < entry.ElementCount; start += ChangeMerge.Piece)
        {
            Span<double> piece = sum.AsSpan(0, (int)Math.Min(ChangeMerge.Piece, entry.ElementCount - start));
            piece.Clear();
            if (changes is not null)
            {
                changes.Next(start, piece);
                Add(sources[0], start, 1, piece);
            }
            else
            {
                for (int i = 0; i < sources.Length; i++)
                {
                    Add(sources[i], start, weights[i], piece);
                }
            }

            take(Finite(piece, entry, start));
        }
    }

    private static void Add((MergedModel Model, SafetensorsEntry Entry) source, long start, double weight, Span<double> sum)
    {
        if (weight == 0)
        {
            return; // 0 · ∞ would be no number
        }

        Span<double> values = new double[sum.Length];
        Read(source, start, values);
        for (int i = 0; i < sum.Length; i++)
        {
            sum[i] += weight * values[i];
        }
    }

    private static void ReadChange((MergedModel Model, SafetensorsEntry Entry) origin, (MergedModel Model, SafetensorsEntry Entry) tuned, long start, Span<float> into)
    {
        Span<double> before = new double[into.Length];
        Span<double> after = new double[into.Length];
        Read(origin, start, before);
        Read(tuned, start, after);
        for (int i = 0; i < into.Length; i++)
        {
            into[i] = (float)(after[i] - before[i]);
        }
    }

    private static void Read((MergedModel Model, SafetensorsEntry Entry) source, long start, Span<double> into)
    {
        int size = ElementType.Size(source.Entry.DType);
        ElementType.Read(source.Model.Files.Bytes(source.Entry, start * size, into.Length * size), source.Entry.DType, into);
    }

    private static ReadOnlySpan<double> Finite(ReadOnlySpan<double> piece, SafetensorsEntry entry, long start)
    {
        for (int i = 0; i < piece.Length; i++)
        {
            if (!double.IsFinite(piece[i]))
            {
                throw new MergeException(entry.Name, $"element {start + i} of the result is {piece[i]}", "Look for the model whose weights are not finite numbers, and leave it out");
            }
        }

        return piece;
    }
}
