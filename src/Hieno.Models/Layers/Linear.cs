using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>y = x·Wᵀ + b, plus whatever an attached update adds.</summary>
public sealed class Linear : Module
{
    private readonly List<LinearUpdate> _updates = [];

    /// <summary>Takes <c>weight</c> and, if wanted, <c>bias</c> from <paramref name="w"/>.</summary>
    /// <param name="w">The layer's place in the checkpoint.</param>
    /// <param name="inputs">Width of x.</param>
    /// <param name="outputs">Width of y.</param>
    /// <param name="initializer">First values of the weight; the bias starts at 0.</param>
    /// <param name="bias">True when the layer has an offset.</param>
    /// <param name="transposed">True when the checkpoint stores the weight as [in, out], as GPT-2's Conv1D does.</param>
    public Linear(WeightScope w, int inputs, int outputs, Initializer initializer, bool bias = true, bool transposed = false)
        : base(w.Path)
    {
        (In, Out, Transposed) = (inputs, outputs, transposed);
        Weight = Add(w.Projection(transposed ? [inputs, outputs] : [outputs, inputs], initializer));
        Weight.IsTransposed = transposed;
        Bias = bias ? Add(w.Weight("bias", [outputs], Initializer.Zeros)) : null;
    }

    /// <summary>Width of the input.</summary>
    public int In { get; }

    /// <summary>Width of the output.</summary>
    public int Out { get; }

    /// <summary>True when the weight is stored as [in, out].</summary>
    public bool Transposed { get; }

    /// <summary>W, [out, in] (or [in, out] when <see cref="Transposed"/>).</summary>
    public Parameter Weight { get; }

    /// <summary>b, [out], or null.</summary>
    public Parameter? Bias { get; }

    /// <summary>The attached updates, e.g. the LoRA pairs of several adapters; those that are switched off change nothing.</summary>
    public IReadOnlyList<LinearUpdate> Updates => _updates;

    /// <inheritdoc/>
    public override IReadOnlyList<AdapterPart> Parts => _updates;

    /// <summary>Computes the layer.</summary>
    /// <param name="x">[..., in].</param>
    /// <returns>[..., out].</returns>
    public Tensor Forward(Tensor x) => _updates.Count == 0 ? Ops.Linear(x, Weight, Bias?.Value, Transposed) : ForwardUpdated(x);

    /// <summary>A weight of an update of this layer, under the layer's name and depth.</summary>
    /// <param name="name">Its last part, e.g. <c>lora_A.weight</c>.</param>
    /// <param name="value">Its first value, long-lived.</param>
    public Parameter CreateUpdateWeight(string name, Tensor value) => new($"{Path}.{name}", value, Weight.Kind, Weight.Depth);

    internal void Attach(LinearUpdate update) => _updates.Add(update);

    internal void Detach(LinearUpdate update) => _updates.Remove(update);

    private Tensor ForwardUpdated(Tensor x)
    {
        if (AdapterRouting.Current is not { } routing)
        {
            return Changed(x, _updates.FindAll(update => update.Enabled), () => Product(x, Weight));
        }

        // Tokens of all adapters share the layer's own product, which reads the weight once.
        Tensor plain = Product(x, Weight);
        return routing.Change(plain, group => _updates.FindAll(update => update.Adapter == group.Name) is { Count: > 0 } updates
            ? Changed(group.Of(x), updates, () => group.Of(plain))
            : null);
    }

    // All changes of input and weight come before the product, all changes of the output after it.
    private Tensor Changed(Tensor x, List<LinearUpdate> updates, Func<Tensor> plain)
    {
        (Tensor input, Tensor weight) = (x, Weight);
        foreach (LinearUpdate update in updates)
        {
            (input, weight) = (update.TransformInput(input), update.TransformWeight(weight));
        }

        bool isPlain = ReferenceEquals(input, x) && ReferenceEquals(weight, Weight.Value);
        Tensor y = isPlain ? plain() : Product(input, weight);
        foreach (LinearUpdate update in updates)
        {
            y = update.Apply(x, y);
        }

        return y;
    }

    private Tensor Product(Tensor x, Tensor weight) => Ops.Linear(x, weight, Bias?.Value, Transposed);
}
