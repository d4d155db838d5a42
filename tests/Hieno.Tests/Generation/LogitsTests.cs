using Hieno.Generation;
using Hieno.Tensors;

namespace Hieno.Tests.Generation;

public sealed class LogitsTests
{
    // Fewer than a vector, whole vectors, and more than one block with a rest.
    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(32)]
    [InlineData(1024)]
    [InlineData(2500)]
    public void Sums_and_largest_are_those_of_a_plain_loop(int count)
    {
        float[] logits = Random(count);
        Assert.Equal(logits.Max(), Logits.Largest(logits));
        double expected = logits.Sum(logit => Math.Exp(logit - (double)logits.Max()));
        Assert.Equal(expected, Logits.Weight(logits, logits.Max()), 1e-6 * expected);
    }

    [Fact]
    public void Tokens_that_are_ruled_out_weigh_nothing()
    {
        float[] logits = Random(96); // whole vectors: what fills none is computed by another exponential
        double before = Logits.Weight(logits, 3f);
        double all = Logits.Weight([.. logits, .. Enumerable.Repeat(float.NegativeInfinity, 50)], 3f);
        Assert.Equal(before, all, 1e-9);
    }

    [Theory]
    [InlineData(0, float.NaN)]
    [InlineData(37, float.NaN)]
    [InlineData(37, float.PositiveInfinity)]
    [InlineData(66, float.NaN)]
    public void First_invalid_logit_is_found_wherever_it_is(int place, float value)
    {
        float[] logits = Random(67);
        Assert.Equal(-1, Logits.FirstInvalid(logits));
        logits[place] = value;
        Assert.Equal(place, Logits.FirstInvalid(logits));
    }

    [Fact]
    public void Passes_in_place_change_every_logit_as_a_plain_loop_does()
    {
        float[] logits = Random(75);
        float[] divided = [.. logits];
        Logits.Divide(divided, 0.7f);
        Assert.Equal(logits.Select(logit => logit / 0.7f), divided);
        float[] kept = [.. logits];
        Logits.KeepFrom(kept, 0.25f);
        Assert.Equal(logits.Select(logit => logit < 0.25f ? float.NegativeInfinity : logit), kept);
    }

    [Fact]
    public void Each_logit_above_a_limit_is_met_once_and_in_order()
    {
        float[] logits = Random(500);
        var met = new List<int>();
        for (int id = Logits.NextAbove(logits, 0, 1.5f); id < logits.Length; id = Logits.NextAbove(logits, id + 1, 1.5f))
        {
            met.Add(id);
        }

        Assert.Equal(Enumerable.Range(0, 500).Where(id => logits[id] > 1.5f), met);
    }

    private static float[] Random(int count)
    {
        var rng = new Rng(5, RngStream.Sampling);
        return [.. Enumerable.Range(0, count).Select(i => (rng.Below(80_001, 1, (ulong)i) / 10_000f) - 4f)];
    }
}
