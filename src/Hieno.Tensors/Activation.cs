namespace Hieno.Tensors;

/// <summary>The activation functions of pretrained networks; σ is the logistic function, Φ the normal distribution function.</summary>
public enum Activation
{
    /// <summary>x.</summary>
    Identity,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>max(x, 0)².</summary>
    Relu2,

    /// <summary>min(max(x, 0), 6).</summary>
    Relu6,

    /// <summary>x where positive, 0.01·x elsewhere.</summary>
    LeakyRelu,

    /// <summary>x where positive, 0.1·x elsewhere, as in Darknet.</summary>
    LeakyReluTenth,

    /// <summary>x·Φ(x), exact. Hendrycks and Gimpel 2016, <see href="https://arxiv.org/abs/1606.08415"/>.</summary>
    Gelu,

    /// <summary>x·½(1 + tanh(√(2/π)·(x + 0.044715·x³))): the approximation that GPT-2 and Gemma were trained with.</summary>
    GeluTanh,

    /// <summary><see cref="Gelu"/> cut off at −10 and 10.</summary>
    Gelu10,

    /// <summary>x·σ(1.702·x), as in CLIP.</summary>
    QuickGelu,

    /// <summary>x·σ(x), also called swish.</summary>
    Silu,

    /// <summary>x·tanh(ln(1 + eˣ)). Misra 2019, <see href="https://arxiv.org/abs/1908.08681"/>.</summary>
    Mish,

    /// <summary>σ(x).</summary>
    Sigmoid,

    /// <summary>tanh(x).</summary>
    Tanh,

    /// <summary>Φ((x − 0.707107) / 0.282095): the squared-ReLU substitute of Mega, <see href="https://arxiv.org/abs/2209.10655"/>.</summary>
    Laplace,
}

/// <summary>The names by which model configurations call activation functions.</summary>
public static class Activations
{
    private static readonly Dictionary<string, Activation> s_byName = new(StringComparer.Ordinal)
    {
        ["linear"] = Activation.Identity,
        ["relu"] = Activation.Relu,
        ["relu2"] = Activation.Relu2,
        ["relu6"] = Activation.Relu6,
        ["leaky_relu"] = Activation.LeakyRelu,
        ["gelu"] = Activation.Gelu,
        ["gelu_python"] = Activation.Gelu,
        ["gelu_new"] = Activation.GeluTanh,
        ["gelu_fast"] = Activation.GeluTanh, // the same formula with √(2/π) rounded to ten digits
        ["gelu_accurate"] = Activation.GeluTanh,
        ["gelu_pytorch_tanh"] = Activation.GeluTanh,
        ["gelu_python_tanh"] = Activation.GeluTanh,
        ["gelu_10"] = Activation.Gelu10,
        ["quick_gelu"] = Activation.QuickGelu,
        ["silu"] = Activation.Silu,
        ["swish"] = Activation.Silu,
        ["mish"] = Activation.Mish,
        ["sigmoid"] = Activation.Sigmoid,
        ["tanh"] = Activation.Tanh,
        ["laplace"] = Activation.Laplace,
    };

    /// <summary>All names that <see cref="Parse"/> knows.</summary>
    public static IReadOnlyCollection<string> Names => s_byName.Keys;

    /// <summary>The function that a Hugging Face configuration names, e.g. in <c>hidden_act</c>.</summary>
    /// <exception cref="ArgumentException">There is no such function; the message lists those there are.</exception>
    public static Activation Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return s_byName.TryGetValue(name, out Activation kind)
            ? kind
            : throw new ArgumentException($"Activation: '{name}' is not known. Known are {string.Join(", ", s_byName.Keys)}.", nameof(name));
    }
}
