using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class TorchGeneratorTests
{
    [Fact]
    public void Draws_are_those_of_the_published_generator()
    {
        var generator = new TorchGenerator(5489); // the seed of the reference implementation
        Assert.Equal([3499211612u, 581869302u, 3890346734u, 3586334585u], Enumerable.Range(0, 4).Select(_ => generator.Next()));
        for (int i = 4; i < 9999; i++)
        {
            generator.Next();
        }

        Assert.Equal(4123659995u, generator.Next()); // the ten thousandth, which the C++ standard names
    }

    [Fact]
    public void A_permutation_is_the_one_that_pytorch_gives() =>
        Assert.Equal([15, 0, 9, 11, 3, 7, 5, 1, 19, 13, 4, 6, 18, 14, 12, 2, 10, 17, 16, 8], new TorchGenerator(777).Permutation(20, 20));

    [Fact]
    public void The_start_of_a_permutation_does_not_depend_on_how_much_is_taken()
    {
        int[] whole = new TorchGenerator(777).Permutation(1000, 1000);
        Assert.Equal(Enumerable.Range(0, 1000), whole.Order());
        Assert.Equal(whole[..50], new TorchGenerator(777).Permutation(1000, 50));
    }
}
