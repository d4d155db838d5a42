using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tests.Training;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class AdaLoRATests : PeftMethodInvariants
{
    protected override AdapterOptions Options => new AdaLoRAOptions { InitialRank = 4, TargetRank = 2, Targets = [LayerTargets.AllLinear] };

    protected override (int Steps, double Rate) Learning => (40, 0.05);

    protected override (string Folder, string Base, AdapterOptions Options) Golden => (
        "adalora", "llama", new AdaLoRAOptions { InitialRank = 6, TargetRank = 3, Alpha = 8, WarmupSteps = 1, FinalSteps = 1, Targets = ["q_proj", "v_proj"] });

    protected override string[] KeysApart => ["init_lora_weights", "total_step"];

    protected override long CountFor(string family) => 2 * 4 * family switch
    {
        "bert" => (4 * 33) + 41 + 41, // in + out + 1 of each layer
        "gpt2" => 65 + 33 + 41 + 41,
        _ => 33 + 25 + 25 + 33 + 41 + 41 + 41,
    };

    [Fact]
    public void At_the_first_step_only_the_values_have_a_gradient_of_the_loss()
    {
        TunedModel tuned = Options.Create().Apply(TinyTuning.Language("llama"), seed: 3);
        TinyTuning.Differentiate(tuned);
        Assert.All(Updates(tuned), update =>
        {
            Assert.All(update.A.Value.Grad!.ToArray().Concat(update.B.Value.Grad!.ToArray()), value => Assert.Equal(0f, value));
            Assert.Contains(update.E.Value.Grad!.ToArray(), value => value != 0);
        });
    }

    [Fact]
    public void The_penalty_is_the_mean_distance_from_orthogonality_and_its_gradient_that_of_finite_differences()
    {
        TunedModel tuned = new AdaLoRAOptions { InitialRank = 3, Targets = ["v_proj"] }.Create().Apply(TinyTuning.Language("llama"), seed: 3);
        foreach (AdaLoRAUpdate update in Updates(tuned))
        {
            new Rng(5, RngStream.Initialization).FillNormal(update.A.Value.Span, 0, 0.6f, 1);
            new Rng(5, RngStream.Initialization).FillNormal(update.B.Value.Span, 0, 0.6f, 2);
        }

        TinyTuning.Differentiate(tuned);
        foreach (Parameter parameter in tuned.Trainable)
        {
            parameter.Value.Grad!.Span.Clear();
        }

        double term = tuned.Adapter!.StepRule!.AddGradient();
        Assert.Equal(Penalty(tuned), term, 1e-5);
        foreach (Parameter parameter in Updates(tuned).SelectMany(update => new[] { update.A, update.B }))
        {
            float[] gradient = parameter.Value.Grad!.ToArray();
            for (int i = 0; i < gradient.Length; i += 7)
            {
                float kept = parameter.Value.Span[i];
                parameter.Value.Span[i] = kept + 1e-2f;
                double above = Penalty(tuned);
                parameter.Value.Span[i] = kept - 1e-2f;
                double below = Penalty(tuned);
                parameter.Value.Span[i] = kept;
                Assert.Equal((above - below) / 2e-2, gradient[i], 2e-4);
            }
        }
    }

    [Fact]
    public void The_budget_falls_with_the_cube_of_what_is_left_of_the_time()
    {
        TunedModel tuned = new AdaLoRAOptions { InitialRank = 12, TargetRank = 4, WarmupSteps = 10, FinalSteps = 20, Targets = ["q_proj", "v_proj"] }
            .Create().Apply(TinyTuning.Language("llama"), seed: 3);
        var allocation = (RankAllocation)tuned.Adapter!.StepRule!;
        allocation.Begin(110);
        foreach ((long step, double expected) in new (long, double)[] { (1, 48), (10, 48), (11, 16 + (32 * Math.Pow(79 / 80.0, 3))), (50, 16 + (32 * 0.125)), (90, 16), (110, 16) })
        {
            Assert.Equal((long)expected, allocation.BudgetAt(step));
        }
    }

    [Fact]
    public void The_triplets_that_stay_are_those_of_an_independent_computation_and_as_many_as_the_budget_says()
    {
        TunedModel tuned = new AdaLoRAOptions { InitialRank = 4, TargetRank = 2, WarmupSteps = 1, FinalSteps = 3, Interval = 2, Targets = [LayerTargets.AllLinear] }
            .Create().Apply(TinyTuning.Language("llama"), seed: 3);
        var mean = tuned.Trainable.ToDictionary(parameter => parameter, parameter => new double[parameter.Count]);
        var deviation = tuned.Trainable.ToDictionary(parameter => parameter, parameter => new double[parameter.Count]);
        Train(tuned, steps: 12, afterOptimizer: step =>
        {
            foreach (Parameter parameter in tuned.Trainable.Where(_ => step < 9))
            {
                (float[] w, float[] g) = (parameter.Value.ToArray(), parameter.Value.Grad!.ToArray());
                for (int i = 0; i < w.Length; i++)
                {
                    double importance = Math.Abs((double)w[i] * g[i]);
                    mean[parameter][i] = (0.85 * mean[parameter][i]) + (0.15 * importance);
                    deviation[parameter][i] = (0.85 * deviation[parameter][i]) + (0.15 * Math.Abs(importance - mean[parameter][i]));
                }
            }
        });

        double Score(Parameter parameter, Func<int, bool> belongs) => Enumerable.Range(0, (int)parameter.Count).Where(belongs).Average(i => mean[parameter][i] * deviation[parameter][i]);
        AdaLoRAUpdate[] updates = [.. Updates(tuned)];
        double[][] scores = [.. updates.Select(update => Enumerable.Range(0, 4).Select(k =>
            Score(update.E, i => i == k) + Score(update.A, i => i / update.Layer.In == k) + Score(update.B, i => i % 4 == k)).ToArray())];
        double least = scores.SelectMany(row => row).OrderDescending().ElementAt((2 * updates.Length) - 1);
        Assert.Equal(scores.Select(row => row.Select(score => score >= least)), updates.Select(update => update.Kept!));
        Assert.Equal(2 * updates.Length, updates.Sum(update => update.Kept!.Count(stays => stays)));
        Assert.True(updates.Select(update => update.Kept!.Count(stays => stays)).Distinct().Count() > 1, "all layers kept the same rank");
        Assert.All(updates, update => Assert.Equal(update.Kept!, update.E.Value.ToArray().Select(value => value != 0)));
    }

    [Fact]
    public void What_was_set_to_zero_is_left_out_of_the_file_and_the_rank_pattern_says_so()
    {
        TextModel model = TinyTuning.Language("gpt2");
        TunedModel tuned = new AdaLoRAOptions { InitialRank = 4, TargetRank = 1, Targets = [LayerTargets.AllLinear] }.Create().Apply(model, seed: 3);
        Train(tuned, steps: 8);
        AdaLoRAUpdate empty = Updates(tuned).First();
        empty.E.Value.Span.Clear(); // a layer that is left with nothing
        PeftFolder.Save(tuned.Adapter!, Folder.Path, "base");

        JsonObject config = JsonNode.Parse(File.ReadAllText(Folder.PathOf(PeftAdapterConfig.FileName)))!.AsObject();
        Assert.Equal(8, config["total_step"]!.GetValue<int>());
        JsonObject pattern = config["rank_pattern"]!.AsObject();
        Assert.Equal("[false,false,false,false]", pattern["transformer.h.0.attn.c_attn.lora_E"]!.ToJsonString());
        TextModel fresh = TinyTuning.Language("gpt2");
        Adapter loaded = PeftFolder.Load(fresh, Folder.Path);
        Assert.Equal(Updates(tuned).Select(update => update.E.Value.ToArray().Count(value => value != 0)), loaded.Parts.OfType<AdaLoRAUpdate>().Select(update => update.Rank));
        float[] output = TinyTuning.Output(model);
        TensorAssert.Close(output, Tensor.FromValues([output.Length], TinyTuning.Output(fresh)), absolute: 1e-5);

        using var again = new TemporaryFolder();
        PeftFolder.Save(loaded, again.Path, "base");
        Assert.Equal(File.ReadAllBytes(Folder.PathOf(PeftAdapterConfig.WeightsFileName)), File.ReadAllBytes(again.PathOf(PeftAdapterConfig.WeightsFileName)));
        Assert.True(JsonNode.DeepEquals(config, JsonNode.Parse(File.ReadAllText(again.PathOf(PeftAdapterConfig.FileName)))));
        MergedAdapter merged = loaded.Merge();
        TensorAssert.Close(output, Tensor.FromValues([output.Length], TinyTuning.Output(fresh)), absolute: 1e-4);
        merged.Unmerge();
    }

    [Fact]
    public void A_resumed_run_gives_the_bytes_of_the_run_that_was_never_interrupted()
    {
        using TinyRun run = TinyRun.Language();
        var method = new AdaLoRAOptions { InitialRank = 4, TargetRank = 1, WarmupSteps = 1, FinalSteps = 3, Interval = 2, Targets = [LayerTargets.AllLinear], Dropout = 0.1 };
        Recipe whole = run.Recipe("whole", tuning: method);
        TinyRun.Train(whole);
        string expected = TinyRun.FinalHash(whole);
        foreach (long step in (long[])[1, 4, 7, 8, 9])
        {
            Recipe stopped = run.Recipe($"stopped{step}", tuning: method);
            TinyRun.TrainUntil(stopped, step);
            TinyRun.Train(stopped, new FineTunerOptions { Resume = true });
            Assert.Equal(expected, TinyRun.FinalHash(stopped));
        }

        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(whole.Output, RunFolder.FinalName, PeftAdapterConfig.FileName)))!;
        Assert.Equal(8, config["rank_pattern"]!.AsObject().Sum(item => item.Value!.AsArray().Count(stays => stays!.GetValue<bool>())));
    }

    [Fact]
    public void Phases_that_leave_no_step_are_refused()
    {
        using TinyRun run = TinyRun.Language();
        var error = Assert.Throws<TuningException>(() => TinyRun.Train(run.Recipe(tuning: new AdaLoRAOptions { WarmupSteps = 6, FinalSteps = 4 })));
        Assert.Equal(ErrorCodes.RecipeValueOutOfRange, error.Code);
        Assert.Contains("none of the run's 10", error.Message, StringComparison.Ordinal);
        Assert.Contains("'targetRank' is 9", new AdaLoRAOptions { TargetRank = 9, InitialRank = 4 }.Validate().Single(), StringComparison.Ordinal);
    }

    private static IEnumerable<AdaLoRAUpdate> Updates(TunedModel tuned) => tuned.Adapter!.Parts.OfType<AdaLoRAUpdate>();

    private static void Train(TunedModel tuned, int steps, Action<int>? afterOptimizer = null)
    {
        StepRule rule = tuned.Adapter!.StepRule!;
        rule.Begin(steps);
        IOptimizer optimizer = new AdamWOptions().Create(OptimizedParameter.Create(tuned.Trainable, tuned.Text().Backbone.Blocks.Count, weightDecay: 0));
        for (int step = 1; step <= steps; step++)
        {
            TinyTuning.Differentiate(tuned);
            rule.AddGradient();
            optimizer.Step(0.02, gradientScale: 1);
            afterOptimizer?.Invoke(step);
            rule.AfterStep(step, gradientScale: 1);
        }
    }

    private static double Penalty(TunedModel tuned)
    {
        double sum = 0;
        foreach (AdaLoRAUpdate update in Updates(tuned))
        {
            (float[] a, float[] b, int inputs, int rank) = (update.A.Value.ToArray(), update.B.Value.ToArray(), update.Layer.In, update.Rank);
            sum += Distance(rank, (k, l) => Enumerable.Range(0, inputs).Sum(i => (double)a[(k * inputs) + i] * a[(l * inputs) + i]));
            sum += Distance(rank, (k, l) => Enumerable.Range(0, update.Layer.Out).Sum(o => (double)b[(o * rank) + k] * b[(o * rank) + l]));
        }

        return 0.5 * sum / (2 * Updates(tuned).Count());
    }

    private static double Distance(int rank, Func<int, int, double> gram) => Math.Sqrt(Enumerable.Range(0, rank * rank).Sum(i =>
    {
        (int k, int l) = (i / rank, i % rank);
        double difference = gram(k, l) - (k == l ? 1 : 0);
        return difference * difference;
    }));
}
