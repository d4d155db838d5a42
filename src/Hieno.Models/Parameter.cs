using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>Which part of a network a parameter belongs to: what partial tuning selects by.</summary>
public enum ParameterKind
{
    /// <summary>None of the others.</summary>
    Other,

    /// <summary>Query, key, value and output projections.</summary>
    Attention,

    /// <summary>The block's feed-forward layers.</summary>
    FeedForward,

    /// <summary>Gains and offsets of normalisation layers.</summary>
    Norm,

    /// <summary>Token, position and type tables.</summary>
    Embedding,

    /// <summary>The output layer of the task.</summary>
    Head,
}

/// <summary>A named weight of a model.</summary>
public sealed class Parameter
{
    private Tensor _base;
    private Tensor? _standIn;

    /// <summary>Names a weight. Modules take theirs from a <see cref="WeightScope"/>; this is for what an adapter adds.</summary>
    /// <param name="name">See <see cref="Name"/>.</param>
    /// <param name="value">Its first value, long-lived.</param>
    /// <param name="kind">See <see cref="Kind"/>.</param>
    /// <param name="depth">See <see cref="Depth"/>.</param>
    public Parameter(string name, Tensor value, ParameterKind kind = ParameterKind.Other, int depth = 0)
    {
        (Name, _base, Kind, Depth) = (name, value, kind, depth);
    }

    /// <summary>The checkpoint's name, e.g. <c>model.layers.3.mlp.up_proj.weight</c>.</summary>
    public string Name { get; }

    /// <summary>The part of the network it belongs to.</summary>
    public ParameterKind Kind { get; }

    /// <summary>How deep it lies: 0 for embeddings, i + 1 for block i, number of blocks + 1 for the final norm and the head.</summary>
    public int Depth { get; }

    /// <summary>True for the offset of a linear or normalisation layer.</summary>
    public bool IsBias => Name.EndsWith(".bias", StringComparison.Ordinal);

    /// <summary>True for the matrix of a linear layer that is stored as [in, out], so that each output is a column.</summary>
    public bool IsTransposed { get; internal set; }

    /// <summary>The weight that the forward pass reads.</summary>
    public Tensor Value => _standIn ?? _base;

    /// <summary>The weight of the base model, also while an adapter's copy stands in for it.</summary>
    public Tensor Base => _base;

    /// <summary>Number of weights.</summary>
    public long Count => _base.Count;

    /// <summary>
    /// True when training changes this weight. Setting it gives a weight that is mapped from its file, or stored in 16 bits, memory of its
    /// own in 32 bits; frozen weights cost neither gradient nor optimizer state.
    /// </summary>
    /// <exception cref="InvalidOperationException">The weight was quantised: what its few bits have lost cannot be trained back. Set to true only.</exception>
    public bool Trainable
    {
        get => Value.NeedsGrad;
        set
        {
            if (value && _standIn is null && _base.DType == DType.NF4)
            {
                throw new InvalidOperationException($"{Name} is stored as {_base.DType} and cannot be trained. Train an adapter or a copy beside it, or open the model without quantisation.");
            }

            if (value && _standIn is null && (_base.DType != DType.F32 || _base.Storage.IsBorrowed))
            {
                _base = OwnCopy(_base);
            }

            Value.NeedsGrad = value;
            if (!value)
            {
                Value.ClearGrad();
            }
        }
    }

    /// <summary>How many times the learning rate it learns with; 1 unless a method says otherwise.</summary>
    public double LearningRateFactor { get; set; } = 1;

    /// <summary>The weight that the forward pass reads.</summary>
    public static implicit operator Tensor(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return parameter.Value;
    }

    /// <summary>A copy of the base weight in 32 bits, for an adapter to train in its place: PEFT's <c>modules_to_save</c>.</summary>
    public Tensor CopyBase() => OwnCopy(_base);

    /// <summary>Lets an adapter's copy stand in for the base weight, which stays untouched; null goes back to the base weight.</summary>
    /// <exception cref="ShapeException">The copy has another shape.</exception>
    public void StandIn(Tensor? copy)
    {
        ShapeException.ThrowUnless(copy is null || copy.Shape == _base.Shape, $"{Name}: the copy has shape {copy?.Shape}, expected {_base.Shape}.");
        _standIn = copy;
    }

    /// <summary>Puts another weight of the same shape in place of the base weight.</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public void Replace(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        ShapeException.ThrowUnless(value.Shape == _base.Shape, $"{Name}: the new value has shape {value.Shape}, expected {_base.Shape}.");
        value.NeedsGrad = _base.NeedsGrad;
        _base = value;
    }

    /// <summary>Gives a base weight that is mapped from its file or stored in fewer bits memory of its own in 32 bits, so that it can be written to.</summary>
    public void MakeWritable()
    {
        if (_base.DType != DType.F32 || _base.Storage.IsBorrowed)
        {
            bool needs = _base.NeedsGrad;
            _base = OwnCopy(_base);
            _base.NeedsGrad = needs;
        }
    }

    /// <summary>Name, shape and whether it is trained.</summary>
    public override string ToString() => $"{Name} {Value.Shape}{(Trainable ? ", trainable" : string.Empty)}";

    private static Tensor OwnCopy(Tensor source)
    {
        Tensor copy = Tensor.CreateLongLived(source.Shape, DType.F32, source.Backend);
        source.Backend.Copy(source, copy);
        return copy;
    }
}
