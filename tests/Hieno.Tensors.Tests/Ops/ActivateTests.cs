using Hieno.Testing;
using Hieno.Tests.Shared;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class ActivateTests
{
    public static TheoryData<Activation> Kinds => [.. Enum.GetValues<Activation>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Values_and_slopes_are_those_of_double_precision(Activation kind)
    {
        float[] points = [.. Enumerable.Range(-2400, 4801).Select(i => (i + 0.25f) / 100f), 1e-3f, -1e-3f, 30f, -60f, 88f, -90f, 1e4f, -1e4f];
        (Tensor y, Tensor dy) = ValueAndSlope(kind, points);
        TensorAssert.Close([.. points.Select(x => Reference(kind, x))], y, 4e-7, 1e-6);
        TensorAssert.Close([.. points.Select(x => Slope(kind, x))], dy, 2e-6, 2e-6);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Not_a_number_stays_not_a_number(Activation kind)
    {
        float[] points = [.. Enumerable.Repeat(float.NaN, 21)]; // vectors and rest
        Assert.All(ValueAndSlope(kind, points).Value.ToArray(), value => Assert.True(float.IsNaN(value)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Infinities_have_the_right_limits(Activation kind)
    {
        float[] y = Activate(Tensor.FromValues([2], [float.PositiveInfinity, float.NegativeInfinity]), kind).ToArray();
        float high = kind switch
        {
            Activation.Sigmoid or Activation.Tanh or Activation.Laplace => 1f,
            Activation.Relu6 => 6f,
            Activation.Gelu10 => 10f,
            _ => float.PositiveInfinity,
        };
        Assert.Equal(high, y[0]);
        switch (kind)
        {
            case Activation.Identity or Activation.LeakyRelu or Activation.LeakyReluTenth:
                Assert.Equal(float.NegativeInfinity, y[1]);
                break;
            case Activation.Tanh:
                Assert.Equal(-1f, y[1]);
                break;
            case Activation.Relu or Activation.Relu2 or Activation.Relu6 or Activation.Gelu or Activation.Gelu10 or Activation.Sigmoid or Activation.Laplace:
                Assert.Equal(0f, y[1]);
                break;
            default:
                Assert.True(float.IsNaN(y[1]), "−∞ · 0 is not a number, as in the reference implementations");
                break;
        }
    }

    [Fact]
    public void The_tail_of_the_normal_distribution_keeps_its_digits_in_gelu()
    {
        // x·Φ(x) where ½(1 + erf(x/√2)) would cancel: Φ from tables (Abramowitz and Stegun, table 26.2).
        Tensor y = Activate(Tensor.FromValues([3], [-2f, -4f, -5f]), Activation.Gelu);
        TensorAssert.Close([-2 * 0.022750131948, -4 * 3.16712418e-5, -5 * 2.86651572e-7], y, 0, 5e-6);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Gradients_are_those_of_central_differences(Activation kind)
    {
        // Kinks lie at 0 and 6: none of these points is within two steps of them.
        Assert.DoesNotContain(Normal([4, 9], 1).ToArray(), value => MathF.Abs(value) < 0.02f);
        if (kind != Activation.Identity)
        {
            Gradient(t => Add(Activate(t[0], kind), Activate(Scale(t[0], 1.5f), kind)), [[4, 9]], new GradientCheckOptions { Step = 1f / 512, Tolerance = 3e-3 });
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void All_vector_widths_agree(Activation kind) => AllWidthsAgree(t => Activate(t[0], kind), [[5, 83]], 1e-6, 1e-6);

    [Fact]
    public void All_thread_counts_agree_bit_for_bit() => AllThreadCountsAgree(t => Activate(t[0], Activation.Gelu), [700, 101]);

    [Fact]
    public void Rows_with_gaps_give_the_same_as_rows_without()
    {
        Tensor dense = Activate(Normal([6, 37], 1), Activation.Silu);
        TensorAssert.Identical(dense, Activate(NormalWithGaps([6, 37], 1), Activation.Silu));
    }

    [Fact]
    public void An_unknown_name_is_answered_with_the_known_ones()
    {
        var error = Assert.Throws<ArgumentException>(() => Activations.Parse("gelu_nwe"));
        Assert.Contains("'gelu_nwe' is not known", error.Message);
        Assert.Contains("gelu_new", error.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => Activate(Normal([2], 1), (Activation)99));
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void All_functions_of_the_reference_are_matched()
    {
        GoldenFile golden = GoldenFile.Require("golden/misc/activations.safetensors");
        float[] x = golden["x"];
        string[] names = [.. golden.Names.Where(name => name.EndsWith(".y", StringComparison.Ordinal)).Select(name => name[..^2])];
        Assert.Equal(19, names.Length);
        foreach (string name in names)
        {
            (Tensor y, Tensor dy) = ValueAndSlope(Activations.Parse(name), x);
            TensorAssert.Close(golden[name + ".y"], y, 1e-6, 2e-6);
            TensorAssert.Close(golden[name + ".dy"], dy, 2e-6, 2e-6);
        }
    }

    private static (Tensor Value, Tensor Slope) ValueAndSlope(Activation kind, float[] points)
    {
        Tensor x = Tensor.FromValues([points.Length], points);
        x.NeedsGrad = true;
        using var tape = Tape.Begin();
        Tensor y = Activate(x, kind);
        Tensor copy = Tensor.CreateLongLived(y.Shape);
        copy.Backend.Copy(y, copy);
        tape.Backward(Sum(y));
        return (copy, x.Grad!);
    }

    private static double Reference(Activation kind, double x) => kind switch
    {
        Activation.Identity => x,
        Activation.Relu => Math.Max(x, 0),
        Activation.Relu2 => Math.Max(x, 0) * Math.Max(x, 0),
        Activation.Relu6 => Math.Clamp(x, 0, 6),
        Activation.LeakyRelu => x > 0 ? x : 0.01 * x,
        Activation.LeakyReluTenth => x > 0 ? x : 0.1 * x,
        Activation.Gelu => x * Phi(x),
        Activation.GeluTanh => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))),
        Activation.Gelu10 => Math.Clamp(x * Phi(x), -10, 10),
        Activation.QuickGelu => x / (1 + Math.Exp(-1.702 * x)),
        Activation.Silu => x / (1 + Math.Exp(-x)),
        Activation.Mish => x * Math.Tanh(x > 40 ? x : Math.Log(1 + Math.Exp(x))),
        Activation.Sigmoid => 1 / (1 + Math.Exp(-x)),
        Activation.Tanh => Math.Tanh(x),
        Activation.Laplace => Phi((x - 0.707107) / 0.282095),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    // A difference quotient in double precision: none of the points lies on a kink.
    private static double Slope(Activation kind, double x)
    {
        const double Step = 1e-5;
        return (Reference(kind, x + Step) - Reference(kind, x - Step)) / (x + Step - (x - Step));
    }

    private static double Phi(double x) => Reference64.NormalDistribution(x);
}
