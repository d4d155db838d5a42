using System.Text.Json;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Models.Vision;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class LoRAConvolutionUpdateTests
{
    private const string ResNet = """{ "model_type": "cifar-resnet", "depth": 8 }""";

    [Fact]
    public void The_first_step_starts_from_the_base_model_bit_for_bit()
    {
        VisionModel model = Create();
        float[] before = Output(model);
        Apply(model, new LoRAOptions());
        Assert.Equal(before, Output(model));
    }

    [Fact]
    public void A_pair_has_rank_times_what_a_filter_reads_plus_features_weights()
    {
        TunedModel tuned = Apply(Create(), new LoRAOptions { Rank = 4, Targets = ["layer2.0.conv1"] });
        Assert.Equal(4 * ((16 * 9) + 32), tuned.TrainableCount);
    }

    [Fact]
    public void By_default_every_convolution_of_the_family_s_names_is_adapted() =>
        Assert.Equal(1 + (3 * 2), Apply(Create(), new LoRAOptions()).Adapter!.Parts.OfType<LoRAConvolutionUpdate>().Count());

    [Fact]
    public void Merged_filters_compute_what_the_adapter_computed()
    {
        VisionModel model = Create();
        float[] plain = Output(model);
        Adapter adapter = Stirred(Apply(model, new LoRAOptions { Rank = 3 }).Adapter!);
        float[] adapted = Output(model);
        Assert.NotEqual(plain, adapted);
        adapter.Enable(false);
        Assert.Equal(plain, Output(model));
        adapter.Enable(true);
        adapter.Merge();
        TensorAssert.Close(Array.ConvertAll(adapted, value => (double)value), Tensor.FromValues([adapted.Length], Output(model)), 1e-4, 1e-4);
    }

    [Fact]
    public void A_saved_adapter_computes_the_same_when_it_is_loaded()
    {
        using var folder = new TemporaryFolder();
        VisionModel model = Create();
        Adapter adapter = Stirred(Apply(model, new LoRAOptions { Rank = 3, Targets = ["conv2"] }).Adapter!);
        float[] adapted = Output(model);
        PeftFolder.Save(adapter, folder.Path, "base");
        VisionModel fresh = Create();
        PeftFolder.Load(fresh, folder.Path);
        Assert.Equal(adapted, Output(fresh));
    }

    [Fact]
    public void Filters_that_read_some_channels_only_are_no_targets()
    {
        VisionModel model = VisionModel.Create(Config("""{ "model_type": "mobilenet_v2", "depth_multiplier": 0.1, "min_depth": 4, "depth_divisible_by": 4 }"""), 3, seed: 1);
        var fault = Assert.Throws<TuningException>(() => Apply(model, new LoRAOptions { Targets = ["layer.0.conv_3x3.convolution"] }));
        Assert.Contains("no layer's name ends with 'layer.0.conv_3x3.convolution'", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, LoRAStart.Kaiming, "'tuning.dora'")]
    [InlineData(false, LoRAStart.Pissa, "'tuning.initialization: pissa'")]
    public void What_is_for_linear_layers_is_refused(bool dora, LoRAStart start, string setting)
    {
        var fault = Assert.Throws<TuningException>(() => Apply(Create(), new LoRAOptions { Dora = dora, Initialization = start }));
        Assert.Contains($"conv1 is a convolution, and {setting} is for linear layers", fault.Message, StringComparison.Ordinal);
    }

    private static TunedModel Apply(VisionModel model, LoRAOptions options) => options.Create().Apply(model, seed: 7);

    private static Adapter Stirred(Adapter adapter)
    {
        ulong step = 0;
        foreach (Parameter parameter in adapter.Parts.SelectMany(part => part.Parameters))
        {
            float[] values = new float[parameter.Count];
            new Rng(3, RngStream.Augmentation).FillNormal(values, 0f, 0.05f, step++);
            parameter.Value.Backend.CopyFromHost(values, parameter.Value);
        }

        return adapter;
    }

    private static VisionModel Create() => VisionModel.Create(Config(ResNet), 3, seed: 1);

    private static ModelConfig Config(string json) => ModelConfig.From(JsonDocument.Parse(json).RootElement, "config.json");

    private static float[] Output(VisionModel model)
    {
        float[] pixels = new float[2 * 12 * 12 * 3];
        new Rng(2, RngStream.Augmentation).FillNormal(pixels, 0f, 1f, step: 0);
        using var tape = Tape.Begin(record: false);
        return model.Classify(new ImageBatch(Tensor.FromValues([2, 12, 12, 3], pixels))).ToArray();
    }
}
