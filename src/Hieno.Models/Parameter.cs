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
    private Tensor? _shadow;
    private bool _shadowActive;

    internal Parameter(string name, Tensor value, ParameterKind kind, int depth)
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

    /// <summary>The weight that the forward pass reads.</summary>
    public Tensor Value => _shadowActive ? _shadow! : _base;

    /// <summary>The weight of the base model, also while a tuned copy stands in for it.</summary>
    public Tensor Base => _base;

    /// <summary>The tuned copy that an adapter trains in place of the base weight, or null.</summary>
    public Tensor? Shadow => _shadow;

    /// <summary>Number of weights.</summary>
    public long Count => _base.Count;

    /// <summary>
    /// True when training changes this weight. Setting it gives a weight that is mapped from its file, or stored in 16 bits, memory of its
    /// own in 32 bits; frozen weights cost neither gradient nor optimizer state.
    /// </summary>
    public bool Trainable
    {
        get => Value.NeedsGrad;
        set
        {
            if (value && !_shadowActive && (_base.DType != DType.F32 || _base.Storage.IsBorrowed))
            {
                _base = OwnCopy(_base);
            }

            Value.NeedsGrad = value;
            if (!value)
            {
                Value.DropGrad();
            }
        }
    }

    /// <summary>The weight that the forward pass reads.</summary>
    public static implicit operator Tensor(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return parameter.Value;
    }

    /// <summary>The weight that the forward pass reads.</summary>
    public Tensor ToTensor() => Value;

    /// <summary>Puts a trainable copy in place of the base weight, which stays untouched: PEFT's <c>modules_to_save</c>.</summary>
    public void BeginShadow()
    {
        _shadow ??= OwnCopy(_base);
        _base.NeedsGrad = false;
        _shadowActive = true;
    }

    /// <summary>Switches between the tuned copy (true) and the base weight (false), if there is a copy.</summary>
    public void UseShadow(bool active) => _shadowActive = active && _shadow is not null;

    /// <summary>Makes the tuned copy the base weight; the copy is gone afterwards.</summary>
    public void MergeShadow()
    {
        if (_shadow is not null)
        {
            (_base, _shadow, _shadowActive) = (_shadow, null, false);
        }
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

    /// <summary>Gives a base weight that is mapped from its file or stored in 16 bits memory of its own in 32 bits, so that it can be written to.</summary>
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
