using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Optimizers;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tests.Shared;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class ReftTests
{
    private static readonly ReftOptions s_options = new() { Rank = 2, FirstTokens = 1, LastTokens = 2 };

    public static TheoryData<string, ReftEdit> Cases
    {
        get
        {
            var cases = new TheoryData<string, ReftEdit>();
            foreach (ReftEdit edit in Enum.GetValues<ReftEdit>())
            {
                cases.Add("bert", edit);
                cases.Add("gpt2", edit);
                cases.Add("llama", edit);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Training_lowers_the_loss_and_changes_no_bit_of_the_base(string family, ReftEdit edit)
    {
        ReftOptions options = s_options with { Edit = edit };
        TunedModel tuned = TinyAdapter.AssertLearns(options, family, classifier: true, steps: 30, share: 0.9f);
        Assert.Equal(2 * 2 * ((2 * 2 * 16) + 2), Edits(tuned).Sum(part => part.Parameters.Sum(parameter => parameter.Count))); // two groups, two blocks
        Assert.All(Edits(tuned).Where(_ => edit is ReftEdit.LoReft or ReftEdit.DiReft), part => OrthonormalColumnsTests.AssertOrthonormal(part.Rotation().ToArray(), 2));
        TinyAdapter.AssertLearns(options with { Tied = true }, family, classifier: false, steps: 30, share: 0.98f);
    }

    [Fact]
    public void What_is_orthogonal_to_the_rows_of_R_stays_and_other_tokens_keep_their_bits()
    {
        TunedModel tuned = s_options.Create().Apply(TinyTuning.Language("gpt2"), seed: 3);
        ReftUpdate part = Edits(tuned).First(update => update.Group == "last");
        Tensor h = Initializer.Normal(1f).Create([13, 16], 5, "h");
        using var tape = Tape.Begin(record: false);
        float[][] after = [.. part.Apply(h, new BlockPass(h, h, TinyTuning.Batch())).ToArray().Chunk(16)];
        float[][] before = [.. h.ToArray().Chunk(16)];
        float[] r = part.Rotation().ToArray(); // [16, 2]
        int[] edited = [2, 3, 9, 10, 12]; // the last two of 4 and 7 tokens, and of 2 tokens one
        for (int token = 0; token < 13; token++)
        {
            float[] change = [.. after[token].Zip(before[token], (a, b) => a - b)];
            if (!edited.Contains(token))
            {
                Assert.Equal(before[token], after[token]);
                continue;
            }

            Assert.True(change.Max(Math.Abs) > 0.01);
            double[] along = [.. Enumerable.Range(0, 2).Select(k => Enumerable.Range(0, 16).Sum(i => (double)r[(i * 2) + k] * change[i]))];
            Assert.All(Enumerable.Range(0, 16), i => Assert.Equal((r[i * 2] * along[0]) + (r[(i * 2) + 1] * along[1]), change[i], 1e-5));
        }
    }

    [Theory]
    [InlineData(ReftEdit.LoReft, 1.24, -0.68)]
    [InlineData(ReftEdit.DiReft, 1.12, -0.84)]
    [InlineData(ReftEdit.NoReft, 1.24, -0.68)]
    [InlineData(ReftEdit.NodiReft, 1.12, -0.84)]
    public void A_vector_is_edited_by_the_papers_formula(ReftEdit edit, double first, double second)
    {
        var site = new BlockSite(new WeightScope(new RandomWeights(0)).At("block").AtDepth(1), BlockPlace.Output, 2);
        var part = new ReftUpdate(site, "a", "last", new ReftOptions { Edit = edit, Rank = 1, LastTokens = 1 }, [0.6f, 0.8f],
            Tensor.FromValues([1, 2], [0.1f, 0.2f]), Tensor.FromValues([1], [0.3f]));
        Tensor h = Tensor.FromValues([2, 2], [5f, 6f, 1f, -1f]);
        TensorAssert.Close([5, 6, first, second], part.Apply(h, new BlockPass(h, h, new TokenBatch([1, 2], [2]))), absolute: 1e-6);
    }

    [Fact]
    public void Generated_tokens_are_never_edited_and_the_prompt_alike_in_pieces()
    {
        TextModel model = TinyTuning.Language("llama");
        (s_options with { Tied = true }).Create().Apply(model, seed: 3);
        int[] ids = [3, 17, 9, 22, 5, 5, 31];
        using var tape = Tape.Begin(record: false);
        float[] whole = model.Logits(new TokenBatch(ids, [7]) { GivenLengths = [5] }).ToArray();
        var cache = new KvCache(2, 1, 7, model.Backbone.KeyWidth);
        var pieces = new List<float>();
        foreach ((int start, int end) in new[] { (0, 2), (2, 5), (5, 6), (6, 7) })
        {
            pieces.AddRange(model.Logits(new TokenBatch(ids[start..end], [end - start]) { Cache = cache, GivenLengths = [5], TextStarts = [start] }).ToArray());
        }

        TensorAssert.Close(whole, Tensor.FromValues([whole.Length], [.. pieces]), absolute: 1e-5);
    }

    [Fact]
    public void What_cannot_be_is_refused_by_name()
    {
        Assert.Throws<TuningException>(() => (s_options with { Blocks = [2] }).Create().Apply(TinyTuning.Language("bert"), seed: 1));
        Assert.Throws<TuningException>(() => (s_options with { FirstTokens = 0, LastTokens = 0 }).Create().Apply(TinyTuning.Language("bert"), seed: 1));
        Assert.Throws<TuningException>(() => (s_options with { Rank = 17 }).Create().Apply(TinyTuning.Language("bert"), seed: 1));
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void It_works_beside_LoRA(string family) => TinyAdapter.AssertComposesWithLoRA(s_options, family);

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Three_steps_of_LoReFT_are_those_of_the_reference()
    {
        GoldenFile golden = GoldenFile.Require("golden/align/loreft.safetensors");
        int[][] pairs = Pairs(out int[] labels);
        TextModel model = GoldenModel.Require("llama").Load();
        BlockSite site = model.Modules().OfType<BlockSite>().Single(item => item.Where == BlockPlace.Output && item.Block == 1);
        var options = new ReftOptions { Rank = 3, FirstTokens = 2, LastTokens = 1, Tied = true };
        var adapter = new Adapter(model, options);
        var part = new ReftUpdate(site, adapter.Name, "all", options, golden["R_parametrization_base"], Values([3, 32], "W"), Values([3], "b"));
        adapter.Attach(part);
        var tuned = adapter.Complete();
        var batch = new TokenBatch([.. pairs[0], .. pairs[1]], [pairs[0].Length, pairs[1].Length]) { GivenLengths = [4, 4] }; // edits 0, 1 and 3
        TensorAssert.Close(golden["R"], part.Rotation(), absolute: 1e-6);
        AssertLogits("logits");

        IOptimizer optimizer = new AdamWOptions().Create(OptimizedParameter.Create(tuned.Trainable, 2, weightDecay: 0));
        double[] losses = [4.767112731933594, 4.741477966308594, 4.716482639312744];
        for (int step = 0; step < 3; step++)
        {
            foreach (Parameter parameter in tuned.Trainable)
            {
                parameter.Value.ClearGrad();
            }

            using var tape = Tape.Begin();
            Tensor hidden = model.LanguageHead!.Prepare(model.Backbone.Forward(batch));
            Tensor loss = Ops.LinearCrossEntropy(hidden, model.LanguageHead.Projection, null, labels, scale: 1f / labels.Count(label => label >= 0));
            Assert.Equal(losses[step], loss.Item(), 1e-5 * losses[step]);
            tape.Backward(loss);
            if (step == 0)
            {
                TensorAssert.Close(golden["grad.R_original"], part.Parameters[0].Value.Grad!, absolute: 1e-6, relative: 1e-4);
                TensorAssert.Close(golden["grad.W"], part.Parameters[1].Value.Grad!, absolute: 1e-6, relative: 1e-4);
                TensorAssert.Close(golden["grad.b"], part.Parameters[2].Value.Grad!, absolute: 1e-6, relative: 1e-4);
            }

            optimizer.Step(0.01, gradientScale: 1);
            OrthonormalColumnsTests.AssertOrthonormal(part.Rotation().ToArray(), 3);
        }

        TensorAssert.Close(golden["adamw3.R"], part.Rotation(), absolute: 2e-5);
        TensorAssert.Close(golden["adamw3.W"], part.Parameters[1].Value, absolute: 2e-5);
        TensorAssert.Close(golden["adamw3.b"], part.Parameters[2].Value, absolute: 2e-5);
        AssertLogits("adamw3.logits");

        Tensor Values(Shape shape, string name)
        {
            Tensor tensor = Tensor.CreateLongLived(shape, DType.F32);
            tensor.Backend.CopyFromHost(golden[name], tensor);
            return tensor;
        }

        void AssertLogits(string name)
        {
            using var tape = Tape.Begin(record: false);
            float[] actual = model.Logits(batch).ToArray();
            float[] expected = golden[name];
            float[] present = [.. expected.AsSpan(0, pairs[0].Length * 97), .. expected.AsSpan(10 * 97, pairs[1].Length * 97)];
            TensorAssert.Close(present, Tensor.FromValues([present.Length], actual), absolute: 1e-5);
        }
    }

    // The chosen rows of the reference's pairs without padding, and what each token is to predict.
    private static int[][] Pairs(out int[] labels)
    {
        using var file = Formats.Safetensors.SafetensorsFile.Open(SharedFolder.Require("golden/align/pairs.safetensors"));
        int[] Ints(string name) => [.. System.Runtime.InteropServices.MemoryMarshal.Cast<byte, long>(file.Bytes(file.Require(name))).ToArray().Select(value => (int)value)];
        (int[] ids, int[] mask, int[] all) = (Ints("chosen.input_ids"), Ints("chosen.attention_mask"), Ints("chosen.labels"));
        int[] lengths = [mask[..10].Sum(), mask[10..].Sum()];
        labels = [.. all[1..lengths[0]], -100, .. all[11..(10 + lengths[1])], -100];
        return [ids[..lengths[0]], ids[10..(10 + lengths[1])]];
    }

    private static IEnumerable<ReftUpdate> Edits(TunedModel tuned) => tuned.Adapter!.Parts.OfType<ReftUpdate>();
}
