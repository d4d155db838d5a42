using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Hieno.Recipes;

namespace Hieno.Tests.Recipes;

// A small recipe with one setting of each sort that the engine knows.
public sealed record TestRecipe
{
    public required string Base { get; init; }

    public string Output { get; init; } = "runs/last";

    public string? Comment { get; init; }

    public DataGroup Data { get; init; } = new();

    public TuningGroup Tuning { get; init; } = new LoraGroup();

    public TrainingGroup Training { get; init; } = new();

    public IReadOnlyList<MetricGroup> Metrics { get; init; } = [];
}

public sealed record DataGroup
{
    public IReadOnlyList<string> Train { get; init; } = [];

    public Share Validation { get; init; } = Share.OfFraction(0.1);

    public IReadOnlyDictionary<string, string> Columns { get; init; } = new Dictionary<string, string>();
}

public abstract record TuningGroup
{
    [Range(0, 1, MaximumIsExclusive = true)]
    public float Dropout { get; init; }
}

public sealed record FullGroup : TuningGroup
{
    public bool Embeddings { get; init; } = true;
}

public sealed record LoraGroup : TuningGroup
{
    [Range(1, 1024)]
    public int Rank { get; init; } = 8;

    [Range(0.001, 1e6)]
    public float Alpha { get; init; } = 16f;

    [MinLength(1)]
    public IReadOnlyList<string> Targets { get; init; } = ["q_proj", "v_proj"];
}

public enum Pooling
{
    Mean,
    WeightedMean,
    LastToken,
    [JsonStringEnumMemberName("cls")]
    First,
}

public sealed record TrainingGroup : IValidated
{
    [Range(1, 1000)]
    public int Epochs { get; init; } = 3;

    [Range(1, int.MaxValue)]
    public int BatchSize { get; init; } = 8;

    public long? MaxSteps { get; init; }

    public ulong Seed { get; init; } = 42;

    [Range(0, 1, MinimumIsExclusive = true)]
    public double LearningRate { get; init; } = 2e-4;

    public bool Packing { get; init; }

    public Pooling Pooling { get; init; } = Pooling.Mean;

    [AllowedValues("f32", "bf16", "f16")]
    public string Precision { get; init; } = "f32";

    [Range(0, 0.1)]
    public IReadOnlyList<float> Decays { get; init; } = [0.01f];

    public ScheduleGroup? Schedule { get; init; } = new CosineGroup();

    public StoppingGroup? EarlyStopping { get; init; }

    public IEnumerable<string> Validate()
    {
        if (MaxSteps is { } steps && Schedule is CosineGroup { Warmup.Count: { } warmup } && warmup > steps)
        {
            yield return $"'schedule.warmup' is {warmup}, more than the {steps} steps of 'maxSteps'. Lower it.";
        }

        if (Packing && Pooling != Pooling.Mean)
        {
            yield return "Packed rows have no single last token. Use 'pooling: mean', or 'packing: false'.";
        }
    }
}

public sealed record StoppingGroup
{
    [Range(1, 100)]
    public required int Patience { get; init; }
}

public abstract record ScheduleGroup;

public sealed record ConstantGroup : ScheduleGroup;

public sealed record CosineGroup : ScheduleGroup
{
    public Share Warmup { get; init; } = Share.OfCount(0);
}

public abstract record MetricGroup;

public sealed record PerplexityGroup : MetricGroup;

public sealed record RougeGroup : MetricGroup
{
    public required int Order { get; init; }
}

public static class TestCatalog
{
    public static KindCatalog Create() => new KindCatalog()
        .Add<TuningGroup, FullGroup>("full")
        .Add<TuningGroup, LoraGroup>("lora")
        .Add<ScheduleGroup, ConstantGroup>("constant")
        .Add<ScheduleGroup, CosineGroup>("cosine")
        .Add<MetricGroup, PerplexityGroup>("perplexity")
        .Add<MetricGroup, RougeGroup>("rouge");

    public static RecipeBinding<TestRecipe> Bind(string yaml, params string[] args) =>
        RecipeFile.Parse<TestRecipe>(yaml, "recipe.yaml", RecipeFormat.Yaml, Create(), RecipeOverrides.Parse(args));

    public static TestRecipe Read(string yaml, params string[] args) => Bind(yaml, args).Value;

    public static RecipeException Refused(string yaml, params string[] args) => Assert.Throws<RecipeException>(() => Bind(yaml, args));
}
