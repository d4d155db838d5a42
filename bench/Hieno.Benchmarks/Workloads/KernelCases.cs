using System.Text.Json.Nodes;
using Hieno.Tensors;

namespace Hieno.Benchmarks.Workloads;

/// <summary>Everything in a training step that is neither a matrix product nor attention, at the sizes of a step of 1024 tokens.</summary>
internal static class KernelCases
{
    private const double Target = 1.5;
    private const int Tokens = 1024, Width = 768, Vocabulary = 50257;
    private const int Parameters = 124_439_808; // GPT-2 small

    /// <summary>The kernels, forward and backward apart.</summary>
    public static IReadOnlyList<BenchmarkCase> All { get; } =
    [
        Gelu(Activation.GeluTanh, backward: false),
        Gelu(Activation.GeluTanh, backward: true),
        Gelu(Activation.Gelu, backward: false),
        Gelu(Activation.Gelu, backward: true),
        SwiGlu(backward: false),
        SwiGlu(backward: true),
        Softmax(backward: false),
        Softmax(backward: true),
        LayerNorm(backward: false),
        LayerNorm(backward: true),
        RmsNorm(backward: false),
        RmsNorm(backward: true),
        CrossEntropy(backward: false),
        CrossEntropy(backward: true),
        AdamW(),
    ];

    private static BenchmarkCase Gelu(Activation kind, bool backward)
    {
        const int Columns = 4 * Width;
        bool tanh = kind == Activation.GeluTanh;
        JsonObject peer = new() { ["kernel"] = "gelu", ["rows"] = Tokens, ["columns"] = Columns, ["tanh"] = tanh, ["backward"] = backward };
        return Kernel(tanh ? "gelu tanh" : "gelu erf", Tokens, Columns, backward, operands: backward ? 3 : 2, peer, () =>
        {
            Tensor x = Operands.Create([Tokens, Columns], seed: 1, scale: 4f), dy = Operands.Create([Tokens, Columns], seed: 2);
            Tensor y = Tensor.CreateLongLived(x.Shape);
            return new CaseRun(
                backward ? () => x.Backend.ActivateBackward(x, kind, dy, y, add: false) : () => x.Backend.ActivateForward(x, kind, y),
                () => Operands.MeanMagnitude(y));
        });
    }

    private static BenchmarkCase SwiGlu(bool backward)
    {
        const int Columns = 2048; // a Llama-shaped model of this width
        JsonObject peer = new() { ["kernel"] = "swiglu", ["rows"] = Tokens, ["columns"] = Columns, ["backward"] = backward };
        return Kernel("swiglu", Tokens, Columns, backward, operands: backward ? 5 : 3, peer, () =>
        {
            Tensor gate = Operands.Create([Tokens, Columns], seed: 1, scale: 4f), up = Operands.Create([Tokens, Columns], seed: 2);
            Tensor dy = Operands.Create([Tokens, Columns], seed: 3);
            Tensor y = Tensor.CreateLongLived(gate.Shape), dgate = Tensor.CreateLongLived(gate.Shape), dup = Tensor.CreateLongLived(gate.Shape);
            return backward
                ? new CaseRun(
                    () => gate.Backend.GatedActivateBackward(gate, up, Activation.Silu, dy, dgate, addToGate: false, dup, addToUp: false),
                    () => Operands.MeanMagnitude(dgate, dup))
                : new CaseRun(() => gate.Backend.GatedActivateForward(gate, up, Activation.Silu, y), () => Operands.MeanMagnitude(y));
        });
    }

    private static BenchmarkCase Softmax(bool backward)
    {
        const int Rows = 12288, Columns = 256; // scores of 12 heads and 4 × 256 tokens
        JsonObject peer = new() { ["kernel"] = "softmax", ["rows"] = Rows, ["columns"] = Columns, ["backward"] = backward };
        return Kernel("softmax", Rows, Columns, backward, operands: backward ? 3 : 2, peer, () =>
        {
            Tensor x = Operands.Create([Rows, Columns], seed: 1, scale: 4f), dy = Operands.Create([Rows, Columns], seed: 2);
            Tensor y = Tensor.CreateLongLived(x.Shape), dx = Tensor.CreateLongLived(x.Shape);
            x.Backend.SoftmaxForward(x, y);
            return backward
                ? new CaseRun(() => x.Backend.SoftmaxBackward(y, dy, dx, add: false), () => Operands.MeanMagnitude(dx))
                : new CaseRun(() => x.Backend.SoftmaxForward(x, y), () => Operands.MeanMagnitude(y));
        });
    }

