using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Tensors;
using Hieno.Tensors.Cpu;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class LadderTests
{
    public static TheoryData<string, bool> Cases => new() { { "bert", false }, { "bert", true }, { "gpt2", false }, { "gpt2", true }, { "llama", false }, { "llama", true } };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Training_lowers_the_loss_and_changes_no_bit_of_the_base(string family, bool classifier)
    {
        foreach (LadderStart start in Enum.GetValues<LadderStart>())
        {
            TinyAdapter.AssertLearns(new LadderOptions { Reduction = 2, Start = start }, family, classifier, steps: 30);
        }
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void As_wide_as_the_body_and_with_gates_that_pass_its_own_stream_it_is_the_body(string family)
    {
        TextModel model = TinyTuning.Language(family);
        float[] before = TinyTuning.Output(model);
        TunedModel tuned = new LadderOptions { Reduction = 1 }.Create().Apply(model, seed: 1);
        foreach (Parameter gate in tuned.Trainable.Where(parameter => parameter.Name.Contains("gates.", StringComparison.Ordinal)))
        {
            gate.Value.Backend.Fill(gate.Value, 10f); // σ(10 / 0.1) = 1: block i reads what block i − 1 gave
        }

        TensorAssert.Close(before, Tensor.FromValues([before.Length], TinyTuning.Output(model)), absolute: 1e-4);
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void A_gate_mixes_what_the_side_and_the_body_gave(string family)
    {
        // With gates at 0 the last block reads half of each; moving the last gate moves the output, moving it back restores every bit.
        TunedModel tuned = new LadderOptions { Reduction = 2 }.Create().Apply(TinyTuning.Language(family), seed: 1);
        float[] half = TinyTuning.Output(tuned.Text());
        Tensor gate = tuned.Trainable.Single(parameter => parameter.Name.EndsWith("gates.2.weight", StringComparison.Ordinal)).Value;
        Assert.Equal(0f, gate.Item());
        gate.Backend.Fill(gate, 0.1f);
        Assert.NotEqual(half, TinyTuning.Output(tuned.Text()));
        gate.Backend.Fill(gate, 0f);
        Assert.Equal(half, TinyTuning.Output(tuned.Text()));
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void No_gradient_enters_the_body_even_where_its_weights_ask_for_one(string family)
    {
        TunedModel tuned = new LadderOptions { Reduction = 2 }.Create().Apply(TinyTuning.Classifier(family), seed: 1);
        Parameter[] body = [.. tuned.Model.Backbone.Parameters()];
        Array.ForEach(body, parameter => parameter.Trainable = true);
        TinyTuning.Differentiate(tuned);
        Assert.All(body, parameter => Assert.Null(parameter.Value.Grad));
        Assert.All(tuned.Trainable, parameter => Assert.NotNull(parameter.Value.Grad));
    }

    [Fact]
    public void A_step_holds_less_memory_than_one_of_lora()
    {
        long Peak(TuningOptions options)
        {
            using var backend = new CpuBackend(1);
            JsonObject json = JsonObject.Create(TinyTuning.Config("gpt2").Json)!;
            (json["n_embd"], json["n_inner"], json["n_layer"], json["n_positions"]) = (128, 512, 6, 64);
            var config = ModelConfig.From(JsonDocument.Parse(json.ToJsonString()).RootElement.Clone(), "config.json");
            TunedModel tuned = options.Create().Apply(TextModel.Create(config, HeadChoice.Language, seed: 1, backend: backend), seed: 1);
            var batch = new TokenBatch([.. Enumerable.Range(0, 512).Select(i => i * 7 % 40)], [.. Enumerable.Repeat(64, 8)]);
            using var tape = Tape.Begin(record: true, backend: backend);
            Tensor hidden = tuned.Text().Backbone.Forward(batch);
            tape.Backward(Ops.Sum(Ops.Mul(hidden, hidden)));
            return backend.Pool.PeakBytes;
        }

        long ladder = Peak(new LadderOptions());
        long lora = Peak(new LoRAOptions { Targets = [LayerTargets.AllLinear] });
        Assert.True(ladder < 0.6 * lora, $"{ladder} bytes of {lora}");
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void Token_by_token_with_a_cache_it_gives_what_it_gives_at_once(string family)
    {
        TunedModel tuned = new LadderOptions { Reduction = 2 }.Create().Apply(TinyTuning.Language(family), seed: 1);
        TinyTuning.Train(tuned, steps: 3);
        TextModel model = tuned.Text();
        using var tape = Tape.Begin(record: false);
        int[] ids = [5, 31, 2, 39, 0, 14];
        float[] whole = model.Logits(new TokenBatch(ids, [6])).ToArray();
        var cache = new KvCache(model.Backbone.Blocks.Count, 1, 12, model.Backbone.KeyWidth);
        float[] parts = [.. model.Logits(new TokenBatch(ids[..4], [4]) { Cache = cache }).ToArray(), .. ids[4..].SelectMany(id => model.Logits(new TokenBatch([id], [1]) { Cache = cache }).ToArray())];
        TensorAssert.Close(whole, Tensor.FromValues([parts.Length], parts), absolute: 1e-4);
    }

    [Fact]
    public void What_does_not_fit_is_refused_by_name()
    {
        var error = Assert.Throws<TuningException>(() => new LadderOptions { Reduction = 3 }.Create().Apply(TinyTuning.Language("llama"), seed: 1));
        Assert.StartsWith("ladder: the model's width of 16 by 3 is no even number. Set 'tuning.reduction'", error.Message, StringComparison.Ordinal);
        Assert.Single(new SeveralOptions { Methods = [new LadderOptions(), new LoRAOptions()] }.Validate());

        TunedModel tuned = new LadderOptions { Reduction = 2 }.Create().Apply(TinyTuning.Language("llama"), seed: 1);
        Assert.Contains("network beside the body", Assert.Throws<ArgumentException>(() => tuned.Text().Backbone.Forward(TinyTuning.Batch().WithAdapters(["default", null, null]))).Message, StringComparison.Ordinal);
    }
}
