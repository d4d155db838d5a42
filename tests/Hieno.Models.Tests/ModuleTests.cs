using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Tests;

public sealed class ModuleTests
{
    [Fact]
    public void Parts_come_outermost_first_and_in_order_of_creation()
    {
        TextModel model = TinyModels.Create("llama");
        string[] paths = [.. model.Modules().Select(module => module.Path)];
        Assert.Equal(["", "model", "model.embed_tokens", "model.layers.0", "model.layers.0.input_layernorm", "model.layers.0.self_attn.qkv", "model.layers.0.self_attn.q_proj"], paths[..7]);
        Assert.Same(model, model.Modules().First());
        Assert.Equal(paths.Length, paths.Distinct().Count());
    }

    [Fact]
    public void Tied_table_counts_once()
    {
        TextModel tied = TinyModels.Create("llama", change: json => json["tie_word_embeddings"] = true);
        TextModel untied = TinyModels.Create("llama");
        Assert.Same(tied.Backbone.TokenTable, tied.LanguageHead!.Projection);
        Assert.Equal(untied.Parameters().Sum(p => p.Count), tied.Parameters().Sum(p => p.Count) + (31 * 16));
        Assert.DoesNotContain("lm_head.weight", tied.Parameters().Select(p => p.Name));
        Assert.Contains("lm_head.weight", untied.Parameters().Select(p => p.Name));
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("bert")]
    [InlineData("mistral")]
    public void Names_are_unique(string family)
    {
        string[] names = [.. TinyModels.Create(family).Parameters().Select(p => p.Name)];
        Assert.Equal(names.Length, names.Distinct().Count());
    }

    [Theory]
    [InlineData("gpt2", "transformer.wte.weight", ParameterKind.Embedding, 0)]
    [InlineData("gpt2", "transformer.h.1.attn.c_attn.weight", ParameterKind.Attention, 2)]
    [InlineData("gpt2", "transformer.h.0.mlp.c_fc.bias", ParameterKind.FeedForward, 1)]
    [InlineData("gpt2", "transformer.ln_f.weight", ParameterKind.Norm, 3)]
    [InlineData("bert", "bert.embeddings.LayerNorm.bias", ParameterKind.Norm, 0)]
    [InlineData("bert", "bert.encoder.layer.1.output.dense.weight", ParameterKind.FeedForward, 2)]
    [InlineData("bert", "bert.encoder.layer.1.attention.output.dense.weight", ParameterKind.Attention, 2)]
    [InlineData("bert", "cls.predictions.transform.LayerNorm.weight", ParameterKind.Head, 3)]
    [InlineData("llama", "model.layers.0.mlp.gate_proj.weight", ParameterKind.FeedForward, 1)]
    [InlineData("llama", "model.layers.1.post_attention_layernorm.weight", ParameterKind.Norm, 2)]
    [InlineData("llama", "lm_head.weight", ParameterKind.Head, 3)]
    public void Parameters_know_their_part_and_depth(string family, string name, ParameterKind kind, int depth)
    {
        Parameter parameter = TinyModels.Create(family).Parameters().Single(p => p.Name == name);
        Assert.Equal((kind, depth), (parameter.Kind, parameter.Depth));
    }

    [Fact]
    public void Trained_weight_is_noticed_in_the_parts_around_it_only()
    {
        TextModel model = TinyModels.Create("llama");
        Assert.False(model.HasTrainable());
        model.Parameters().Single(p => p.Name == "model.layers.1.mlp.up_proj.weight").Trainable = true;
        Assert.True(model.HasTrainable());
        Assert.True(model.Backbone.Blocks[1].HasTrainable());
        Assert.False(model.Backbone.Blocks[0].HasTrainable());
    }

    [Fact]
    public void Trained_weight_of_an_attached_update_is_noticed_too()
    {
        TextModel model = TinyModels.Create("llama");
        Linear layer = model.Modules().OfType<Linear>().First();
        var update = new Offset(layer);
        update.Attach();
        Assert.False(model.HasTrainable());
        update.Parameters[0].Trainable = true;
        Assert.True(model.Backbone.Blocks[0].HasTrainable());
        Assert.DoesNotContain(update.Parameters[0], model.Parameters());
        update.Detach();
        Assert.False(model.HasTrainable());
    }

    [Fact]
    public void Switched_off_update_leaves_the_output_bit_for_bit()
    {
        TextModel model = TinyModels.Create("llama");
        float[] before = TinyModels.Logits(model, TinyModels.Batch(4, 2));
        Linear layer = model.Modules().OfType<Linear>().First();
        var update = new Offset(layer);
        update.Attach();
        Assert.NotEqual(before, TinyModels.Logits(model, TinyModels.Batch(4, 2)));
        update.Enabled = false;
        Assert.Equal(before, TinyModels.Logits(model, TinyModels.Batch(4, 2)));
    }

    /// <summary>An update that adds 1 to all outputs.</summary>
    private sealed class Offset : LinearUpdate
    {
        private readonly Parameter _offset;

        public Offset(Linear layer)
            : base(layer, "test") => _offset = layer.CreateUpdateWeight("offset", Initializer.Ones.Create([layer.Out], 0, "offset"));

        public override IReadOnlyList<Parameter> Parameters => [_offset];

        public override Tensor Apply(Tensor x, Tensor y) => Ops.Add(y, Ops.Rows(Ops.Reshape(_offset, [1, Layer.Out]), new int[y.Rows]));
    }
}
