using Hieno.Formats;
using Hieno.Models.Vision;
using Hieno.Tests.Shared;

namespace Hieno.Models.Tests.Vision;

/// <summary>Opening vision models.</summary>
public sealed class VisionModelTests
{
    [SkippableFact]
    [Trait("tier", "golden")]
    public void An_output_layer_of_another_size_starts_at_random_and_the_body_does_not()
    {
        string folder = SharedFolder.Require("golden/vit");
        var known = VisionModel.Load(folder, outputs: 5);
        var other = VisionModel.Load(folder, outputs: 7);
        Assert.Empty(known.NewlyInitialized);
        Assert.Equal(["classifier.weight", "classifier.bias"], other.NewlyInitialized);
        Assert.Empty(other.Unused);
        Assert.Equal(7, other.Head.Outputs);
        Assert.All(known.Backbone.Parameters().Zip(other.Backbone.Parameters()), pair => Assert.Equal(pair.First.Value.ToArray(), pair.Second.Value.ToArray()));
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Weights_that_do_not_fit_the_configuration_are_faults_still()
    {
        string folder = SharedFolder.Require("golden/vit");
        string json = ModelConfig.Read(folder).Json.GetRawText().Replace("\"hidden_size\": 32", "\"hidden_size\": 16", StringComparison.Ordinal);
        var config = ModelConfig.From(System.Text.Json.JsonDocument.Parse(json).RootElement, "config.json");
        var fault = Assert.Throws<CheckpointException>(() => VisionModel.Load(folder, outputs: 5, config: config));
        Assert.Contains("37 tensors do not fit config.json", fault.Message, StringComparison.Ordinal);
    }
}
