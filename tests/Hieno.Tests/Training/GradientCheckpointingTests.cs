using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Tensors.Cpu;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Training;

/// <summary>Whatever is trained, and however: what is computed again has the same bits.</summary>
public sealed class GradientCheckpointingTests
{
    private const int Layers = 5;

    public static TheoryData<string> Methods =>
    [
        "full", "partial", "lora", "dora", "ia3", "oft", "boft", "hra", "vblora", "vera", "fourierft", "prompt-tuning", "prefix-tuning", "llama-adapter", "bottleneck", "reft",
    ];

    [Theory]
    [MemberData(nameof(Methods))]
    public void Every_method_learns_the_same_bytes_whatever_is_computed_again(string method)
    {
        using TinyRun run = Deep();
        TuningOptions tuning = Tuning(method);
        string plain = Train(run, "plain", tuning, new());
        foreach (int span in (int[])[0, 1, 2, 9])
        {
            Assert.Equal(plain, Train(run, $"span{span}", tuning, new() { GradientCheckpointing = true, CheckpointSpan = span }));
        }
    }

    [Fact]
    public void So_do_bf16_packed_rows_a_resumed_run_and_frozen_layers_that_are_remembered()
    {
        using TinyRun run = Deep(width: 48);
        TuningOptions top = new PartialOptions { LastBlocks = 3 };
        TrainingOptions settings = new() { Precision = MatMulPrecision.Bf16, Dropout = 0, GradientCheckpointing = true, CheckpointSpan = 2 };
        string plain = Train(run, "plain", top, settings with { GradientCheckpointing = false, CheckpointSpan = null }, packing: true);
        Assert.Equal(plain, Train(run, "saving", top, settings, packing: true));

        Recipe resumed = RecipeOf(run, "resumed", top, settings, packing: true);
        TinyRun.TrainUntil(resumed, 2);
        TinyRun.Train(resumed, new FineTunerOptions { Resume = true });
        Assert.Equal(plain, TinyRun.FinalHash(resumed));
    }

    [Fact]
    public void It_saves_memory_the_more_the_shorter_the_spans()
    {
        using TinyRun run = Deep(width: 64);
        long[] peaks = [.. new TrainingOptions[]
        {
            new(), new() { GradientCheckpointing = true, CheckpointSpan = 3 }, new() { GradientCheckpointing = true },
        }.Select((settings, i) =>
        {
            using var backend = new CpuBackend(1);
            Train(run, $"memory{i}", new LoRAOptions { Rank = 2, Targets = [LayerTargets.AllLinear] }, settings with { BatchSize = 10, Accumulation = 1 }, backend: backend);
            return backend.Pool.PeakBytes;
        })];
        Assert.True(peaks[1] < 0.8 * peaks[0] && peaks[2] < 0.8 * peaks[1], string.Join(", ", peaks));
    }

    [Fact]
    public void A_span_without_checkpointing_is_a_fault_of_the_recipe() =>
        Assert.Contains("'gradientCheckpointing: true'", Assert.Single(new TrainingOptions { CheckpointSpan = 2 }.Validate()), StringComparison.Ordinal);

    private static TuningOptions Tuning(string method) => method switch
    {
        "full" => new FullOptions(),
        "partial" => new PartialOptions { LastBlocks = 3 },
        "lora" => new LoRAOptions { Rank = 4, Dropout = 0.1 },
        "dora" => new LoRAOptions { Rank = 4, Dora = true },
        "ia3" => new IA3Options(),
        "oft" => new OFTOptions { BlockSize = 4 },
        "boft" => new BOFTOptions { BlockSize = 4 },
        "hra" => new HRAOptions { Rank = 2 },
        "vblora" => new VBLoRAOptions { VectorLength = 8, Vectors = 16 },
        "vera" => new VeRAOptions { Rank = 4 },
        "fourierft" => new FourierFTOptions { Frequencies = 20 },
        "prompt-tuning" => new PromptTuningOptions { VirtualTokens = 4 },
        "prefix-tuning" => new PrefixTuningOptions { VirtualTokens = 4 },
        "llama-adapter" => new LlamaAdapterOptions { PromptLength = 4, TopBlocks = 3 },
        "bottleneck" => new BottleneckOptions { Reduction = 4 },
        _ => new ReftOptions { Rank = 2 },
    };

    private static TinyRun Deep(int width = 16)
    {
        TinyRun run = width == 16 ? TinyRun.Language() : TinyRun.Wide();
        string config = Path.Combine(run.Base, "config.json");
        File.WriteAllText(config, File.ReadAllText(config)
            .Replace("\"n_layer\": 2", $"\"n_layer\": {Layers}", StringComparison.Ordinal)
            .Replace("\"n_embd\": 48", $"\"n_embd\": {width}", StringComparison.Ordinal));
        return run;
    }

    private static string Train(TinyRun run, string name, TuningOptions tuning, TrainingOptions settings, bool packing = false, CpuBackend? backend = null)
    {
        Recipe recipe = RecipeOf(run, name, tuning, settings, packing);
        TinyRun.Train(recipe, new FineTunerOptions { Backend = backend });
        return TinyRun.FinalHash(recipe);
    }

    private static Recipe RecipeOf(TinyRun run, string name, TuningOptions tuning, TrainingOptions settings, bool packing)
    {
        Recipe recipe = run.Recipe(name, settings with { Epochs = 1, MaxSteps = 3, BatchSize = settings.BatchSize == 8 ? 2 : settings.BatchSize, LearningRate = 5e-3, Dropout = settings.Dropout ?? 0.1 }, tuning);
        return recipe with { Data = recipe.Data with { Packing = packing } };
    }
}
