using Hieno.Formats;
using Hieno.Models.Bloom;

namespace Hieno.Models.Tests.Decoders;

public sealed class DecoderFamilyTests
{
    private const string Sizes = """ "num_hidden_layers": 2, "hidden_size": 16, "intermediate_size": 24, "vocab_size": 31, """;

    [Theory]
    [InlineData("llama", """ "num_attention_heads": 0 """, "'num_attention_heads' is 0", "above 0")]
    [InlineData("llama", """ "num_attention_heads": 4, "num_key_value_heads": 3 """, "'num_key_value_heads' is 3", "4 query heads")]
    [InlineData("llama", """ "num_attention_heads": 4, "hidden_act": "snake" """, "'hidden_act' is 'snake'", "gelu")]
    [InlineData("gemma2", """ "num_attention_heads": 4, "layer_types": ["full_attention"] """, "'layer_types' has 1 entries", "expected 2")]
    [InlineData("gemma2", """ "num_attention_heads": 4, "layer_types": ["full_attention", "chunked_attention"] """, "'chunked_attention'", "sliding_attention")]
    [InlineData("gemma3_text", """ "num_attention_heads": 4, "use_bidirectional_attention": true """, "'use_bidirectional_attention' is true", "decoder")]
    [InlineData("smollm3", """ "num_attention_heads": 4, "no_rope_layers": [1] """, "'no_rope_layers' has 1 entries", "expected 2")]
    [InlineData("granite", """ "num_attention_heads": 4, "logits_scaling": 0 """, "'logits_scaling' is 0", "divided")]
    [InlineData("falcon", """ "num_attention_heads": 4, "alibi": true """, "'alibi' is true", "rotary")]
    [InlineData("gpt_neo", """ "num_heads": 4, "num_layers": 2, "attention_types": [[["global"], 1]] """, "'attention_types' describes 1 layers", "expected 2")]
    [InlineData("gpt_neo", """ "num_heads": 4, "num_layers": 2, "attention_types": [["global", "local"]] """, "'attention_types' is no list of patterns", "12")]
    [InlineData("gpt_neo", """ "num_heads": 4, "num_layers": 2, "attention_layers": ["global", "near"] """, "'near'", "local")]
    [InlineData("gptj", """ "n_embd": 16, "n_head": 4, "n_layer": 2, "rotary_dim": 3 """, "'rotary_dim' is 3", "4 lanes")]
    [InlineData("opt", """ "num_attention_heads": 4 """, "'ffn_dim'", "no")]
    public void A_configuration_that_makes_no_sense_is_refused_by_its_key(string family, string keys, string fact, string alsoSays)
    {
        var error = Assert.Throws<CheckpointException>(() => TinyModels.CreateFrom($$"""{ "model_type": "{{family}}", {{Sizes}} {{keys}} }"""));
        Assert.Contains(fact, error.Message, StringComparison.Ordinal);
        Assert.Contains(alsoSays, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, new[] { 1f / 256 })]
    [InlineData(4, new[] { 1f / 4, 1f / 16, 1f / 64, 1f / 256 })]
    [InlineData(6, new[] { 1f / 4, 1f / 16, 1f / 64, 1f / 256, 1f / 2, 1f / 8 })] // the published code's values
    public void Slopes_of_scores_are_those_of_the_published_code(int heads, float[] slopes) =>
        Assert.All(slopes.Zip(BloomFamily.Slopes(heads)), pair => Assert.Equal(pair.First, pair.Second, 1e-7f));

    [Theory]
    [InlineData("""{ "model_type": "bloom", "hidden_size": 16, "n_layer": 2, "n_head": 2, "vocab_size": 31 }""", """{ "model_type": "bloom", "n_embed": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 31 }""")]
    [InlineData("""{ "model_type": "falcon", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 31 }""", """{ "model_type": "falcon", "hidden_size": 16, "n_layer": 2, "n_head": 2, "vocab_size": 31 }""")]
    [InlineData("""{ "model_type": "gpt_neo", "hidden_size": 16, "num_layers": 2, "num_heads": 2, "vocab_size": 31, "attention_layers": ["global", "local"] }""", """{ "model_type": "gpt_neo", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 31, "attention_types": [[["global", "local"], 1]] }""")]
    [InlineData("""{ "model_type": "gpt_neox", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "vocab_size": 31, "rotary_pct": 0.5, "rotary_emb_base": 500 }""", """{ "model_type": "gpt_neox", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "vocab_size": 31, "rope_parameters": { "partial_rotary_factor": 0.5, "rope_theta": 500 } }""")]
    public void Older_and_newer_names_of_a_setting_mean_the_same(string one, string other) =>
        Assert.Equal(TinyModels.Logits(TinyModels.CreateFrom(one), TinyModels.Batch(7, 3)), TinyModels.Logits(TinyModels.CreateFrom(other), TinyModels.Batch(7, 3)));

    [Theory]
    [InlineData("falcon", """ "num_attention_heads": 4, "new_decoder_architecture": true, "num_kv_heads": 2 """, "transformer.h.1.ln_mlp.weight")]
    [InlineData("falcon", """ "num_attention_heads": 4, "new_decoder_architecture": true, "num_kv_heads": 2, "num_ln_in_parallel_attn": 1 """, "transformer.h.1.input_layernorm.weight")]
    [InlineData("falcon", """ "num_attention_heads": 4, "multi_query": false, "parallel_attn": false """, "transformer.h.1.post_attention_layernorm.weight")]
    [InlineData("stablelm", """ "num_attention_heads": 4, "qk_layernorm": true, "partial_rotary_factor": 0.5 """, "model.layers.1.self_attn.q_layernorm.norms.3.weight")]
    [InlineData("cohere", """ "num_attention_heads": 4, "use_qk_norm": true """, "model.layers.1.self_attn.k_norm.weight")]
    [InlineData("phi", """ "num_attention_heads": 4, "qk_layernorm": true """, "model.layers.1.self_attn.k_layernorm.bias")]
    [InlineData("opt", """ "num_attention_heads": 4, "ffn_dim": 24, "word_embed_proj_dim": 8, "do_layer_norm_before": false """, "model.decoder.project_out.weight")]
    public void Variants_have_the_weights_of_their_checkpoints_and_decode_token_by_token(string family, string keys, string weight)
    {
        TextModel model = TinyModels.CreateFrom($$"""{ "model_type": "{{family}}", {{Sizes}} {{keys}} }""");
        Assert.Contains(weight, model.Parameters().Select(parameter => parameter.Name));
        float[] whole = TinyModels.Logits(model, TinyModels.Batch(9));
        var cache = new KvCache(2, 1, 9, model.Backbone.KeyWidth);
        float[] pieces = [.. TinyModels.Ids(9).SelectMany(id => TinyModels.Logits(model, new TokenBatch([id], [1]) { Cache = cache }))];
        Assert.All(whole.Zip(pieces), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
    }
}
