using System.Buffers.Binary;
using Hieno.Formats.Safetensors;
using Hieno.Merging;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Models.Vision;
using Hieno.Optimizers;
using Hieno.Tensors;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Vision;

public sealed class RunningStatisticsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Statistics_of_layers_that_learn_move_with_a_step_and_those_of_frozen_layers_stay()
    {
        TunedModel tuned = new PartialOptions { LastBlocks = 1 }.Create().Apply(TinyVision.Model(), seed: 0);
        Dictionary<string, float[]> before = TinyVision.Statistics(tuned.Model);
        TinyVision.Differentiate(tuned);
        foreach ((string name, float[] values) in TinyVision.Statistics(tuned.Model))
        {
            if (name.StartsWith("layer3", StringComparison.Ordinal))
            {
                Assert.NotEqual(before[name], values);
            }
            else
            {
                Assert.Equal(before[name], values);
            }
        }
    }

    [Fact]
    public void Neither_an_evaluation_nor_a_trace_moves_statistics()
    {
        TunedModel tuned = new FullOptions().Create().Apply(TinyVision.Model(), seed: 0);
        Dictionary<string, float[]> before = TinyVision.Statistics(tuned.Model);
        TinyVision.Output(tuned.Model);
        using (Tape trace = Tape.BeginTrace(new DropoutSource(new Rng(1, RngStream.Dropout), 0)))
        {
            TinyVision.Loss(tuned.Model);
        }

        Assert.Equal(before, TinyVision.Statistics(tuned.Model));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public void Blocks_that_are_computed_again_give_the_same_gradients_and_move_statistics_once(int span)
    {
        TunedModel plain = new FullOptions().Create().Apply(TinyVision.Model(), seed: 0);
        TunedModel again = new FullOptions().Create().Apply(TinyVision.Model(), seed: 0);
        (again.Model.GradientCheckpointing, again.Model.CheckpointSpan) = (true, span);
        Assert.Equal(TinyVision.Differentiate(plain), TinyVision.Differentiate(again));
        Assert.Equal(TinyVision.Statistics(plain.Model), TinyVision.Statistics(again.Model));
        Assert.All(plain.Trainable.Zip(again.Trainable), pair => Assert.Equal(pair.First.Value.Grad!.ToArray(), pair.Second.Value.Grad!.ToArray()));
    }

    [Fact]
    public void A_copy_that_an_adapter_trains_leaves_the_statistics_of_the_base_model_alone()
    {
        TunedModel tuned = new LnTuningOptions().Create().Apply(TinyVision.Model(), seed: 0);
        Dictionary<string, float[]> before = TinyVision.Statistics(tuned.Model);
        TinyVision.Differentiate(tuned);
        Assert.Equal(before, TinyVision.Statistics(tuned.Model));
    }

    [Fact]
    public void A_saved_model_has_its_statistics_and_its_counters_and_comes_back_with_the_same_logits()
    {
        VisionModel model = TinyVision.Model();
        string first = Save(model, "first");
        AddCounter(first, "bn1.num_batches_tracked", 7);
        VisionModel opened = VisionModel.Load(first, TinyVision.Classes);
        Assert.Equal(7, opened.Counters["bn1.num_batches_tracked"]);
        Assert.Empty(opened.Unused);
        string second = Save(opened, "second");
        VisionModel reopened = VisionModel.Load(second, TinyVision.Classes);
        Assert.Equal(TinyVision.Output(model), TinyVision.Output(reopened));
        Assert.Equal(TinyVision.Statistics(model), TinyVision.Statistics(reopened));
        Assert.Equal(7, reopened.Counters["bn1.num_batches_tracked"]);
    }

    [Fact]
    public void Checkpoints_and_the_best_weights_hold_the_statistics_of_their_step()
    {
        TunedModel tuned = new FullOptions().Create().Apply(TinyVision.Model(), seed: 0);
        IOptimizer optimizer = new SgdOptions().Create(OptimizedParameter.Create(tuned.Trainable, tuned.Model.Blocks.Count, weightDecay: 0));
        var checkpoints = new Checkpoints(_folder.Path, tuned, optimizer, keep: 2);
        Dictionary<string, float[]> saved = TinyVision.Statistics(tuned.Model);
        float[] output = TinyVision.Output(tuned.Model);
        checkpoints.Save(new TrainingState { Fingerprint = "a", Step = 4 });
        checkpoints.SaveBest(new TrainingState { Fingerprint = "a", Step = 4 });
        TinyVision.Differentiate(tuned);
        Assert.NotEqual(saved, TinyVision.Statistics(tuned.Model));
        checkpoints.RestoreBest(4);
        Assert.Equal(saved, TinyVision.Statistics(tuned.Model));
        TinyVision.Differentiate(tuned);
        Assert.NotNull(checkpoints.Restore("a", _ => { }));
        Assert.Equal(saved, TinyVision.Statistics(tuned.Model));
        Assert.Equal(output, TinyVision.Output(tuned.Model));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(0.25)]
    public void Interpolation_mixes_statistics_as_weights_and_gives_both_ends_bit_for_bit(double alpha)
    {
        (VisionModel a, VisionModel b) = (TinyVision.Model(1), TinyVision.Model(2));
        (string start, string end) = (Save(a, "start"), Save(b, "end"));
        using WeightMix mix = WeightMix.Interpolate(start, end, alpha);
        VisionModel inMemory = VisionModel.Load(end, TinyVision.Classes);
        mix.LoadInto(inMemory);
        mix.Save(_folder.PathOf("mixed"));
        VisionModel mixed = VisionModel.Load(_folder.PathOf("mixed"), TinyVision.Classes);
        Assert.Equal(TinyVision.Output(inMemory), TinyVision.Output(mixed));
        Assert.Equal(TinyVision.Statistics(inMemory), TinyVision.Statistics(mixed));
        if (alpha is 0 or 1)
        {
            Assert.Equal(TinyVision.Output(alpha == 0 ? a : b), TinyVision.Output(mixed));
            Assert.Equal(TinyVision.Weights(alpha == 0 ? a : b), TinyVision.Weights(mixed));
            return;
        }

        float[] expected = [.. TinyVision.Statistics(a)["bn1.running_var"].Zip(TinyVision.Statistics(b)["bn1.running_var"], (x, y) => (float)((0.75 * x) + (0.25 * y)))];
        Assert.Equal(expected, TinyVision.Statistics(mixed)["bn1.running_var"]);
    }

    private string Save(VisionModel model, string name)
    {
        string folder = _folder.PathOf(name);
        Directory.CreateDirectory(folder);
        WeightFiles.SaveModel(model, folder, companions: null);
        return folder;
    }

    private static void AddCounter(string folder, string name, long value)
    {
        string path = Path.Combine(folder, CheckpointFiles.SingleFileName);
        SafetensorsItem[] items;
        using (CheckpointFiles files = CheckpointFiles.Open(folder))
        {
            items = [.. files.Entries.Values.Select(entry =>
            {
                byte[] bytes = files.Bytes(entry).ToArray();
                return new SafetensorsItem(entry.Name, entry.DType, [.. entry.Shape], stream => stream.Write(bytes));
            })];
        }

        SafetensorsWriter.Write(path, [.. items, new SafetensorsItem(name, SafetensorsDType.I64, [], stream =>
        {
            byte[] bytes = new byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
            stream.Write(bytes);
        })]);
    }
}
