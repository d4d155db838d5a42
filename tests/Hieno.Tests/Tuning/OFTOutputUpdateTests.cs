using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class OFTOutputUpdateTests
{
    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void The_product_is_turned_without_its_offset_and_merges_to_the_same_output(string family)
    {
        TextModel model = TinyTuning.Classifier(family);
        Linear layer = TunedModel.Linears(model).First(linear => linear.Weight.Kind == ParameterKind.Attention);
        var adapter = new Adapter(model, new OFTOptions());
        float[] numbers = new float[4 * layer.Out * layer.Out / 16];
        new Rng(3, RngStream.Initialization).FillNormal(numbers, 0, 0.5f, step: 0);
        adapter.Attach(new OFTOutputUpdate(layer, adapter.Name, Tensor.FromValues([4, layer.Out / 4, layer.Out / 4], numbers), blocks: 4));

        using var tape = Tape.Begin(record: false);
        float[] zeros = new float[layer.In];
        TensorAssert.Close(layer.Bias?.Value.ToArray() ?? new float[layer.Out], layer.Forward(Tensor.FromValues([1, layer.In], zeros)), absolute: 1e-6);

        float[] apart = TinyTuning.Output(model);
        adapter.Merge();
        TensorAssert.Close(apart, Tensor.FromValues([apart.Length], TinyTuning.Output(model)), absolute: 1e-4);
    }
}
