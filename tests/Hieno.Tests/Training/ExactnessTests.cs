using Hieno.Data;
using Hieno.Recipes;
using Hieno.Schedules;
using Hieno.Tensors;
using Hieno.Tensors.Cpu;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Training;

/// <summary>The same recipe gives the same bytes: on any number of threads, run again, or resumed from anywhere.</summary>
public sealed class ExactnessTests
{
    private static readonly LoRAOptions s_lora = new() { Rank = 4, Dropout = 0.1, Targets = [LayerTargets.AllLinear] };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void One_two_and_three_threads_give_the_same_bytes(bool classifier)
    {
        using TinyRun run = classifier ? TinyRun.Classifier() : TinyRun.Language();
        string[] hashes = [.. new[] { 1, 2, 3 }.Select(threads =>
        {
            using var backend = new CpuBackend(threads);
            Recipe recipe = run.Recipe($"run{threads}");
            TinyRun.Train(recipe, new FineTunerOptions { Backend = backend });
            return TinyRun.FinalHash(recipe);
        })];
        Assert.Single(hashes.Distinct());
    }

    [Fact]
    public void In_bf16_any_number_of_threads_and_gradient_checkpointing_give_the_same_bytes_and_the_log_says_how_it_multiplied()
    {
        using TinyRun run = TinyRun.Wide();
        string exact = Train(run, "fp32", MatMulPrecision.Fp32, threads: 2, checkpointing: false, machineCode: true);
        string[] rounded =
        [
            Train(run, "one", MatMulPrecision.Bf16, threads: 1, checkpointing: false, machineCode: true),
            Train(run, "three", MatMulPrecision.Bf16, threads: 3, checkpointing: false, machineCode: true),
            Train(run, "again", MatMulPrecision.Bf16, threads: 2, checkpointing: true, machineCode: true),
            Train(run, "managed", MatMulPrecision.Bf16, threads: 2, checkpointing: false, machineCode: false),
        ];
        Assert.Single(rounded.Distinct());
        Assert.NotEqual(exact, rounded[0]);

        static string Train(TinyRun run, string output, MatMulPrecision precision, int threads, bool checkpointing, bool machineCode)
        {
            using var backend = new CpuBackend(threads) { AllowsMachineCode = machineCode };
            Recipe recipe = run.Recipe(output, TinyRun.Training(epochs: 1) with { Precision = precision, GradientCheckpointing = checkpointing }, validated: true);
            (_, List<TrainingEvent> events) = TinyRun.Train(recipe, new FineTunerOptions { Backend = backend });
            Assert.Equal(precision == MatMulPrecision.Bf16, events.OfType<LogMessage>().Any(item => item.Text == backend.Describe(MatMulPrecision.Bf16)));
            return TinyRun.FinalHash(recipe);
        }
    }

