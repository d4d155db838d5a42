namespace Hieno.Tensors.Tests;

public sealed class RngTests
{
    // The known answers that the authors of Philox publish with Random123; stream 0 leaves the seed as it is.
    [Theory]
    [InlineData(0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8)]
    [InlineData(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd)]
    [InlineData(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1)]
    public void Philox_gives_the_published_known_answers(ulong seed, ulong step, ulong block, uint a, uint b, uint c, uint d)
    {
        var rng = new Rng(seed, RngStream.Initialization);
        Assert.Equal((a, b, c, d), rng.Block(step, block));
    }

    [Fact]
    public void Streams_seeds_steps_and_positions_give_different_words()
    {
        var words = new HashSet<uint>();
        int count = 0;
        foreach (RngStream stream in Enum.GetValues<RngStream>())
        {
            foreach (ulong seed in (ulong[])[0, 1, 1ul << 32])
            {
                foreach (ulong step in (ulong[])[0, 1, 1ul << 32])
                {
                    for (ulong position = 0; position < 20; position++, count++)
                    {
                        words.Add(new Rng(seed, stream).Bits(step, position));
                    }
                }
            }
        }

        Assert.Equal(count, words.Count); // among 1080 words of 32 bits a chance collision has probability 1.4e-4, and the words are fixed
    }

    [Fact]
    public void Words_are_the_parts_of_their_block()
    {
        var rng = new Rng(3, RngStream.Sampling);
        (uint a, uint b, uint c, uint d) = rng.Block(9, 2);
        Assert.Equal([a, b, c, d], Enumerable.Range(8, 4).Select(position => rng.Bits(9, (ulong)position)));
    }

    [Fact]
    public void Uniform_numbers_have_the_right_mean_and_variance_and_stay_below_the_limit()
    {
        float[] values = new float[100_000];
        new Rng(1, RngStream.Initialization).FillUniform(values, -1f, 3f, step: 2);
        Assert.All(values, value => Assert.InRange(value, -1f, 2.9999999f));
        Assert.Equal(1, values.Average(), 0.02); // five standard errors
        Assert.Equal(16 / 12.0, values.Average(value => Math.Pow(value - 1, 2)), 0.02);
        Assert.True(Rng.ToUnit(uint.MaxValue) < 1f);
        Assert.Equal(0f, Rng.ToUnit(0));
    }

    [Fact]
    public void Normal_numbers_have_the_right_moments()
    {
        float[] values = new float[100_001];
        new Rng(1, RngStream.Initialization).FillNormal(values, mean: 2f, std: 0.5f, step: 2);
        double[] z = [.. values.Select(value => (value - 2.0) / 0.5)];
        Assert.Equal(0, z.Average(), 0.016);
        Assert.Equal(1, z.Average(v => v * v), 0.025);
        Assert.Equal(0, z.Average(v => v * v * v), 0.06);
        Assert.Equal(3, z.Average(v => v * v * v * v), 0.16);
        Assert.All(values, value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void A_permutation_holds_each_number_once_and_every_place_is_equally_likely()
    {
        const int Size = 8;
        const int Trials = 8000;
        int[,] counts = new int[Size, Size];
        var rng = new Rng(11, RngStream.DataOrder);
        for (int trial = 0; trial < Trials; trial++)
        {
            int[] order = rng.Permutation(Size, (ulong)trial);
            Assert.Equal(Enumerable.Range(0, Size), order.Order());
            for (int place = 0; place < Size; place++)
            {
                counts[place, order[place]]++;
            }
        }

        // χ² over 64 cells with 49 degrees of freedom: 85 is the 99.9th percentile.
        double expected = Trials / (double)Size;
        double chiSquare = counts.Cast<int>().Sum(count => Math.Pow(count - expected, 2) / expected);
        Assert.InRange(chiSquare, 20, 85);
        Assert.Empty(rng.Permutation(0, 1));
    }

    [Fact]
    public void Whole_numbers_below_a_limit_are_uniform()
    {
        var rng = new Rng(11, RngStream.Split);
        int[] counts = new int[7];
        for (ulong i = 0; i < 70_000; i++)
        {
            counts[rng.Below(7, 3, i)]++;
        }

        Assert.All(counts, count => Assert.InRange(count, 9600, 10_400));
    }
}
