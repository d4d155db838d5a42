using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Parity;
using Hieno.Tensors;
using Hieno.Tests.Shared;

namespace Hieno.Models.Tests.Encoders;

public sealed class EncoderFamilyTests
{
    private const string Sizes = """ "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "max_position_embeddings": 24, "vocab_size": 31, """;

    [Theory]
    [InlineData("bert", "", "cls.predictions.transform.dense.weight", "cls.predictions.transform.LayerNorm.bias", "cls.predictions.bias")]
    [InlineData("roberta", "", "lm_head.dense.weight", "lm_head.layer_norm.bias", "lm_head.bias")]
    [InlineData("xlm-roberta", "", "lm_head.dense.weight", "lm_head.layer_norm.bias", "lm_head.bias")]
    [InlineData("mpnet", "", "lm_head.dense.weight", "lm_head.layer_norm.bias", "lm_head.bias")]
    [InlineData("electra", """ "embedding_size": 8, """, "generator_predictions.dense.weight", "generator_predictions.LayerNorm.bias", "generator_lm_head.bias")]
    [InlineData("albert", """ "embedding_size": 8, """, "predictions.dense.weight", "predictions.LayerNorm.bias", "predictions.bias")]
    [InlineData("deberta-v2", """ "relative_attention": true, "share_att_key": true, "pos_att_type": "c2p|p2c", """, "cls.predictions.transform.dense.weight", "cls.predictions.transform.LayerNorm.bias", "cls.predictions.bias")]
    [InlineData("distilbert", """ "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24, """, "vocab_transform.weight", "vocab_layer_norm.bias", "vocab_projector.bias")]
    [InlineData("modernbert", "", "head.dense.weight", "head.norm.weight", "decoder.bias")]
    public void The_head_that_predicts_masked_tokens_has_the_names_of_the_checkpoints(string family, string keys, params string[] names)
    {
        TextModel model = Create(family, keys);
        Assert.Superset(names.ToHashSet(), model.LanguageHead!.Parameters().Select(parameter => parameter.Name).ToHashSet());
        Assert.Same(model.Backbone.TokenTable, model.LanguageHead.Projection);
        using var tape = Tape.Begin(record: false);
        Assert.Equal([7, 31], model.Logits(TinyModels.Batch(7)).Shape.AsSpan().ToArray());
        TextModel untied = Create(family, keys, json => json["tie_word_embeddings"] = false);
        Assert.NotSame(untied.Backbone.TokenTable, untied.LanguageHead!.Projection);
    }

    [Fact]
    public void Blocks_of_a_group_are_one_and_depth_counts_from_the_first_of_them()
    {
        TextModel model = Create("albert", """ "embedding_size": 8, "num_hidden_groups": 2, """, json => json["num_hidden_layers"] = 4);
        Backbone body = model.Backbone;
        Assert.Equal(4, body.Blocks.Count);
        Assert.Same(body.Blocks[0], body.Blocks[1]);
        Assert.Same(body.Blocks[2], body.Blocks[3]);
        Assert.NotSame(body.Blocks[1], body.Blocks[2]);
        Assert.Equal([1, 3], body.Blocks.Distinct().Select(block => block.Parameters().Select(parameter => parameter.Depth).Distinct().Single()));
        Assert.Equal((8, 16), (body.TokenTable.Value.Columns, body.Width));
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Xlm_roberta_gives_the_hidden_states_of_the_reference()
    {
        string folder = SharedFolder.Require("golden/xlm_roberta");
        var inputs = TensorFile.Read(Path.Combine(folder, "inputs.safetensors"));
        var expected = TensorFile.Read(Path.Combine(folder, "expected.safetensors"));
        TextModel model = TextModel.Load(folder, HeadChoice.Classification(2)); // the checkpoint has another task's head
        int[] mask = inputs.Ints("attention_mask");
        int width = inputs.ShapeOf("input_ids")[1];
        int[] places = [.. Enumerable.Range(0, mask.Length).Where(place => mask[place] == 1)];
        var batch = new TokenBatch(Array.ConvertAll(places, place => inputs.Ints("input_ids")[place]), [.. mask.Chunk(width).Select(row => row.Sum())]);
        using var tape = Tape.Begin(record: false);
        float[] wanted = [.. places.SelectMany(place => expected.Floats("eval.hidden_states.2").AsSpan(place * model.Backbone.Width, model.Backbone.Width).ToArray())];
        Assert.InRange(Difference.LargestAbsolute(model.Backbone.Forward(batch).ToArray(), wanted), 0, 1e-5);
    }

    [Theory]
    [InlineData("bert", """ "num_attention_heads": 3, """, "'num_attention_heads' is 3", "width of 16")]
    [InlineData("roberta", """ "max_position_embeddings": 2, """, "'max_position_embeddings' is 2", "padding")]
    [InlineData("mpnet", """ "relative_attention_num_buckets": 3, """, "'relative_attention_num_buckets' is 3", "even")]
    [InlineData("albert", """ "inner_group_num": 2, """, "'inner_group_num' is 2", "one block")]
    [InlineData("albert", """ "num_hidden_groups": 3, """, "'num_hidden_groups' is 3", "1 to 2")]
    [InlineData("deberta-v2", """ "conv_kernel_size": 3, """, "'conv_kernel_size' is 3", "convolution")]
    [InlineData("deberta-v2", """ "relative_attention": true, """, "'share_att_key' is not true", "queries")]
    [InlineData("deberta-v2", """ "relative_attention": true, "share_att_key": true, "pos_att_type": ["p2p"], """, "'p2p'", "c2p")]
    [InlineData("deberta-v2", """ "legacy": false, """, "'legacy' is false", "older")]
    [InlineData("modernbert", """ "global_attn_every_n_layers": 0, """, "'global_attn_every_n_layers' is 0", "above 0")]
    public void A_configuration_that_makes_no_sense_is_refused_by_its_key(string family, string keys, string fact, string alsoSays)
    {
        var error = Assert.Throws<CheckpointException>(() => Create(family, keys));
        Assert.Contains(fact, error.Message, StringComparison.Ordinal);
        Assert.Contains(alsoSays, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_way_to_read_rows_that_is_not_known_is_refused()
    {
        var error = Assert.Throws<CheckpointException>(() => Create("modernbert", """ "classifier_pooling": "max", """, head: HeadChoice.Classification(2)));
        Assert.Contains("'classifier_pooling' is 'max'. Known are cls and mean", error.Message, StringComparison.Ordinal);
    }

    private static TextModel Create(string family, string keys, Action<JsonObject>? change = null, HeadChoice? head = null)
    {
        // A key that is given replaces one of the sizes.
        JsonObject json = JsonNode.Parse($$"""{ {{Sizes}} "model_type": "{{family}}" }""")!.AsObject();
        foreach ((string key, JsonNode? value) in JsonNode.Parse($$"""{ {{keys}} "_": 0 }""")!.AsObject())
        {
            json[key] = value?.DeepClone();
        }

        return TinyModels.CreateFrom(json.ToJsonString(), change, head);
    }
}
