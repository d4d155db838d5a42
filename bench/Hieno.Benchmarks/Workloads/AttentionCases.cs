using System.Text.Json.Nodes;
using Hieno.Tensors;

namespace Hieno.Benchmarks.Workloads;

/// <summary>Causal attention of GPT-2's heads over short and long sequences: from the fused projection [B·T, 3C] to the output [B·T, C], and back.</summary>
internal static class AttentionCases
{
    private const int Heads = 12, HeadWidth = 64, Width = Heads * HeadWidth;
    private const double Target = 3;

    /// <summary>1024 to 4096 tokens in sequences of 128 to 4096.</summary>
    public static IReadOnlyList<BenchmarkCase> All { get; } =
    [
        .. from shape in ((int Batch, int Tokens)[])[(8, 128), (4, 256), (4, 512), (2, 1024), (1, 2048), (1, 4096)]
           from backward in (bool[])[false, true]
           select Attention(shape.Batch, shape.Tokens, backward),
    ];

    private static BenchmarkCase Attention(int batch, int tokens, bool backward)
    {
        // q·k and p·v over the causal pairs; backward each of the two has two gradients. What is computed again earns no credit.
        double pairs = (double)batch * tokens * (tokens + 1) / 2;
        double flops = (backward ? 8 : 4) * Width * pairs;
        JsonObject peer = new()
        {
            ["kernel"] = "attention",
            ["batch"] = batch,
            ["tokens"] = tokens,
            ["heads"] = Heads,
            ["head_width"] = HeadWidth,
            ["backward"] = backward,
        };
        return new BenchmarkCase($"{batch}x{tokens} {(backward ? "backward" : "forward")}", Target, CaseWork.Flops(flops), peer, Build);

        CaseRun Build()
        {
            int rows = batch * tokens;
            Tensor qkv = Operands.Create([rows, 3 * Width], seed: 1);
            (Tensor q, Tensor k, Tensor v) = (qkv.ColumnRange(0, Width), qkv.ColumnRange(Width, Width), qkv.ColumnRange(2 * Width, Width));
            Tensor y = Tensor.CreateLongLived([rows, Width]), logSums = Tensor.CreateLongLived([Heads, rows]);
            int[] lengths = new int[batch];
            Array.Fill(lengths, tokens);
            AttentionSpans spans = AttentionSpans.Causal(lengths);
            AttentionOptions options = new(Heads) { Scale = 1f / MathF.Sqrt(HeadWidth) };
            Action forward = () => y.Backend.AttentionForward(q, k, v, bias: null, spans, options, dropout: null, y, logSums);
            if (!backward)
            {
                return new CaseRun(forward, () => Operands.MeanMagnitude(y));
            }

            forward();
            Tensor dy = Operands.Create([rows, Width], seed: 2), d = Tensor.CreateLongLived([rows, 3 * Width]);
            AttentionGrad dq = new(d.ColumnRange(0, Width), Add: false);
            AttentionGrad dk = new(d.ColumnRange(Width, Width), Add: false);
            AttentionGrad dv = new(d.ColumnRange(2 * Width, Width), Add: false);
            return new CaseRun(
                () => y.Backend.AttentionBackward(q, k, v, bias: null, spans, options, dropout: null, y, logSums, dy, dq, dk, dv, dbias: default),
                () => Operands.MeanMagnitude(d));
        }
    }
}
