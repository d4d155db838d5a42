using Hieno.Objectives;

namespace Hieno.Tests.Objectives;

public sealed class ChoiceLossesTests
{
    // Three choices of 2, 3 and 1 tokens; the second is right.
    private static readonly double[] s_logs = [-0.5, -1.5, -0.2, -0.4, -0.6, -0.1];
    private static readonly int[] s_lengths = [2, 3, 1];

    private static double Loss(ChoiceLosses losses, double[] logs, double[]? gradient = null) => losses.Compute(logs, s_lengths, 1, gradient ?? new double[6]);

    [Fact]
    public void Each_loss_is_that_of_its_definition()
    {
        Assert.Equal((0.2 + 0.4 + 0.6) / 3, Loss(new(1, 0, 0, 1), s_logs), 1e-12);

        double Unlikely(double log) => -Math.Log(1 - Math.Exp(log) + 0.01);
        Assert.Equal((Unlikely(-0.5) + Unlikely(-1.5) + Unlikely(-0.1)) / 3, Loss(new(0, 1, 0, 1), s_logs), 1e-12);

        // Scores −1, −0.4, −0.1.
        Assert.Equal(-Math.Log(Math.Exp(-0.4) / (Math.Exp(-1) + Math.Exp(-0.4) + Math.Exp(-0.1))), Loss(new(0, 0, 1, 1), s_logs), 1e-12);
        Assert.Equal(-Math.Log(Math.Exp(-1.2) / (Math.Exp(-2) + Math.Exp(-1.2) + Math.Exp(-0.1))), Loss(new(0, 0, 1, 0), s_logs), 1e-12);
    }

    [Theory]
    [InlineData(1, 0, 0, 1)]
    [InlineData(0, 1, 0, 1)]
    [InlineData(0, 0, 1, 1)]
    [InlineData(0.5, 2, 3, 0.6)]
    public void The_derivatives_are_those_of_central_differences(double likelihood, double unlikelihood, double lengthNormalized, double power)
    {
        var losses = new ChoiceLosses(likelihood, unlikelihood, lengthNormalized, power);
        double[] gradient = new double[6];
        Loss(losses, s_logs, gradient);
        for (int i = 0; i < 6; i++)
        {
            double At(double step) => Loss(losses, [.. s_logs.Select((value, k) => k == i ? value + step : value)]);
            Assert.Equal((At(1e-6) - At(-1e-6)) / 2e-6, gradient[i], 1e-7);
        }
    }

    [Fact]
    public void A_wrong_token_that_is_certain_costs_a_finite_amount() => Assert.Equal(-Math.Log(0.01), new ChoiceLosses(0, 1, 0, 1).Compute([-1, 0], [1, 1], 0, new double[2]), 1e-12);
}
