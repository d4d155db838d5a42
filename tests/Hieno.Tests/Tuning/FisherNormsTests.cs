using Hieno.Formats;
using Hieno.Models;
using Hieno.Recipes;
using Hieno.Tests.Training;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class FisherNormsTests
{
    [Fact]
    public void With_a_share_of_1_it_equals_tuning_the_norms_and_with_0_the_head()
    {
        using TinyRun run = TinyRun.Classifier();
        Assert.Equal(Hash(run, "norms", new NormsOptions()), Hash(run, "all", new FisherNormsOptions { Keep = 1 }));
        Assert.Equal(Hash(run, "head", new HeadOptions()), Hash(run, "none", new FisherNormsOptions { Keep = 0 }));
    }

    [Fact]
    public void A_resumed_run_keeps_the_choice_it_began_with()
    {
        using TinyRun run = TinyRun.Classifier();
        var method = new FisherNormsOptions { Keep = 0.3, Samples = 8 };
        string whole = Hash(run, "whole", method);
        Recipe stopped = run.Recipe("stopped", tuning: method);
        TinyRun.TrainUntil(stopped, 7);
        TinyRun.Train(stopped, new FineTunerOptions { Resume = true });
        Assert.Equal(whole, TinyRun.FinalHash(stopped));
    }

    [Fact]
    public void A_union_adds_what_another_task_has_chosen_and_an_unknown_run_is_named()
    {
        using TinyRun run = TinyRun.Classifier();
        Recipe other = run.Recipe("other", tuning: new FisherNormsOptions { Keep = 0.1, Samples = 2 });
        TinyRun.Train(other);
        long Count(params string[] union) => TinyRun.Train(run.Recipe($"own{union.Length}", tuning: new FisherNormsOptions { Keep = 0.1, Samples = 20, Union = union }))
            .Events.OfType<RunStarted>().Single().TrainableWeights;
        Assert.InRange(Count(other.Output) - Count(), 1, 16);

        var error = Assert.Throws<TuningException>(() => Count("no-such-run", "neither"));
        Assert.Equal(ErrorCodes.TuningTargetUnknown, error.Code);
    }

    private static string Hash(TinyRun run, string name, TuningOptions method)
    {
        Recipe recipe = run.Recipe(name, tuning: method);
        TinyRun.Train(recipe);
        return TinyRun.FinalHash(recipe);
    }
}
