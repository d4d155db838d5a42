using System.Collections.Frozen;
using Hieno.Formats.Safetensors;

namespace Hieno.Formats.PyTorch;

/// <summary>What a name in a pickle may stand for. A name that is not in this table is refused: nothing is ever looked up or called.</summary>
/// <param name="Name">Module and name, separated by a space.</param>
/// <param name="Role">What it does here.</param>
/// <param name="DType">Of storages and element types: the type.</param>
internal sealed record PickleGlobal(string Name, PickleRole Role, SafetensorsDType? DType = null)
{
    private static readonly FrozenDictionary<string, PickleGlobal> s_known = Known().ToFrozenDictionary(global => global.Name, StringComparer.Ordinal);

    /// <summary>The meaning of a name; null where it has none here.</summary>
    public static PickleGlobal? Find(string module, string name) => s_known.GetValueOrDefault($"{module} {name}");

    private static IEnumerable<PickleGlobal> Known()
    {
        yield return new("collections OrderedDict", PickleRole.Dictionary);
        yield return new("collections Counter", PickleRole.Dictionary);
        yield return new("torch Size", PickleRole.Tuple);
        yield return new("torch device", PickleRole.Opaque);
        yield return new("builtins set", PickleRole.Opaque);
        yield return new("builtins bytearray", PickleRole.Opaque);
        yield return new("builtins complex", PickleRole.Opaque);
        yield return new("__builtin__ set", PickleRole.Opaque); // Python 2's name, which protocol 2 writes
        yield return new("__builtin__ bytearray", PickleRole.Opaque);
        yield return new("_codecs encode", PickleRole.Opaque);
        yield return new("torch._utils _rebuild_tensor", PickleRole.Tensor);
        yield return new("torch._utils _rebuild_tensor_v2", PickleRole.Tensor);
        yield return new("torch._utils _rebuild_tensor_v3", PickleRole.TypedTensor);
        yield return new("torch._utils _rebuild_parameter", PickleRole.Parameter);
        yield return new("torch._utils _rebuild_parameter_with_state", PickleRole.Parameter);
        yield return new("torch.nn.parameter Parameter", PickleRole.Parameter);
        yield return new("torch.storage UntypedStorage", PickleRole.Storage);
        yield return new("torch UntypedStorage", PickleRole.Storage);
        foreach ((string storage, string[] names, SafetensorsDType type) in (IEnumerable<(string, string[], SafetensorsDType)>)
        [
            ("Float", ["float32", "float"], SafetensorsDType.F32), ("Double", ["float64", "double"], SafetensorsDType.F64),
            ("Half", ["float16", "half"], SafetensorsDType.F16), ("BFloat16", ["bfloat16"], SafetensorsDType.BF16),
            ("Long", ["int64", "long"], SafetensorsDType.I64), ("Int", ["int32", "int"], SafetensorsDType.I32), ("Short", ["int16", "short"], SafetensorsDType.I16),
            ("Char", ["int8"], SafetensorsDType.I8), ("Byte", ["uint8"], SafetensorsDType.U8), ("Bool", ["bool"], SafetensorsDType.Bool),
            ("ComplexFloat", ["complex64", "cfloat"], SafetensorsDType.C64),
        ])
        {
            foreach (PickleGlobal global in (IEnumerable<PickleGlobal>)[new($"torch {storage}Storage", PickleRole.Storage, type), .. names.Select(name => new PickleGlobal($"torch {name}", PickleRole.ElementType, type))])
            {
                yield return global;
            }
        }
    }
}

/// <summary>What a known name of a pickle does.</summary>
internal enum PickleRole
{
    /// <summary>Makes a dictionary.</summary>
    Dictionary,

    /// <summary>Makes a tuple of what it is given.</summary>
    Tuple,

    /// <summary>Makes something of no interest.</summary>
    Opaque,

    /// <summary>Makes a tensor whose storage knows the type.</summary>
    Tensor,

    /// <summary>Makes a tensor whose type is an argument.</summary>
    TypedTensor,

    /// <summary>Gives the tensor that it is given first.</summary>
    Parameter,

    /// <summary>Is a kind of storage.</summary>
    Storage,

    /// <summary>Is an element type.</summary>
    ElementType,
}
