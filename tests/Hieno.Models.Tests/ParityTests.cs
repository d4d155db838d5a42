using Hieno.Parity;
using Hieno.Tensors;
using Hieno.Tests.Shared;

namespace Hieno.Models.Tests;

/// <summary>Our models against the reference implementation's values: logits, loss, gradients, AdamW, LoRA.</summary>
[Trait("tier", "golden")]
public sealed class ParityTests
{
    public static TheoryData<string> Fixtures() => [.. GoldenModels.Names, .. GoldenModels.Pictures];

    [SkippableTheory]
    [MemberData(nameof(Fixtures))]
    public void Model_agrees_with_the_reference(string name)
    {
        var report = Report.Of(SharedFolder.Require($"golden/{name}"));
        Assert.True(report.Outcome == Outcome.Pass, report.ToLine(0));
    }

    private static readonly string[] s_adapters =
    [
        "adalora", "adaption_prompt", "boft", "fourierft", "hra", "ia3", "ia3_bert", "ln_tuning", "loha", "lokr", "oft", "vblora",
        "lora_all_linear", "lora_bias_all", "lora_default_init", "lora_dora", "lora_embed_lmhead", "lora_gaussian", "lora_gpt2_conv1d", "lora_layers_to_transform",
        "lora_olora", "lora_patterns", "lora_pissa", "lora_qv", "lora_rslora", "vera",
        "p_tuning", "p_tuning_lstm", "prefix_tuning", "prefix_tuning_proj", "prefix_tuning_seqcls", "prompt_tuning",
    ];

    public static TheoryData<string> Adapters() => [.. s_adapters];

    [SkippableTheory]
    [MemberData(nameof(Adapters))]
    public void Adapter_agrees_with_peft(string name)
    {
        var report = Report.Of(SharedFolder.Require($"golden/peft/{name}"));
        Assert.True(report.Outcome == Outcome.Pass, report.ToLine(0));
    }

    [SkippableFact]
    public void Every_adapter_that_can_be_run_is_in_the_list() =>
        Assert.Empty(Directory.GetDirectories(SharedFolder.Require("golden/peft"))
            .Where(folder => AdapterFixture.IsFixture(folder) && AdapterFixture.WhyUnsupported(folder) is null)
            .Select(folder => Path.GetFileName(folder)!)
            .Except(s_adapters));

    [SkippableTheory]
    [InlineData("fisher_layernorm_bert_seqcls")]
    [InlineData("llrd_gpt2")]
    [InlineData("loreft")]
    public void Method_agrees_with_plain_pytorch(string name)
    {
        var report = Report.Of(SharedFolder.Require($"golden/align/{name}.safetensors"));
        Assert.True(report.Outcome == Outcome.Pass, report.ToLine(0));
    }

    [SkippableFact]
    public void Files_of_methods_that_are_not_known_say_what_they_need()
    {
        string[] paths = [.. Directory.GetFileSystemEntries(SharedFolder.Require("golden/align")).Where(Report.IsFixture)];
        string[] unsupported = [.. paths.Select(Report.Of).Where(report => report.Outcome == Outcome.Unsupported).Select(report => $"{report.Name}: {report.Note}").Order(StringComparer.Ordinal)];
        Assert.Equal(10, paths.Length);
        Assert.Equal(7, unsupported.Length);
        Assert.All(unsupported, line => Assert.Contains("unsupported: needs ", line, StringComparison.Ordinal));
    }

    // A bf16 number has 8 significant bits: rounding is off by at most 2⁻⁹ of it, and the errors of the layers add up.
    [SkippableTheory]
    [InlineData("gpt2", 7e-3)]
    [InlineData("llama", 7e-3)]
    [InlineData("bert_seqcls", 7e-3)]
    public void Loss_and_gradients_in_bf16_stay_near_the_reference(string name, double limit)
    {
        var fixture = Fixture.Read(SharedFolder.Require($"golden/{name}"));
        var subject = Subject.Load(fixture);
        using var around = Tape.Begin(record: false, precision: MatMulPrecision.Bf16); // tapes inside compute as this one
        double loss = LossCheck.Compare(subject, fixture.Batch, fixture.Expected.Floats("eval.loss")[0]);
        Assert.InRange(loss, 1e-8, 1e-3); // more than nothing: otherwise it was not rounded at all
        Measurement gradients = GradientsCheck.Run(fixture, subject);
        Assert.InRange(gradients.Value, 1e-4, limit);
    }

    [SkippableFact]
    public void Every_fixture_that_can_be_run_is_in_the_list()
    {
        string[] runnable =
        [
            .. Directory.GetDirectories(SharedFolder.Require("golden"))
                .Where(folder => Fixture.IsFixture(folder) && Fixture.WhyUnsupported(folder) is null)
                .Select(folder => Path.GetFileName(folder)!),
        ];
        Assert.Empty(runnable.Except([.. GoldenModels.Names, .. GoldenModels.Pictures]));
    }

    [SkippableFact]
    public void Wrong_model_is_found_out()
    {
        using var copy = FixtureCopy.Of(SharedFolder.Require("golden/llama"));
        string config = Path.Combine(copy.Folder, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"rope_theta\": 10000.0", "\"rope_theta\": 5000.0", StringComparison.Ordinal));
        var report = Report.Of(copy.Folder);
        Assert.Equal(Outcome.Fail, report.Outcome);
        Assert.Contains(report.Measurements, m => m.Check == "logits" && !m.Passes);
        Assert.Contains(report.Measurements, m => m.Check == "gradient" && !m.Passes);
    }

    [SkippableFact]
    public void Damaged_folder_fails_with_the_reason()
    {
        using var copy = FixtureCopy.Of(SharedFolder.Require("golden/gpt2"));
        File.WriteAllBytes(Path.Combine(copy.Folder, "model.safetensors"), [1, 2, 3]);
        var report = Report.Of(copy.Folder);
        Assert.Equal(Outcome.Fail, report.Outcome);
        Assert.Contains("model.safetensors", report.Note, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Unknown_family_is_reported_and_not_skipped()
    {
        using var copy = FixtureCopy.Of(SharedFolder.Require("golden/gpt2"));
        string config = Path.Combine(copy.Folder, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"model_type\": \"gpt2\"", "\"model_type\": \"gpt9\"", StringComparison.Ordinal));
        var report = Report.Of(copy.Folder);
        Assert.Equal(Outcome.Unsupported, report.Outcome);
        Assert.Contains("gpt9", report.Note, StringComparison.Ordinal);
    }

    private sealed class FixtureCopy : IDisposable
    {
        public string Folder { get; } = Directory.CreateTempSubdirectory("hieno-fixture-").FullName;

        public static FixtureCopy Of(string source)
        {
            var copy = new FixtureCopy();
            foreach (string file in Directory.GetFiles(source))
            {
                File.WriteAllBytes(Path.Combine(copy.Folder, Path.GetFileName(file)), File.ReadAllBytes(file));
            }

            return copy;
        }

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }
}
