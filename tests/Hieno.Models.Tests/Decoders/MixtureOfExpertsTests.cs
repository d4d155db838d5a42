using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Layers;
using Hieno.Parity;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Models.Tests.Decoders;

public sealed class MixtureOfExpertsTests
{
    private const string Mixtral = """
        { "model_type": "mixtral", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 12,
          "vocab_size": 31, "num_local_experts": 4, "num_experts_per_tok": 2, "output_router_logits": true, "router_aux_loss_coef": 0.1 }
        """;

    [Fact]
    public void A_token_is_given_the_weighted_outputs_of_the_experts_its_router_prefers()
    {
        TextModel model = TinyModels.CreateFrom(Mixtral);
        MixtureOfExperts experts = model.Modules().OfType<MixtureOfExperts>().First();
        Linear router = experts.Children.OfType<Linear>().Single();
        GatedFeedForward[] layers = [.. experts.Children.OfType<GatedFeedForward>()];
        TokenBatch batch = TinyModels.Batch(9);
        using var tape = Tape.Begin(record: false);
        Tensor x = Input(9);
        float[] logits = router.Forward(x).ToArray();
        float[][] each = [.. layers.Select(layer => layer.Forward(x).ToArray())];
        double[] expected = new double[9 * 16];
        for (int token = 0; token < 9; token++)
        {
            double[] own = [.. logits.AsSpan(token * 4, 4).ToArray().Select(z => Math.Exp(z))];
            int[] best = [.. Enumerable.Range(0, 4).OrderByDescending(e => own[e]).Take(2)];
            double sum = best.Sum(e => own[e]);
            for (int c = 0; c < 16; c++)
            {
                expected[(token * 16) + c] = best.Sum(e => own[e] / sum * each[e][(token * 16) + c]);
            }
        }

        TensorAssert.Close(expected, experts.Forward(x, batch), 1e-5, 1e-5);
    }

    [Fact]
    public void The_balance_is_that_of_the_formula_over_all_layers_and_grows_when_one_expert_takes_all()
    {
        var loads = new RouterLoads();
        loads.Set(0, new RouterLoad([0.5f, 0.5f, 0.25f, 0.75f], [0, 1], 2)); // two tokens, one expert each
        loads.Set(3, new RouterLoad([0.9f, 0.1f], [0], 2));
        Assert.Equal(0.5 * 2 * ((2 / 3.0 * 1.65 / 3) + (1 / 3.0 * 1.35 / 3)), loads.Balance(0.5f), 1e-6);
        Assert.Equal([(float)(0.5 * 2 * 2 / 9.0), (float)(0.5 * 2 * 1 / 9.0)], loads.SlopesOf(0)!);
        Assert.Null(loads.SlopesOf(1));
        loads.Balance(0f);
        Assert.Null(loads.SlopesOf(0));

        var equal = new RouterLoads();
        equal.Set(0, new RouterLoad([0.5f, 0.5f, 0.5f, 0.5f], [0, 1], 2));
        var lopsided = new RouterLoads();
        lopsided.Set(0, new RouterLoad([0.99f, 0.01f, 0.99f, 0.01f], [0, 0], 2));
        Assert.Equal(1f, equal.Balance(1f), 1e-6f);
        Assert.Equal(1.98f, lopsided.Balance(1f), 1e-6f);
    }

    [Fact]
    public void The_balance_counts_all_tokens_where_only_some_are_learned()
    {
        TextModel model = TinyModels.CreateFrom(Mixtral);
        using var tape = Tape.Begin(record: false);
        (TokenBatch all, TokenBatch some) = (TinyModels.Batch(9, 4), TinyModels.Batch(9, 4));
        model.Backbone.Forward(all);
        model.Backbone.Forward(some, [2, 11]);
        Assert.Equal(model.Backbone.AuxiliaryLoss(all, 1f), model.Backbone.AuxiliaryLoss(some, 1f));
        Assert.Equal(model.Backbone.AuxiliaryLoss(all, 1f) / 4, model.Backbone.AuxiliaryLoss(all, 0.25f), 1e-7f);
        Assert.Equal(0f, TinyModels.Create("llama").Backbone.AuxiliaryLoss(all, 1f));
    }

    [Fact]
    public void Without_the_balance_the_configuration_says_so()
    {
        TextModel model = TinyModels.CreateFrom(Mixtral, json => json["output_router_logits"] = false);
        TokenBatch batch = TinyModels.Batch(9);
        TinyModels.Logits(model, batch);
        Assert.Equal(0f, model.Backbone.AuxiliaryLoss(batch, 1f));
    }

    [Fact]
    public void LoRA_of_experts_merges_and_goes_row_by_row()
    {
        TextModel model = TinyModels.CreateFrom(Mixtral);
        TokenBatch batch = TinyModels.Batch(9, 4, 6);
        float[] plain = TinyModels.Logits(model, batch);
        Adapter adapter = new LoRAOptions { Rank = 2, Targets = ["w1", "w2", "w3", "gate"] }.Create().Apply(model, seed: 3).Adapter!;
        Assert.Equal(2 * 13, adapter.Parts.Count); // three layers of four experts and the router, in two blocks
        ulong step = 0;
        foreach (Parameter parameter in adapter.Parameters().Where(parameter => parameter.Name.Contains("lora_B", StringComparison.Ordinal)))
        {
            float[] values = new float[parameter.Count];
            new Rng(7, RngStream.Augmentation).FillNormal(values, 0f, 0.3f, step++);
            parameter.Value.Backend.CopyFromHost(values, parameter.Value);
        }

        float[] adapted = TinyModels.Logits(model, batch);
        float[] mixed = TinyModels.Logits(model, batch.WithAdapters([null, adapter.Name, null]));
        int[] row = [.. Enumerable.Repeat(0, 9), .. Enumerable.Repeat(1, 4), .. Enumerable.Repeat(2, 6)];
        for (int token = 0; token < 19; token++)
        {
            float[] expected = (row[token] == 1 ? adapted : plain)[(token * 31)..((token + 1) * 31)];
            Assert.All(expected.Zip(mixed[(token * 31)..((token + 1) * 31)]), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        }

        Assert.True(Difference.LargestAbsolute(plain, adapted) > 0.1);
        adapter.Merge();
        Assert.InRange(Difference.LargestAbsolute(TinyModels.Logits(model, batch), adapted), 0, 1e-4);
    }

    [Theory]
    [InlineData("num_experts_per_tok", "5", "'num_experts_per_tok' is 5", "1 to 4")]
    [InlineData("num_experts_per_tok", "0", "'num_experts_per_tok' is 0", "1 to 4")]
    [InlineData("router_jitter_noise", "0.1", "'router_jitter_noise' is 0.1", "noise")]
    public void Settings_that_cannot_be_are_refused(string key, string value, string fact, string alsoSays)
    {
        var error = Assert.Throws<CheckpointException>(() => TinyModels.CreateFrom(Mixtral, json => json[key] = System.Text.Json.Nodes.JsonNode.Parse(value)));
        Assert.Contains(fact, error.Message, StringComparison.Ordinal);
        Assert.Contains(alsoSays, error.Message, StringComparison.Ordinal);
    }

    private static Tensor Input(int tokens)
    {
        float[] values = new float[tokens * 16];
        new Rng(5, RngStream.Augmentation).FillNormal(values, 0f, 1f, 0);
        return Tensor.FromValues([tokens, 16], values);
    }
}
