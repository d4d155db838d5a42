using Hieno.Formats;
using Hieno.Optimizers;
using Hieno.Recipes;
using Hieno.Tensors.Cpu;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Training;

public sealed class StepInBackwardTests
{
    private static readonly TrainingOptions s_settings = new()
    {
        Epochs = 1, MaxSteps = 4, BatchSize = 4, LearningRate = 5e-3, Dropout = 0.1, ClipNorm = 0, CheckpointEvery = 2,
    };

    public static TheoryData<string> Cases => ["adamw", "adamw-8bit", "lion", "adafactor", "sgd", "lora", "checkpointed", "unfreezing", "green"];

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_weights_are_the_same_bytes_as_without_it_also_after_a_resume(string name)
    {
        using var run = TinyRun.Language(); // its output layer is tied to the token table, which is read twice
        TuningOptions tuning = name == "lora" ? new LoRAOptions { Rank = 2 } : new FullOptions();
        TrainingOptions settings = s_settings with
        {
            Optimizer = name switch { "adamw-8bit" => new AdamW8BitOptions(), "lion" => new LionOptions(), "adafactor" => new AdafactorOptions(), "sgd" => new SgdOptions { Momentum = 0.9 }, _ => new AdamWOptions() },
            GradientCheckpointing = name == "checkpointed",
            Unfreeze = name == "unfreezing" ? new UnfreezeOptions { EverySteps = 2 } : null,
            GreenTrainer = name == "green" ? new GreenTrainerOptions { Flops = 0.95, EverySteps = 4 } : null,
        };
        Recipe plain = run.Recipe("plain", settings, tuning);
        Recipe early = run.Recipe("early", settings with { StepInBackward = true }, tuning);
        TinyRun.Train(plain);
        TinyRun.Train(early);
        Assert.Equal(TinyRun.FinalHash(plain), TinyRun.FinalHash(early));

        Recipe resumed = run.Recipe("resumed", settings with { StepInBackward = true }, tuning);
        TinyRun.TrainUntil(resumed, 2);
        TinyRun.Train(resumed, new FineTunerOptions { Resume = true });
        Assert.Equal(TinyRun.FinalHash(plain), TinyRun.FinalHash(resumed));
    }

    [Fact]
    public void It_says_the_same_norms_and_needs_less_memory()
    {
        using var run = TinyRun.Wide();
        (double[] Norms, long Peak) Train(string name, bool early)
        {
            using var backend = new CpuBackend(1);
            var all = new List<double>();
            Recipe recipe = run.Recipe(name, s_settings with { StepInBackward = early, BatchSize = 1 }, new FullOptions());
            FineTuner.Create(recipe, new FineTunerOptions { Backend = backend }).Run(item =>
            {
                if (item is StepCompleted step)
                {
                    all.Add(step.GradientNorm);
                }
            });
            return ([.. all], backend.Pool.PeakBytes);
        }

        (double[] norms, long peak) = Train("plain", early: false);
        (double[] earlyNorms, long earlyPeak) = Train("early", early: true);
        Assert.Equal(norms.Length, earlyNorms.Length);
        Assert.All(norms.Zip(earlyNorms), pair => Assert.Equal(pair.First, pair.Second, pair.First * 1e-12));
        Assert.True(earlyPeak < 0.8 * peak, $"{peak} → {earlyPeak}");
    }

    [Fact]
    public void What_needs_all_gradients_together_is_refused_by_name()
    {
        string Fault(TrainingOptions options) => Assert.Single(options.Validate());
        Assert.EndsWith("but 'clipNorm' needs them together. Set 'clipNorm: 0'", Fault(new() { StepInBackward = true }), StringComparison.Ordinal);
        Assert.Contains("'accumulation'", Fault(s_settings with { StepInBackward = true, Accumulation = 2 }), StringComparison.Ordinal);
        Assert.Contains("'pullToStart'", Fault(s_settings with { StepInBackward = true, PullToStart = new() }), StringComparison.Ordinal);

        using var run = TinyRun.Language();
        Assert.Contains("only parts learn", Refused(new RandomMaskOptions()), StringComparison.Ordinal);
        Assert.Contains("GaLore", Refused(new FullOptions(), new GaLoreOptions()), StringComparison.Ordinal);

        string Refused(TuningOptions tuning, OptimizerOptions? optimizer = null)
        {
            Recipe recipe = run.Recipe("refused", s_settings with { StepInBackward = true, Optimizer = optimizer ?? new AdamWOptions() }, tuning);
            var error = Assert.Throws<TrainingException>(() => TinyRun.Train(recipe));
            Assert.Equal(ErrorCodes.RecipeSettingsConflict, error.Code);
            return error.Message;
        }
    }
}
