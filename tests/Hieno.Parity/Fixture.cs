using System.Text.Json;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Vision;

namespace Hieno.Parity;

/// <summary>What a model is asked to do, as its class in the reference implementation says.</summary>
internal enum FixtureTask
{
    /// <summary>Predict the next token.</summary>
    CausalLanguage,

    /// <summary>Predict the tokens that are masked out.</summary>
    MaskedLanguage,

    /// <summary>Give each row a class, several labels, or numbers.</summary>
    Classification,

    /// <summary>Give each picture a class.</summary>
    ImageClassification,
}

/// <summary>One folder of reference values: a model, a batch, and what the reference implementation made of them.</summary>
internal sealed class Fixture
{
    private Fixture(string folder, ModelConfig config, FixtureTask task)
    {
        (Folder, Config, Task) = (folder, config, task);
        Expected = ReadTensors("expected.safetensors");
        Gradients = ReadTensors("grads.safetensors");
        AfterAdamW = ReadTensors("adamw3.safetensors");
        Batch = FixtureBatch.Read(ReadTensors("inputs.safetensors"), task);
        ShortBatch = File.Exists(Path.Combine(folder, "inputs_short.safetensors"))
            ? FixtureBatch.Read(ReadTensors("inputs_short.safetensors"), task)
            : null;

        using var meta = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "meta.json")));
        JsonElement noise = meta.RootElement.GetProperty("fp32_vs_fp64");
        LogitNoise = noise.GetProperty("logits_max_abs").GetDouble();
        GradientNoise = noise.GetProperty("grad_max_rel_fro")[0].GetDouble();
        TrainsOnBatches = meta.RootElement.GetProperty("train_mode").GetBoolean();
        Unused = meta.RootElement.GetProperty("unused_params_no_grad").EnumerateArray().Select(name => name.GetString()!).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>Its <c>config.json</c>.</summary>
    public ModelConfig Config { get; }

    /// <summary>The same settings in the words of a newer configuration, where the folder states them twice; else null.</summary>
    public ModelConfig? NewerConfig =>
        File.Exists(Path.Combine(Folder, "config.v5.json")) ? ModelConfig.Read(Path.Combine(Folder, "config.v5.json")) : null;

    /// <summary>What the model is asked to do.</summary>
    public FixtureTask Task { get; }

    /// <summary>The reference's logits and losses.</summary>
    public TensorFile Expected { get; }

    /// <summary>The reference's gradient of each parameter.</summary>
    public TensorFile Gradients { get; }

    /// <summary>The reference's parameters after three steps of AdamW.</summary>
    public TensorFile AfterAdamW { get; }

    /// <summary>The batch.</summary>
    public FixtureBatch Batch { get; }

    /// <summary>A second batch within the trained context, where the first lies beyond it; else null.</summary>
    public FixtureBatch? ShortBatch { get; }

    /// <summary>How far the reference's own logits in single precision lie from those in double precision.</summary>
    public double LogitNoise { get; }

    /// <summary>The same of the gradient that is furthest off, in the relative Frobenius norm.</summary>
    public double GradientNoise { get; }

    /// <summary>True where the reference's gradients are those of training: batch normalisation reads the batch and moves its statistics.</summary>
    public bool TrainsOnBatches { get; }

    /// <summary>Parameters that take no part in the loss.</summary>
    public IReadOnlySet<string> Unused { get; }

    /// <summary>A LoRA adapter and what it does to the model, or null.</summary>
    public string? LoRAFolder =>
        Directory.Exists(Path.Combine(Folder, "lora")) ? Path.Combine(Folder, "lora") : null;

    /// <summary>Numbers that a classifier gives each row.</summary>
    public int Outputs => Config.GetLabels()?.Count ?? Config.GetInt("num_labels", 2);

    /// <summary>True when a folder is laid out as a model fixture.</summary>
    public static bool IsFixture(string folder) =>
        Array.TrueForAll(["config.json", "meta.json", "inputs.safetensors", "expected.safetensors", "grads.safetensors"], name => File.Exists(Path.Combine(folder, name)));

    /// <summary>Why a fixture cannot be run, or null when it can.</summary>
    public static string? WhyUnsupported(string folder)
    {
        var config = ModelConfig.Read(folder);
        if (BuiltInModels.Catalog().Find(config) is null && BuiltInVisionModels.Catalog().Find(config) is null)
        {
            return $"family '{config.ModelType}'";
        }

        string model = Architecture(config);
        return TaskOf(model) is null ? model : null;
    }

    /// <summary>Reads a folder.</summary>
    /// <exception cref="FixtureException">Its task is not one of those known here, or its files do not fit together.</exception>
    public static Fixture Read(string folder)
    {
        var config = ModelConfig.Read(folder);
        string model = Architecture(config);
        return new Fixture(folder, config, TaskOf(model) ?? throw new FixtureException($"{folder}: the task of {model} is not known."));
    }

    private static string Architecture(ModelConfig config) => config.GetStrings("architectures")?[0] ?? "a model of unknown class";

    private static FixtureTask? TaskOf(string model) =>
        model.EndsWith("ForCausalLM", StringComparison.Ordinal) || model.EndsWith("LMHeadModel", StringComparison.Ordinal) ? FixtureTask.CausalLanguage
        : model.EndsWith("ForMaskedLM", StringComparison.Ordinal) ? FixtureTask.MaskedLanguage
        : model.EndsWith("ForSequenceClassification", StringComparison.Ordinal) ? FixtureTask.Classification
        : model.EndsWith("ForImageClassification", StringComparison.Ordinal) ? FixtureTask.ImageClassification
        : null;

    private TensorFile ReadTensors(string name) => TensorFile.Read(Path.Combine(Folder, name));
}
