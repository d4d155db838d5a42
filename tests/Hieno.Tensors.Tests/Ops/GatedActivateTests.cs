using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class GatedActivateTests
{
    [Theory]
    [InlineData(Activation.Silu)]
    [InlineData(Activation.Gelu)]
    [InlineData(Activation.GeluTanh)]
    [InlineData(Activation.Identity)]
    public void It_is_the_product_of_the_activated_gate_and_up(Activation kind)
    {
        Tensor gate = Normal([5, 37], 1);
        Tensor up = Normal([5, 37], 2);
        Tensor expected = Mul(Activate(gate, kind), up);
        TensorAssert.Close(expected, GatedActivate(gate, up, kind), 0, 0);
        TensorAssert.Close(expected, GatedActivate(NormalWithGaps([5, 37], 1), NormalWithGaps([5, 37], 2), kind), 0, 0);
    }

    [Fact]
    public void Gradients_are_those_of_central_differences()
    {
        Gradient(t => GatedActivate(t[0], t[1], Activation.Silu), [[3, 21], [3, 21]]);
        Gradient(t => GatedActivate(t[0], t[0], Activation.Gelu), [[3, 21]]);
        Gradient(t => Add(GatedActivate(t[0], t[1], Activation.Silu), GatedActivate(t[1], t[0], Activation.Tanh)), [[3, 21], [3, 21]]);
    }

    [Fact]
    public void Both_halves_of_one_projection_receive_their_gradients()
    {
        Gradient(
            t =>
            {
                Tensor[] halves = Split(Scale(t[0], 1.5f), 9, 9);
                return GatedActivate(halves[0], halves[1], Activation.Silu);
            },
            [[4, 18]]);
    }

    [Fact]
    public void A_frozen_side_gets_no_gradient_and_the_other_side_the_right_one()
    {
        Tensor up = Normal([4, 9], 8);
        Gradient(t => GatedActivate(t[0], up, Activation.Silu), [[4, 9]]);
        Gradient(t => GatedActivate(up, t[0], Activation.Silu), [[4, 9]]);
        Assert.Null(up.Grad);
    }

    [Fact]
    public void All_vector_widths_agree() => AllWidthsAgree(t => GatedActivate(t[0], t[1], Activation.Silu), [[5, 83], [5, 83]]);

    [Fact]
    public void All_thread_counts_agree_bit_for_bit() => AllThreadCountsAgree(t => GatedActivate(t[0], t[1], Activation.Silu), [700, 83], [700, 83]);

    [Fact]
    public void Different_shapes_are_refused() =>
        Assert.Throws<ShapeException>(() => GatedActivate(Normal([2, 3], 1), Normal([3, 2], 2), Activation.Silu));
}
