using Hieno.Merging;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Tests.Tuning;

namespace Hieno.Tests.Merging;

public sealed class GreedySoupTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_soup_is_at_least_as_good_as_its_best_ingredient_and_follows_the_recipe()
    {
        string[] models = [.. Enumerable.Range(1, 4).Select(seed => TinyModels.Save(_folder, $"m{seed}", (ulong)seed))];

        GreedySoup soup = GreedySoup.Choose(models, BuiltInMetrics.Find("loss"), TinyLoss);

        Assert.Equal(models.Order(StringComparer.Ordinal), soup.Steps.Select(step => step.Model).Order(StringComparer.Ordinal));
        Assert.Equal(soup.Steps.Select(step => step.Alone).Order(), soup.Steps.Select(step => step.Alone)); // lower is better: best first
        Assert.True(soup.Value <= soup.Steps.Min(step => step.Alone));
        double best = soup.Steps[0].Alone;
        foreach (SoupStep step in soup.Steps)
        {
            Assert.Equal(step.Together <= best, step.Kept);
            best = step.Kept ? step.Together : best;
        }

        using WeightMix mix = WeightMix.Average(soup.Chosen);
        mix.Save(_folder.PathOf("soup"));
        Assert.Equal(soup.Value, TinyLoss(TinyModels.Open(_folder.PathOf("soup"))));
    }

    [Fact]
    public void A_model_that_spoils_the_soup_is_left_out_and_an_equal_one_goes_in()
    {
        string good = TinyModels.Save(_folder, "good", 0);
        string bad = TinyModels.Save(_folder, "bad", 9);
        string twin = TinyModels.Save(_folder, "twin", 0);
        Dictionary<string, float[]> wanted = TinyModels.Weights(good);
        double Closeness(PretrainedModel model) => -TinyTuning.Weights((TextModel)model).Sum(pair => pair.Value.Zip(wanted[pair.Key], (a, b) => Math.Abs((double)a - b)).Sum());

        GreedySoup soup = GreedySoup.Choose([bad, good, twin], BuiltInMetrics.Find("accuracy"), Closeness);

        Assert.Equal([good, twin], soup.Chosen);
        Assert.Equal(0, soup.Value);
    }

    private static double TinyLoss(PretrainedModel model)
    {
        using var tape = Hieno.Tensors.Tape.Begin(record: false);
        return TinyTuning.Loss((TextModel)model).Item();
    }
}
