using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>How a weight that no checkpoint holds gets its first values.</summary>
public readonly record struct Initializer
{
    private enum Form
    {
        Constant,
        Normal,
        Uniform,
    }

    private Form Shape { get; init; }

    private float Size { get; init; }

    /// <summary>All 0.</summary>
    public static Initializer Zeros => new() { Shape = Form.Constant, Size = 0f };

    /// <summary>All 1.</summary>
    public static Initializer Ones => new() { Shape = Form.Constant, Size = 1f };

    /// <summary>All <paramref name="value"/>.</summary>
    public static Initializer Constant(float value) => new() { Shape = Form.Constant, Size = value };

    /// <summary>N(0, <paramref name="deviation"/>²).</summary>
    public static Initializer Normal(float deviation) => new() { Shape = Form.Normal, Size = deviation };

    /// <summary>U(−<paramref name="bound"/>, <paramref name="bound"/>).</summary>
    public static Initializer Uniform(float bound) => new() { Shape = Form.Uniform, Size = bound };

    /// <summary>U(−1/√fanIn, 1/√fanIn): Kaiming-uniform with a = √5, the usual start of a linear layer and of LoRA's A.</summary>
    /// <remarks>He et al. 2015, <see href="https://arxiv.org/abs/1502.01852"/>; a = √5 is PyTorch's choice.</remarks>
    public static Initializer KaimingUniform(int fanIn) => Uniform(1f / MathF.Sqrt(fanIn));

    /// <summary>U(−√(6 / (fanIn + fanOut)), √(6 / (fanIn + fanOut))): the usual start of a layer in Keras.</summary>
    /// <remarks>Glorot and Bengio 2010, AISTATS, equation 16.</remarks>
    public static Initializer GlorotUniform(int fanIn, int fanOut) => Uniform(MathF.Sqrt(6f / (fanIn + fanOut)));

    /// <summary>N(0, 2 / <paramref name="fan"/>): Kaiming-normal, the start of convolutions before a ReLU.</summary>
    /// <param name="fan">Numbers that one feature reads (fan-in), or numbers that one channel is read by (fan-out).</param>
    /// <remarks>He et al. 2015, <see href="https://arxiv.org/abs/1502.01852"/>, equations 10 and 14.</remarks>
    public static Initializer KaimingNormal(int fan) => Normal(MathF.Sqrt(2f / fan));

    /// <summary>A new long-lived tensor with these first values.</summary>
    /// <param name="shape">Its extents.</param>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="name">The weight's name: each weight draws its own numbers, whatever else is created before it.</param>
    /// <param name="backend">Where it lies.</param>
    public Tensor Create(Shape shape, ulong seed, string name, Backend? backend = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        Tensor tensor = Tensor.CreateLongLived(shape, DType.F32, backend);
        Span<float> values = tensor.Backend.IsHostMemory ? tensor.Span : new float[shape.Count];
        var rng = new Rng(seed, RngStream.Initialization);
        switch (Shape)
        {
            case Form.Normal:
                rng.FillNormal(values, 0f, Size, Position(name));
                break;
            case Form.Uniform:
                rng.FillUniform(values, -Size, Size, Position(name));
                break;
            default:
                values.Fill(Size);
                break;
        }

        if (!tensor.Backend.IsHostMemory)
        {
            tensor.Backend.CopyFromHost(values, tensor);
        }

        GC.KeepAlive(tensor); // its memory must not be freed while it is filled
        return tensor;
    }

    // FNV-1a, 64 bits: spreads the names over the generator's step counter.
    private static ulong Position(string name)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in name)
        {
            hash = (hash ^ c) * 1099511628211;
        }

        return hash;
    }
}