    [Fact]
    public void Another_seed_gives_other_bytes()
    {
        using TinyRun run = TinyRun.Language();
        Recipe first = run.Recipe("first");
        Recipe second = run.Recipe("second") with { Seed = 8 };
        TinyRun.Train(first);
        TinyRun.Train(second);
        Assert.NotEqual(TinyRun.FinalHash(first), TinyRun.FinalHash(second));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Resuming_from_some_steps_gives_the_bytes_of_the_run_that_was_never_interrupted(bool lora) => ResumeFrom([1, 4, 13, 19], lora ? s_lora : null);

    [Fact]
    public void Resuming_a_run_of_several_methods_gives_the_bytes_of_the_run_that_was_never_interrupted() =>
        ResumeFrom([1, 13], new SeveralOptions { Methods = [s_lora, new PromptTuningOptions { VirtualTokens = 2 }, new RandomMaskOptions { NormsOnly = true }] });

    [Fact]
    public void Resuming_a_run_whose_second_method_has_a_step_rule_gives_the_bytes_of_the_run_that_was_never_interrupted() =>
        ResumeFrom([1, 13], new SeveralOptions { Methods = [new BottleneckOptions { Reduction = 4 }, new AdaLoRAOptions()] });

    [Theory]
    [Trait("tier", "slow")]
    [InlineData(false)]
    [InlineData(true)]
    public void Resuming_from_every_step_gives_the_bytes_of_the_run_that_was_never_interrupted(bool lora) => ResumeFrom([.. Enumerable.Range(1, 19)], lora ? s_lora : null);

    [Fact]
    public void Resuming_a_run_that_was_stopped_after_each_step_gives_the_same_bytes()
    {
        using TinyRun run = TinyRun.Classifier();
        Recipe whole = run.Recipe("whole");
        TinyRun.Train(whole);

        Recipe stopped = run.Recipe("stopped");
        for (int step = 1; step < 10; step++)
        {
            TinyRun.TrainUntil(stopped, step, new FineTunerOptions { Resume = true });
        }

        TinyRun.Train(stopped, new FineTunerOptions { Resume = true });
        Assert.Equal(TinyRun.FinalHash(whole), TinyRun.FinalHash(stopped));
    }

    [Fact]
    public void Resuming_a_finished_run_leaves_the_same_model()
    {
        using TinyRun run = TinyRun.Classifier();
        Recipe recipe = run.Recipe();
        TinyRun.Train(recipe);
        string before = TinyRun.FinalHash(recipe);
        (RunCompleted again, List<TrainingEvent> events) = TinyRun.Train(recipe, new FineTunerOptions { Resume = true });
        Assert.Equal(RunOutcome.Completed, again.Outcome);
        Assert.Empty(events.OfType<StepCompleted>());
        Assert.Equal(before, TinyRun.FinalHash(recipe));
    }

    [Fact]
    public void Four_batches_of_two_learn_what_one_batch_of_eight_does()
    {
        using TinyRun run = TinyRun.Language();
        TrainingOptions training = TinyRun.Training() with { Dropout = 0, ClipNorm = 0.5 };
        Recipe small = run.Recipe("small", training with { BatchSize = 2, Accumulation = 4 });
        Recipe large = run.Recipe("large", training with { BatchSize = 8, Accumulation = 1 });
        StepCompleted[] of2 = [.. TinyRun.Train(small).Events.OfType<StepCompleted>()];
        StepCompleted[] of8 = [.. TinyRun.Train(large).Events.OfType<StepCompleted>()];

        Assert.Equal(6, of2.Length); // three steps an epoch, the last of four rows
        Assert.Equal(of8.Length, of2.Length);
        for (int i = 0; i < of2.Length; i++)
        {
            Assert.Equal(of8[i].Loss, of2[i].Loss, 1e-6);
            Assert.Equal(of8[i].GradientNorm, of2[i].GradientNorm, 1e-5);
            Assert.Equal(of8[i].Tokens, of2[i].Tokens);
        }
    }

    [Fact]
    public void Packed_rows_have_the_loss_of_rows_that_are_not()
    {
        using TinyRun run = TinyRun.Language();
        TrainingOptions training = TinyRun.Training(epochs: 3) with { Dropout = 0, BatchSize = 20, Accumulation = 1 }; // all rows in each step
        Recipe plain = run.Recipe("plain", training);
        Recipe packed = run.Recipe("packed", training) with { Data = plain.Data with { Packing = true } };
        double[] expected = [.. TinyRun.Train(plain).Events.OfType<StepCompleted>().Select(step => step.Loss)];
        double[] ours = [.. TinyRun.Train(packed).Events.OfType<StepCompleted>().Select(step => step.Loss)];
        Assert.Equal(3, ours.Length);
        Assert.All(expected.Zip(ours), pair => Assert.Equal(pair.First, pair.Second, 2e-6));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gradient_checkpointing_changes_no_bit(bool lora)
    {
        using TinyRun run = TinyRun.Language();
        TuningOptions? tuning = lora ? new LoRAOptions { Rank = 4, Dropout = 0.1 } : null;
        Recipe plain = run.Recipe("plain", tuning: tuning);
        Recipe saving = run.Recipe("saving", TinyRun.Training() with { GradientCheckpointing = true }, tuning);
        TinyRun.Train(plain);
        TinyRun.Train(saving);
        Assert.Equal(TinyRun.FinalHash(plain), TinyRun.FinalHash(saving));
    }

    [Fact]
    public void A_step_late_in_the_run_holds_no_more_memory_than_an_early_one()
    {
        using TinyRun run = TinyRun.Language();
        using var backend = new CpuBackend(2);
        var live = new Dictionary<long, (long Live, long Total)>();
        Recipe recipe = run.Recipe(training: TinyRun.Training(epochs: 5) with { CheckpointEvery = 1, EvaluateEvery = 1 }, validated: true);
        FineTuner.Create(recipe, new FineTunerOptions { Backend = backend }).Run(item =>
        {
            if (item is StepCompleted step)
            {
                live[step.Step] = (backend.Pool.LiveBytes, backend.Pool.ReservedBytes);
            }
        });
        Assert.Equal(live[2].Live, live[20].Live);

        // Batches of other lengths leave other gaps between blocks; beyond these, and two slabs of small blocks, nothing is asked of the system.
        long most = (backend.Pool.PeakBytes * 3 / 2) + (2 << 20);
        Assert.True(live[25].Total <= most, $"{live[25].Total} bytes are reserved, {most} at most were expected");
    }

    // Everything that a run could forget is on: dropout, shuffling, accumulation, early stopping, a schedule with a memory.
    private static void ResumeFrom(int[] steps, TuningOptions? tuning)
    {
        using TinyRun run = TinyRun.Language();
        TrainingOptions training = TinyRun.Training(epochs: 4) with
        {
            Schedule = new PlateauScheduleOptions { Patience = 0, Factor = 0.5, Threshold = 0.05 },
            EarlyStopping = new EarlyStoppingOptions { Patience = 8, MinDelta = 0.001 },
            EvaluateEvery = 2,
            CheckpointEvery = 3,
        };
        Recipe whole = run.Recipe("whole", training, tuning, validated: true);
        (RunCompleted result, List<TrainingEvent> events) = TinyRun.Train(whole);
        string expected = TinyRun.FinalHash(whole);
        Assert.Equal(20, result.Step);
        Assert.Contains(events.OfType<StepCompleted>(), step => step.LearningRate < 2e-3); // the plateau schedule has acted

        foreach (int step in steps)
        {
            Recipe recipe = run.Recipe($"from{step}", training, tuning, validated: true);
            TinyRun.TrainUntil(recipe, step);
            (_, List<TrainingEvent> resumed) = TinyRun.Train(recipe, new FineTunerOptions { Resume = true });
            Assert.Equal(step, resumed.OfType<RunStarted>().Single().FirstStep);
            Assert.Equal(LossesFrom(events, step), LossesFrom(resumed, step));
            Assert.Equal(expected, TinyRun.FinalHash(recipe));
        }
    }

    private static double[] LossesFrom(IEnumerable<TrainingEvent> events, long step) =>
        [.. events.OfType<StepCompleted>().Where(done => done.Step > step).Select(done => done.Loss)];
}
