using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Tests.Optimizers;

public sealed class AdamW8BitTests
{
    [Fact]
    public void Only_large_weights_outside_the_tables_are_quantised()
    {
        Parameter[] weights =
        [
            Weights.Create("large", [64, 64], new float[4096]),
            Weights.Create("small", [4095], new float[4095]),
            Weights.Create("table", [64, 64], new float[4096], ParameterKind.Embedding),
        ];
        Assert.Equal(["large"], Quantised(new AdamW8BitOptions(), weights));
        Assert.Equal(["large", "table"], Quantised(new AdamW8BitOptions { KeepEmbeddings = false }, weights));
        Assert.Equal(["large", "small", "table"], Quantised(new AdamW8BitOptions { Smallest = 0, KeepEmbeddings = false }, weights));
    }

    [Fact]
    public void A_checkpoint_of_another_optimizer_is_refused_by_its_type()
    {
        using var folder = new TemporaryFolder();
        string file = folder.PathOf("optimizer.safetensors");
        Tensor numbers = Tensor.CreateLongLived([4]);
        SafetensorsWriter.Write(file, [WeightFiles.Item("w.exp_avg", numbers), WeightFiles.Item("codes", Tensor.CreateLongLived([4], DType.U8))]);
        using CheckpointFiles files = CheckpointFiles.Open(file);
        Assert.Equal(ErrorCodes.CheckpointDTypeUnsupported, Assert.Throws<CheckpointException>(() => WeightFiles.Read(files, "w.exp_avg", [4], dtype: DType.U8)).Code);
        Assert.Equal(ErrorCodes.CheckpointDTypeUnsupported, Assert.Throws<CheckpointException>(() => WeightFiles.Read(files, "codes", [4])).Code);
        Assert.Equal(DType.U8, WeightFiles.Read(files, "codes", [4], dtype: DType.U8).DType);
    }

    private static string[] Quantised(AdamW8BitOptions options, Parameter[] weights)
    {
        IOptimizer optimizer = options.Create([.. weights.Select(weight => new OptimizedParameter(weight, 1, 0))]);
        foreach (Parameter weight in weights)
        {
            Weights.SetGradients((weight, new float[weight.Count]));
        }

        optimizer.Step(0.1, 1);
        return [.. optimizer.State.Where(item => item.Value.DType == DType.U8 && item.Name.EndsWith("exp_avg", StringComparison.Ordinal)).Select(item => item.Name.Split('.')[0])];
    }
}
