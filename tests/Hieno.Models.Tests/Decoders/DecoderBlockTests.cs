using System.Text.Json.Nodes;
using Hieno.Models.Layers;
using Hieno.Tensors;
using Hieno.Testing;

namespace Hieno.Models.Tests.Decoders;

/// <summary>Arrangements of a block that no model with reference values has.</summary>
public sealed class DecoderBlockTests
{
    private const string Opt = """
        { "model_type": "opt", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "ffn_dim": 24, "max_position_embeddings": 24, "vocab_size": 31 }
        """;

    private const string Bloom = """{ "model_type": "bloom", "hidden_size": 16, "n_layer": 2, "n_head": 2, "vocab_size": 31 }""";

    private const string NeoX = """
        { "model_type": "gpt_neox", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "vocab_size": 31 }
        """;

    [Fact]
    public void A_block_that_normalises_sums_gives_the_norm_of_the_norm_where_its_parts_add_nothing()
    {
        TextModel model = Create(Opt, json => json["do_layer_norm_before"] = false);
        Silence(model, "self_attn.out_proj", "fc2");
        AssertTwoNorms(model, "model.decoder.layers.0.self_attn_layer_norm", "model.decoder.layers.0.final_layer_norm");
        Assert.DoesNotContain(model.Parameters(), parameter => parameter.Name == "model.decoder.final_layer_norm.weight");
    }

    [Fact]
    public void A_stream_that_is_normed_is_what_the_parts_are_added_to()
    {
        TextModel model = Create(Bloom, json => json["apply_residual_connection_post_layernorm"] = true);
        Silence(model, "self_attention.dense", "mlp.dense_4h_to_h");
        AssertTwoNorms(model, "transformer.h.0.input_layernorm", "transformer.h.0.post_attention_layernorm");
    }

    [Fact]
    public void Parts_one_behind_the_other_differ_from_parts_side_by_side_in_what_the_second_reads()
    {
        TextModel behind = Create(NeoX, json => json["use_parallel_residual"] = false);
        TextModel beside = Create(NeoX);
        float[] apart = Block(beside);
        Assert.Contains(apart.Zip(Block(behind)), pair => Math.Abs(pair.First - pair.Second) > 1e-2f);
        Silence(behind, "attention.dense");
        Silence(beside, "attention.dense");
        TensorAssert.Close(Block(beside), Tensor.FromValues([7, 16], Block(behind)), 1e-5);
    }

    [Fact]
    public void Tables_narrower_than_the_stream_lead_into_it_and_out_of_it()
    {
        TextModel model = Create(Opt, json => json["word_embed_proj_dim"] = 8);
        Assert.Equal((16, 8), (model.Backbone.Width, model.Backbone.OutputWidth));
        Tensor Weight(string name) => model.Parameters().Single(parameter => parameter.Name == name);
        TokenBatch batch = TinyModels.Batch(7);
        using var tape = Tape.Begin(record: false);
        Tensor into = Ops.Linear(Ops.Embedding(Weight("model.decoder.embed_tokens.weight"), batch.Ids), Weight("model.decoder.project_in.weight"));
        Tensor positions = Ops.Embedding(Weight("model.decoder.embed_positions.weight"), [2, 3, 4, 5, 6, 7, 8]); // the table's first two rows belong to no position
        TensorAssert.Close(Ops.Add(into, positions).ToArray(), model.Backbone.Embed(batch), 1e-6);
        Assert.Equal([7, 31], model.Logits(batch).Shape.AsSpan().ToArray());
        TextModel classifier = TextModel.Create(model.Config, HeadChoice.Classification(3), seed: 1);
        Assert.Equal([1, 3], classifier.Classify(batch).Shape.AsSpan().ToArray());
    }

    private static TextModel Create(string config, Action<JsonObject>? change = null) => TinyModels.CreateFrom(config, change);

    private static float[] Block(TextModel model)
    {
        using var tape = Tape.Begin(record: false);
        return model.Backbone.ForwardBlock(0, Input(), TinyModels.Batch(7)).ToArray();
    }

    private static Tensor Input()
    {
        float[] values = new float[7 * 16];
        new Rng(5, RngStream.Augmentation).FillNormal(values, 0.3f, 1f, 0);
        return Tensor.FromValues([7, 16], values);
    }

    private static void Silence(TextModel model, params string[] layers)
    {
        foreach (Linear layer in model.Modules().OfType<Linear>().Where(layer => layers.Any(ending => layer.Path.EndsWith(ending, StringComparison.Ordinal))))
        {
            foreach (Parameter parameter in layer.OwnParameters)
            {
                parameter.Value.Backend.Fill(parameter.Value, 0f);
            }
        }
    }

    private static void AssertTwoNorms(TextModel model, string first, string second)
    {
        Normalization Norm(string path) => model.Modules().OfType<Normalization>().Single(norm => norm.Path == path);
        using var tape = Tape.Begin(record: false);
        Tensor expected = Norm(second).Forward(Norm(first).Forward(Input()));
        TensorAssert.Close(expected.ToArray(), Tensor.FromValues([7, 16], Block(model)), 1e-6);
    }
}
