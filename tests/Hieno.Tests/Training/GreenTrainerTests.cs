using Hieno.Formats;
using Hieno.Models;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Tensors.Cpu;
using Hieno.Tests.Tuning;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Training;

public sealed class GreenTrainerTests
{
    public static TheoryData<string, string, double> Budgets => new()
    {
        { "gpt2", "full", 0.4 },
        { "gpt2", "full", 0.7 },
        { "gpt2", "lora", 0.75 },
        { "bert", "full", 0.5 },
        { "bert", "checkpointed", 0.6 },
        { "llama", "full", 0.6 },
        { "llama", "lora", 0.8 },
        { "llama", "checkpointed", 0.6 },
    };

    [Theory]
    [MemberData(nameof(Budgets))]
    public void A_step_that_is_taken_costs_no_more_than_the_budget_and_leaves_little_of_it_unused(string family, string method, double budget)
    {
        TunedModel tuned = Tuned(family, method);
        (long fullForward, long fullBackward) = Step(tuned);
        GreenTrainer green = Green(tuned, budget);
        green.Turn(0, Importance);
        (long forward, long backward) = Step(tuned);
        double share = (double)(forward + backward) / (fullForward + fullBackward);
        Assert.True(share <= budget + 1e-9, $"{share:0.000} of a full step, {budget} was the budget");
        Assert.True(share > budget - 0.08, $"{share:0.000} of a full step, {budget} was the budget");
        Assert.True(backward < fullBackward);
        Assert.True(forward <= fullForward); // equal, unless fewer blocks had to be computed again
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void What_is_chosen_gets_the_gradient_of_a_full_step_and_the_rest_gets_none(string family)
    {
        TunedModel tuned = Tuned(family, "full");
        TinyTuning.Differentiate(tuned);
        Dictionary<string, float[]> full = tuned.Trainable.Where(p => p.Value.Grad is not null).ToDictionary(p => p.Name, p => p.Value.Grad!.ToArray(), StringComparer.Ordinal);
        GreenTrainer green = Green(tuned, 0.55);
        Assert.Null(green.Chosen);
        green.Turn(0, Importance);
        TinyTuning.Differentiate(tuned);
        Assert.InRange(green.Chosen!.Count, 2, tuned.Trainable.Count - 2);
        Assert.All(tuned.Trainable, parameter =>
        {
            Assert.Equal(green.Chosen.Contains(parameter.Name), parameter.Value.Grad is not null);
            Assert.True(parameter.Value.Grad is null || full[parameter.Name].SequenceEqual(parameter.Value.Grad.ToArray()), parameter.Name);
        });
    }

    [Fact]
    public void A_larger_budget_is_worth_at_least_as_much()
    {
        double before = 0;
        foreach (double budget in (double[])[0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
        {
            TunedModel tuned = Tuned("llama", "full");
            GreenTrainer green = Green(tuned, budget);
            IReadOnlyList<Parameter> measured = [];
            green.Turn(0, parameters => Importance(measured = parameters));
            double[] importance = Importance(measured);
            double worth = measured.Select((parameter, i) => parameter.Trainable ? importance[i] : 0).Sum();
            Assert.True(worth >= before, $"{worth} within {budget}, {before} within less");
            before = worth;
        }
    }

    [Fact]
    public void It_chooses_again_after_as_many_steps_as_asked_and_not_in_between()
    {
        TunedModel tuned = Tuned("bert", "full");
        GreenTrainer green = Green(tuned, 0.5, new GreenTrainerOptions { Flops = 0.5, EverySteps = 300 });
        int[] measured = [.. new[] { 0, 1, 299, 300, 301, 600 }.Where(step => green.Turn(step, Importance) is not null)];
        Assert.Equal([0, 300, 600], measured);
        string[] first = [.. green.Chosen!];
        green.Turn(900, parameters => [.. Importance(parameters).Reverse()]);
        Assert.NotEqual(first, green.Chosen);
        green.Restore(first);
        Assert.Equal(first, green.Chosen);
    }

    [Fact]
    public void Where_no_update_lowers_the_loss_all_count_alike_and_it_says_so()
    {
        TunedModel tuned = Tuned("bert", "full");
        GreenTrainer green = Green(tuned, 0.5);
        Assert.Contains("all counted alike", green.Turn(0, parameters => [.. parameters.Select(_ => -1.0)])!, StringComparison.Ordinal);
        Assert.NotEmpty(green.Chosen!);
    }

    [Fact]
    public void A_budget_that_the_forward_pass_uses_up_is_refused_with_one_that_is_enough()
    {
        TunedModel tuned = Tuned("gpt2", "full");
        TrainingException error = Assert.Throws<TrainingException>(() => Green(tuned, 0.2));
        Assert.Equal(ErrorCodes.RecipeValueOutOfRange, error.Code);
        string enough = error.Message.Split("Give ")[1].Split(' ')[0];
        Green(tuned, double.Parse(enough, System.Globalization.CultureInfo.InvariantCulture)).Turn(0, Importance);
        Assert.Contains(tuned.Trainable, parameter => parameter.Trainable);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void With_the_whole_budget_a_run_gives_the_bytes_of_one_without_it(bool classifier)
    {
        using TinyRun run = classifier ? TinyRun.Classifier() : TinyRun.Language();
        Recipe plain = run.Recipe("plain");
        Recipe whole = run.Recipe("whole", TinyRun.Training() with { GreenTrainer = new GreenTrainerOptions { Flops = 1 } });
        TinyRun.Train(plain);
        TinyRun.Train(whole);
        Assert.Equal(TinyRun.FinalHash(plain), TinyRun.FinalHash(whole));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void One_two_and_three_threads_and_a_resume_from_any_step_give_the_same_bytes(bool lora)
    {
        using TinyRun run = TinyRun.Classifier();
        TrainingOptions training = TinyRun.Training() with { GreenTrainer = new GreenTrainerOptions { Flops = lora ? 0.97 : 0.9, EverySteps = 5 } };
        TuningOptions method = lora ? new LoRAOptions { Rank = 4, Targets = [LayerTargets.AllLinear] } : new FullOptions();
        string[] hashes = [.. new[] { 1, 2, 3 }.Select(threads =>
        {
            using var backend = new CpuBackend(threads);
            Recipe recipe = run.Recipe($"threads{threads}", training, method);
            (_, List<TrainingEvent> events) = TinyRun.Train(recipe, new FineTunerOptions { Backend = backend });
            Assert.Equal(2, events.OfType<LogMessage>().Count(message => message.Text.Contains("of a full one", StringComparison.Ordinal)));
            return TinyRun.FinalHash(recipe);
        })];
        Assert.Single(hashes.Distinct());

        foreach (int step in (int[])[2, 5, 7])
        {
            Recipe recipe = run.Recipe($"from{step}", training, method);
            TinyRun.TrainUntil(recipe, step);
            TinyRun.Train(recipe, new FineTunerOptions { Resume = true });
            Assert.Equal(hashes[0], TinyRun.FinalHash(recipe));
        }
    }

    [Fact]
    public void A_run_reports_the_operations_it_computed_and_computes_fewer_within_a_budget()
    {
        using TinyRun run = TinyRun.Classifier();
        Recipe plain = run.Recipe("plain", TinyRun.Training(epochs: 6));
        Recipe less = run.Recipe("less", TinyRun.Training(epochs: 6) with { GreenTrainer = new GreenTrainerOptions { Flops = 0.6, EverySteps = 10 } });
        TinyRun.Train(plain);
        TinyRun.Train(less);
        double full = FlopsIn(plain);
        Assert.Contains(FormattableString.Invariant($"They computed {full / 1e9:N3} billion floating-point operations"), File.ReadAllText(Path.Combine(plain.Output, Report.TextFileName)), StringComparison.Ordinal);
        Assert.InRange(FlopsIn(less) / full, 0.45, 0.605); // the probes included; batches differ a little from the first one, by which costs are judged

        static double FlopsIn(Recipe recipe)
        {
            using var json = System.Text.Json.JsonDocument.Parse(File.ReadAllText(Path.Combine(recipe.Output, Report.JsonFileName)));
            return json.RootElement.GetProperty("forwardFlops").GetDouble() + json.RootElement.GetProperty("backwardFlops").GetDouble();
        }
    }

    [Fact]
    public void Together_with_gradual_unfreezing_it_is_refused() =>
        Assert.Contains("both choose what learns", Assert.Single(new TrainingOptions { GreenTrainer = new(), Unfreeze = new() }.Validate()), StringComparison.Ordinal);

    [Fact]
    public void With_a_method_that_needs_all_gradients_in_each_step_it_is_refused()
    {
        using TinyRun run = TinyRun.Classifier();
        var method = new AdaLoRAOptions { InitialRank = 4, TargetRank = 2, WarmupSteps = 1, FinalSteps = 1, Targets = [LayerTargets.AllLinear] };
        Recipe recipe = run.Recipe("adalora", TinyRun.Training() with { GreenTrainer = new GreenTrainerOptions { Flops = 0.9 } }, method);
        Assert.Equal(ErrorCodes.RecipeSettingsConflict, Assert.Throws<TrainingException>(() => TinyRun.Train(recipe)).Code);
    }

    private static TunedModel Tuned(string family, string method)
    {
        TextModel model = TinyTuning.Language(family);
        model.Backbone.GradientCheckpointing = method == "checkpointed";
        return (method == "lora" ? new LoRAOptions { Rank = 2, Targets = [LayerTargets.AllLinear] } : (TuningOptions)new FullOptions()).Create().Apply(model, seed: 0);
    }

    private static GreenTrainer Green(TunedModel tuned, double budget, GreenTrainerOptions? options = null)
    {
        using Tape trace = Tape.BeginTrace();
        TinyTuning.Loss(tuned.Text());
        return new GreenTrainer(options ?? new GreenTrainerOptions { Flops = budget }, tuned.Trainable, new StepCost(trace), stepsPerEpoch: 10_000);
    }

    // Something positive that differs from weight to weight.
    private static double[] Importance(IReadOnlyList<Parameter> parameters) => [.. parameters.Select(parameter => 1 + (parameter.Name.Sum(c => c) % 17))];

    private static (long Forward, long Backward) Step(TunedModel tuned)
    {
        foreach (Parameter parameter in tuned.Trainable)
        {
            parameter.Value.ClearGrad();
        }

        using Tape tape = Tape.Begin();
        tape.Backward(TinyTuning.Loss(tuned.Text()));
        return (tape.ForwardFlops, tape.BackwardFlops);
    }
}
