using System.Text.Json.Nodes;
using Hieno.Tensors;

namespace Hieno.Benchmarks.Workloads;

/// <summary>Matrix products, one shape a case.</summary>
internal static class MatrixCases
{
    // The whole product may be a hair slower than the best library's, but no more.
    private const double SinglePrecisionTarget = 0.97;

    private const double NarrowTarget = 1 / 1.15;

    // Gradients of the inputs and of the weights of the same layers.
    private static BenchmarkCase[] Backward =>
    [
        Product(1024, 3072, 768, transposeB: true),
        Product(1024, 768, 3072, transposeB: true),
        Product(1024, 2304, 768, transposeB: true),
        Product(768, 1024, 3072, transposeA: true),
        Product(3072, 1024, 768, transposeA: true),
        Product(768, 1024, 2304, transposeA: true),
        Product(768, 1024, 768, transposeA: true),
    ];

    /// <summary>
    /// The products of steps of GPT-2 (width 768) and of a Llama shape (width 896) at 512 to 4096 tokens, in every layout that forward and
    /// backward passes use; those of a low-rank update of rank 8; and small batches.
    /// </summary>
    public static IReadOnlyList<BenchmarkCase> Single { get; } =
    [
        .. Large(512), .. Large(1024), .. Large(4096),
        Product(512, 768, 768, gap: TimeSpan.FromMilliseconds(5)),
        .. Backward,
        Product(1024, 896, 896),
        Product(1024, 896, 4864),
        Product(1024, 4864, 896),
        Product(512, 768, 50257, transposeB: true),
        Product(1024, 768, 50257, transposeB: true),
        Product(1024, 50257, 768),
        Product(50257, 512, 768, transposeA: true),
        Product(1024, 768, 8, transposeB: true),
        Product(1024, 8, 2304, transposeB: true),
        Product(1024, 2304, 8),
        Product(1024, 8, 768),
        Product(8, 1024, 768, transposeA: true),
        Product(2304, 1024, 8, transposeA: true),
        Product(16, 768, 3072),
        Product(16, 3072, 768),
        Product(128, 768, 768),
        Product(128, 768, 3072),
        Product(240, 128, 128, transposeB: true),
        Product(240, 128, 512, transposeB: true),
        Product(128, 240, 128, transposeA: true),
    ];

    /// <summary>Large products with vectors of 256 bits: most machines have no wider ones.</summary>
    public static IReadOnlyList<BenchmarkCase> Vectors256 { get; } =
        [.. Large(1024, NarrowTarget), Product(1024, 3072, 768, transposeB: true, target: NarrowTarget), Product(768, 1024, 3072, transposeA: true, target: NarrowTarget)];

    /// <summary>The same with bfloat16 operands, beside oneDNN.</summary>
    public static IReadOnlyList<BenchmarkCase> BFloat16 { get; } =
    [
        Product(1024, 768, 2304, bf16: true, target: 1.0),
        Product(1024, 768, 768, bf16: true, target: 1.0),
        Product(1024, 768, 3072, bf16: true, target: 1.0),
        Product(1024, 3072, 768, bf16: true, target: 1.0),
        Product(1024, 3072, 768, transposeB: true, bf16: true, target: 1.0),
        Product(768, 1024, 3072, transposeA: true, bf16: true, target: 1.0),
    ];

    // The four projections of a GPT-2 block.
    private static BenchmarkCase[] Large(int tokens, double target = SinglePrecisionTarget) =>
    [
        Product(tokens, 768, 768, target: target),
        Product(tokens, 768, 2304, target: target),
        Product(tokens, 768, 3072, target: target),
        Product(tokens, 3072, 768, target: target),
    ];

    /// <summary>C[m, n] = op(A)·op(B) over the depth k, every operand made once.</summary>
    /// <param name="m">Rows of C.</param>
    /// <param name="k">Depth.</param>
    /// <param name="n">Columns of C.</param>
    /// <param name="transposeA">Whether A is stored as [k, m].</param>
    /// <param name="transposeB">Whether B is stored as [n, k].</param>
    /// <param name="bf16">Whether the multiplications are of bfloat16 numbers: the peer's operands and its result are then stored so; ours rounds single ones in each call.</param>
    /// <param name="target">The smallest ratio that passes.</param>
    /// <param name="gap">Idle time before each call.</param>
    public static BenchmarkCase Product(
        int m,
        int k,
        int n,
        bool transposeA = false,
        bool transposeB = false,
        bool bf16 = false,
        double target = SinglePrecisionTarget,
        TimeSpan gap = default)
    {
        string layout = $"{(transposeA ? 't' : 'n')}{(transposeB ? 't' : 'n')}";
        string name = $"{layout} {m}x{k}x{n}{(bf16 ? " bf16" : "")}{(gap > TimeSpan.Zero ? $" after {gap.TotalMilliseconds:0} ms idle" : "")}";
        JsonObject peer = new()
        {
            ["kernel"] = "matmul",
            ["m"] = m,
            ["k"] = k,
            ["n"] = n,
            ["transpose_a"] = transposeA,
            ["transpose_b"] = transposeB,
            ["dtype"] = bf16 ? "bf16" : "fp32",
        };
        return new BenchmarkCase(name, target, CaseWork.Flops(2.0 * m * k * n), peer, Build)
        {
            Gap = gap,
            Tolerance = bf16 ? 1e-2 : 1e-3,
        };

        CaseRun Build()
        {
            Tensor a = Operands.Create(transposeA ? [k, m] : [m, k], seed: 1);
            Tensor b = Operands.Create(transposeB ? [n, k] : [k, n], seed: 2);
            Tensor c = Tensor.CreateLongLived([m, n]);
            return new CaseRun(
                () => c.Backend.MatMul(a, transposeA, b, transposeB, bias: null, c, add: false, bf16 ? MatMulPrecision.Bf16 : MatMulPrecision.Fp32),
                () => Operands.MeanMagnitude(c));
        }
    }
}
