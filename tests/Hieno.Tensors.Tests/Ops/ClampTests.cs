using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class ClampTests
{
    [Fact]
    public void Numbers_beyond_the_limit_are_cut_off_and_not_a_number_stays_so()
    {
        Tensor x = Tensor.FromValues([7], [-3, -2, -0.5f, 0, 1.5f, 2.5f, float.NaN]);
        Assert.Equal([-2, -2, -0.5f, 0, 1.5f, 2, float.NaN], Clamp(x, 2f).ToArray());
    }

    [Fact]
    public void Only_numbers_within_the_limit_pass_a_gradient()
    {
        Tensor x = TestTensors.Of([5], [-3, -2, 0.5f, 2, 3], DType.F32, null, 0, trained: true);
        using Tape tape = Tape.Begin();
        tape.Backward(Sum(Scale(Clamp(x, 2f), 3f)));
        Assert.Equal([0, 0, 3, 0, 0], x.Grad!.ToArray());
    }

    [Fact]
    public void Gradients_equal_central_differences()
    {
        Assert.DoesNotContain(OpChecks.Normal([5, 19], 1).ToArray(), value => Math.Abs(Math.Abs(value) - 0.8) < 0.004); // the corners
        OpChecks.Gradient(inputs => Clamp(inputs[0], 0.8f), [[5, 19]], new Testing.GradientCheckOptions { Step = 1f / 512, Tolerance = 3e-3 });
    }

    [Fact]
    public void All_vector_widths_agree() => OpChecks.AllWidthsAgree(inputs => Clamp(inputs[0], 0.8f), [[130, 37]]);

    [Fact]
    public void All_numbers_of_threads_agree() => OpChecks.AllThreadCountsAgree(inputs => Clamp(inputs[0], 0.8f), [700, 37]);

    [Fact]
    public void A_limit_of_nothing_is_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => Clamp(OpChecks.Normal([2, 3], 1), 0f));
}
