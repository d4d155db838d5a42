using Hieno.Optimizers;

namespace Hieno.Tests.Optimizers;

public sealed class LbfgsTests
{
    [Fact]
    public void It_finds_the_end_of_Rosenbrock_s_valley()
    {
        double[] x = [-1.2, 1];
        int steps = Lbfgs.Minimise(x, (p, g) =>
        {
            (double a, double b) = (1 - p[0], p[1] - (p[0] * p[0]));
            g[0] = (-2 * a) - (400 * p[0] * b);
            g[1] = 200 * b;
            return (a * a) + (100 * b * b);
        }, 200);
        Assert.InRange(steps, 1, 100);
        Assert.Equal(1, x[0], 1e-4);
        Assert.Equal(1, x[1], 1e-4);
    }

    [Fact]
    public void A_flat_place_is_left_alone()
    {
        double[] x = [3, 4];
        Assert.Equal(0, Lbfgs.Minimise(x, (_, _) => 1, 10));
        Assert.Equal([3, 4], x);
    }
}
