using Hieno.Advice;
using Hieno.Optimizers;
using Hieno.Recipes;
using Hieno.Tuning;

namespace Hieno.Tests.Advice;

public sealed class RateBandTests
{
    [Fact]
    public void Full_tuning_of_a_model_of_the_papers_width_has_the_papers_band() =>
        Assert.Equal((1e-5, 5e-5), Ends(GoodRun.Facts));

    [Fact]
    public void A_narrower_model_has_a_higher_band_and_a_wider_one_the_same()
    {
        (double low, double high) = Ends(GoodRun.Facts with { Width = 192 }); // a quarter: 4^1.5 = 8 times
        Assert.Equal(8e-5, low, 1e-9);
        Assert.Equal(4e-4, high, 1e-9);
        Assert.Equal((1e-5, 5e-5), Ends(GoodRun.Facts with { Width = 4096 }));
    }

    [Fact]
    public void The_default_rate_of_every_method_lies_in_its_band_at_the_papers_width()
    {
        // Several methods together have the rate of those that a recipe names.
        Assert.All(BuiltIns.Kinds().Defaults<TuningOptions>().Where(tuning => tuning is not SeveralOptions), tuning =>
        {
            RunFacts facts = GoodRun.Facts with { Recipe = GoodRun.Facts.Recipe with { Tuning = tuning } };
            (double low, double high) = Ends(facts.With(training => training with { LearningRate = null }));
            Assert.InRange(tuning.DefaultLearningRate, low, high);
        });
    }

    [Fact]
    public void The_default_rate_of_every_optimizer_lies_in_its_band_unless_its_steps_have_a_size_of_their_own()
    {
        Type[] apart = [typeof(AdadeltaOptions), typeof(RpropOptions)];
        Assert.All(BuiltIns.Kinds().Defaults<OptimizerOptions>(), optimizer =>
        {
            RateBand? band = RateBand.Of(GoodRun.Facts.With(training => training with { Optimizer = optimizer }));
            if (apart.Contains(optimizer.GetType()))
            {
                Assert.Null(band);
            }
            else
            {
                Assert.InRange(optimizer.DefaultLearningRate(2e-5), band!.Low, band.High);
            }
        });
    }

    [Fact]
    public void Lion_is_advised_a_fifth_of_the_rate_of_AdamW()
    {
        (double low, double high) = Ends(GoodRun.Facts.With(training => training with { Optimizer = new LionOptions() }));
        Assert.Equal((2e-6, 1e-5), (low, high));
    }

    [Fact]
    public void The_middle_lies_inside() => Assert.InRange(RateBand.Of(GoodRun.Facts)!.Middle, 1e-5, 5e-5);

    private static (double Low, double High) Ends(RunFacts facts) => RateBand.Of(facts) is { } band ? (band.Low, band.High) : default;
}
