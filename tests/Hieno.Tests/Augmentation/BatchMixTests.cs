using Hieno.Augmentation;
using Hieno.Models.Vision;
using Hieno.Tensors;

namespace Hieno.Tests.Augmentation;

public sealed class BatchMixTests
{
    private const int Draws = 20_000;

    private static readonly ImageInput s_input = new(40, 60, [0.5f], [0.5f]);

    [Theory]
    [InlineData(0.01)]
    [InlineData(0.2)]
    [InlineData(1.0)]
    [InlineData(4.0)]
    public void Shares_of_mixup_are_of_the_beta_distribution(double alpha)
    {
        double[] shares = [.. Enumerable.Range(0, Draws).Select(i => new Mixup(new MixupOptions { Alpha = alpha }).Draw(8, Context(i))!.Share)];
        double variance = 1 / (4 * ((2 * alpha) + 1)); // of Beta(α, α), whose mean is ½
        Assert.All(shares, share => Assert.InRange(share, 0, 1));
        Assert.InRange(shares.Average(), 0.485, 0.515);
        Assert.InRange(shares.Average(share => Math.Pow(share - 0.5, 2)), variance * 0.96, variance * 1.04);

        // The fourth moment about ½ tells it from others of the same variance: 3 / (16 (2α + 1) (2α + 3)).
        double fourth = 3 / (16 * ((2 * alpha) + 1) * ((2 * alpha) + 3));
        Assert.InRange(shares.Average(share => Math.Pow(share - 0.5, 4)), fourth * 0.94, fourth * 1.06);
    }

    [Fact]
    public void The_box_of_cutmix_takes_the_share_that_its_targets_lose()
    {
        double sum = 0;
        for (int i = 0; i < Draws; i++)
        {
            BatchMix mix = new CutMix(new CutMixOptions()).Draw(8, Context(i))!;
            PixelBox box = mix.Box!.Value;
            Assert.InRange(box.Left, 0, 60 - box.Width);
            Assert.InRange(box.Top, 0, 40 - box.Height);
            Assert.Equal(1 - (box.Width * box.Height / 2400.0), mix.Share, 12);
            sum += mix.Share;
        }

        // λ of U(0, 1), a box of 1 − λ whose centre is anywhere: of a side s of 1, s − s² / 4 is inside on average; the mean of the square over s² = U(0, 1).
        Assert.InRange(sum / Draws, 0.69, 0.74);
    }

    [Fact]
    public void Whole_pictures_are_blended_with_what_the_other_was_before()
    {
        float[] pixels = [1, 2, 3, 4, 10, 20, 30, 40, 100, 200, 300, 400];
        new BatchMix([1, 2, 0], 0.75).Apply(pixels, 2, 2);
        Assert.Equal([3.25f, 6.5f, 9.75f, 13f, 32.5f, 65f, 97.5f, 130f, 75.25f, 150.5f, 225.75f, 301f], pixels);
    }

    [Fact]
    public void A_box_shows_the_other_picture()
    {
        float[] pixels = [.. Enumerable.Range(0, 24).Select(i => (float)i)]; // two pictures of 2 × 3 pixels with 2 channels
        new BatchMix([1, 0], 5.0 / 6, new PixelBox(1, 0, 1, 1)).Apply(pixels, 2, 3);
        Assert.Equal([0, 1, 14, 15, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 2, 3, 16, 17, 18, 19, 20, 21, 22, 23], pixels);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(0.1f)]
    public void The_loss_is_the_cross_entropy_with_the_mixed_target(float smoothing)
    {
        float[] logits = [0.5f, -1, 2, 0.1f, 0.2f, 0.3f];
        int[] classes = [2, 0];
        var mix = new BatchMix([1, 0], 0.7);
        double expected = 0;
        for (int i = 0; i < 2; i++)
        {
            float[] row = logits[(3 * i)..((3 * i) + 3)];
            double total = Math.Log(row.Sum(logit => Math.Exp(logit)));
            for (int k = 0; k < 3; k++)
            {
                double target = ((1 - smoothing) * ((0.7 * (k == classes[i] ? 1 : 0)) + (0.3 * (k == classes[1 - i] ? 1 : 0)))) + (smoothing / 3);
                expected += target * (total - row[k]) / 2;
            }
        }

        Tensor loss = mix.CrossEntropy(Tensor.FromValues([2, 3], logits), classes, 0.5f, smoothing);
        Assert.Equal(expected, loss.ToArray()[0], 1e-6);
        Assert.Equal([[0.7f, 1.4f], [0.3f, 0.6f]], new BatchMix([1, 0], 0.7).Targets([[1, 2], [0, 0]]), new CloseRows());
    }

    [Fact]
    public void Of_several_mixings_each_is_as_likely_and_some_batches_stay()
    {
        var augmenter = new Augmenter([new MixupOptions(), new CutMixOptions { Probability = 0.5 }], s_input, 1);
        BatchMix?[] mixes = [.. Enumerable.Range(0, 4000).Select(i => augmenter.Mix([i, i + 1], 0))];
        Assert.InRange(mixes.Count(mix => mix is { Box: null }), 1880, 2120);
        Assert.InRange(mixes.Count(mix => mix is { Box: not null }), 900, 1100);
        Assert.Null(augmenter.Mix([3], 0)); // one picture has no other
    }

    private static AugmentationContext Context(int number) => new(s_input, new RandomDraws(5, 0, number));

    private sealed class CloseRows : IEqualityComparer<float[]>
    {
        public bool Equals(float[]? x, float[]? y) => x!.Zip(y!).All(pair => Math.Abs(pair.First - pair.Second) < 1e-6);

        public int GetHashCode(float[] obj) => obj.Length;
    }
}