    private static BenchmarkCase LayerNorm(bool backward)
    {
        const float Eps = 1e-5f;
        JsonObject peer = new() { ["kernel"] = "layer_norm", ["rows"] = Tokens, ["columns"] = Width, ["eps"] = Eps, ["backward"] = backward };
        return Kernel("layer norm", Tokens, Width, backward, operands: backward ? 3 : 2, peer, () =>
        {
            Tensor x = Operands.Create([Tokens, Width], seed: 1), dy = Operands.Create([Tokens, Width], seed: 2);
            Tensor gain = Operands.Create([Width], seed: 3), bias = Operands.Create([Width], seed: 4);
            Tensor y = Tensor.CreateLongLived(x.Shape), mean = Tensor.CreateLongLived([Tokens]), inverse = Tensor.CreateLongLived([Tokens]);
            Tensor dgain = Tensor.CreateLongLived([Width]), dbias = Tensor.CreateLongLived([Width]);
            Action forward = () => x.Backend.LayerNormForward(x, gain, bias, Eps, y, mean, inverse);
            if (!backward)
            {
                return new CaseRun(forward, () => Operands.MeanMagnitude(y));
            }

            forward();
            return new CaseRun(
                () => x.Backend.LayerNormBackward(x, gain, mean, inverse, dy, y, addToX: false, dgain, addToGain: false, dbias, addToBias: false),
                () => Operands.MeanMagnitude(y, dgain, dbias));
        });
    }

    private static BenchmarkCase RmsNorm(bool backward)
    {
        const float Eps = 1e-6f;
        JsonObject peer = new() { ["kernel"] = "rms_norm", ["rows"] = Tokens, ["columns"] = Width, ["eps"] = Eps, ["backward"] = backward };
        return Kernel("rms norm", Tokens, Width, backward, operands: backward ? 3 : 2, peer, () =>
        {
            Tensor x = Operands.Create([Tokens, Width], seed: 1), dy = Operands.Create([Tokens, Width], seed: 2);
            Tensor gain = Operands.Create([Width], seed: 3), dgain = Tensor.CreateLongLived([Width]);
            Tensor y = Tensor.CreateLongLived(x.Shape), inverse = Tensor.CreateLongLived([Tokens]);
            Action forward = () => x.Backend.RmsNormForward(x, gain, Eps, gainOffset: 0f, y, inverse);
            if (!backward)
            {
                return new CaseRun(forward, () => Operands.MeanMagnitude(y));
            }

            forward();
            return new CaseRun(
                () => x.Backend.RmsNormBackward(x, gain, gainOffset: 0f, inverse, dy, y, addToX: false, dgain, addToGain: false),
                () => Operands.MeanMagnitude(y, dgain));
        });
    }

    /// <summary>The loss alone, or the loss and its gradient: ours finds both in one call.</summary>
    private static BenchmarkCase CrossEntropy(bool backward)
    {
        JsonObject peer = new() { ["kernel"] = "cross_entropy", ["rows"] = Tokens, ["columns"] = Vocabulary, ["backward"] = backward };
        double bytes = (backward ? 2.0 : 1.0) * Tokens * Vocabulary * sizeof(float);
        return new BenchmarkCase($"cross-entropy {(backward ? "forward + backward" : "forward")}", Target, CaseWork.Bytes(bytes), peer, () =>
        {
            Tensor logits = Operands.Create([Tokens, Vocabulary], seed: 1, scale: 4f);
            Tensor? gradient = backward ? Tensor.CreateLongLived(logits.Shape) : null;
            int[] labels = [.. Enumerable.Range(0, Tokens).Select(row => row * 7919 % Vocabulary)];
            float[] factors = new float[Tokens], losses = new float[Tokens];
            bool[] correct = new bool[Tokens];
            Array.Fill(factors, 1f / Tokens);
            return new CaseRun(
                () => logits.Backend.CrossEntropyRows(logits, labels, factors, smoothing: 0f, gradient, losses, correct),
                () => gradient is null ? losses.Average() : Operands.MeanMagnitude(gradient));
        });
    }

    private static BenchmarkCase AdamW()
    {
        const double Rate = 1e-4, Decay = 0.01;
        JsonObject peer = new() { ["kernel"] = "adamw", ["parameters"] = Parameters, ["learning_rate"] = Rate, ["weight_decay"] = Decay };
        const double Bytes = 7.0 * Parameters * sizeof(float); // weight, gradient and both means are read, all but the gradient written
        return new BenchmarkCase("adamw 124 M weights", Target, CaseWork.Bytes(Bytes), peer, () =>
        {
            Tensor weights = Operands.Create([Parameters], seed: 1, scale: 0.02f), grad = Operands.Create([Parameters], seed: 2, scale: 1e-3f);
            Tensor m = Tensor.CreateLongLived([Parameters]), v = Tensor.CreateLongLived([Parameters]);
            int step = 0;
            return new CaseRun(
                () => Updates.AdamWStep(weights, grad, m, v, new AdamWSettings { LearningRate = Rate, WeightDecay = Decay, Step = ++step }),
                () => Operands.MeanMagnitude(weights));
        });
    }

    /// <summary>A case bound by memory: <paramref name="operands"/> matrices of rows × columns are read or written.</summary>
    private static BenchmarkCase Kernel(string name, int rows, int columns, bool backward, int operands, JsonObject peer, Func<CaseRun> build) => new(
        $"{name} {rows}x{columns} {(backward ? "backward" : "forward")}",
        Target,
        CaseWork.Bytes((double)operands * rows * columns * sizeof(float)),
        peer,
        build);
}
