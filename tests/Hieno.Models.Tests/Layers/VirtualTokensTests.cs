using Hieno.Models.Layers;
using Hieno.Tensors;
using Hieno.Testing;

namespace Hieno.Models.Tests.Layers;

public sealed class VirtualTokensTests
{
    private const int Vocabulary = 31;

    public static TheoryData<string> Families => ["bert", "gpt2", "llama", "mistral", "qwen2"];

    public static TheoryData<string> Causal => ["gpt2", "llama", "mistral", "qwen2"];

    [Theory]
    [MemberData(nameof(Families))]
    public void A_prompt_of_the_vectors_of_words_reads_as_these_words_do(string family)
    {
        TextModel model = TinyModels.Create(family);
        int[] words = [5, 9, 2];
        TokenBatch batch = TinyModels.Batch(4, 1, 3);
        int[] ids = batch.Ids;
        float[] written = TinyModels.Logits(model, new TokenBatch([.. words, .. ids[..4], .. words, .. ids[4..5], .. words, .. ids[5..]], [7, 4, 6]));
        Prompt(model, words).Attach();
        int[] text = [3, 4, 5, 6, 10, 14, 15, 16];
        float[] expected = [.. text.SelectMany(token => written.AsSpan(token * Vocabulary, Vocabulary).ToArray())];
        TensorAssert.Close(expected, Tensor.FromValues([expected.Length], TinyModels.Logits(model, batch)), absolute: 1e-5);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Only_the_vectors_of_the_text_are_given(string family)
    {
        TextModel model = TinyModels.Create(family);
        Prompt(model, [1, 2]).Attach();
        Prefix(model, 2).Attach();
        Assert.Equal(4, model.Backbone.VirtualTokenCount);
        Assert.Equal(20, model.Backbone.MaxTextLength);
        TokenBatch batch = TinyModels.Batch(4, 2);
        using var tape = Tape.Begin(record: false);
        float[] all = model.Backbone.Forward(batch).ToArray();
        Assert.Equal(6 * 16, all.Length);
        float[] some = model.Backbone.Forward(batch, [1, 5]).ToArray();
        TensorAssert.Close([.. all[16..32], .. all[80..96]], Tensor.FromValues([32], some), absolute: 1e-5);
        Assert.Equal(6 + (2 * 2), model.Backbone.WithVirtualTokens(batch).Ids.Length);
        Assert.Equal([4, 5], model.Backbone.WithVirtualTokens(batch).Positions[2..4].Select(position => position)); // behind two of each kind
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_row_is_read_alike_alone_and_beside_others(string family)
    {
        TextModel model = TinyModels.Create(family);
        Prompt(model, [1, 2]).Attach();
        Prefix(model, 3).Attach();
        float[] together = TinyModels.Logits(model, TinyModels.Batch(4, 5));
        float[] alone = TinyModels.Logits(model, new TokenBatch(TinyModels.Ids(9)[4..], [5]));
        TensorAssert.Close(together.AsSpan(4 * Vocabulary), Tensor.FromValues([alone.Length], alone), absolute: 1e-5);
    }

    [Theory]
    [MemberData(nameof(Causal))]
    public void Texts_read_piece_by_piece_have_them_once(string family)
    {
        TextModel model = TinyModels.Create(family);
        Prompt(model, [1, 2]).Attach();
        Prefix(model, 3).Attach();
        int[] ids = TinyModels.Ids(9);
        float[] whole = TinyModels.Logits(model, TinyModels.Batch(4, 5));
        var cache = new KvCache(2, 2, capacity: 5 + 5, model.Backbone.KeyWidth);
        float[] first = TinyModels.Logits(model, new TokenBatch(ids[..2], [2]) { Cache = cache, CacheRows = [0] });
        float[] second = TinyModels.Logits(model, new TokenBatch([ids[2], .. ids[4..8]], [1, 4]) { Cache = cache }); // one goes on, one begins
        float[] third = TinyModels.Logits(model, new TokenBatch([ids[3], ids[8]], [1, 1]) { Cache = cache });
        float[] pieces = [.. first, .. second[..Vocabulary], .. third[..Vocabulary], .. second[Vocabulary..], .. third[Vocabulary..]];
        TensorAssert.Close(whole, Tensor.FromValues([pieces.Length], pieces), absolute: 1e-5);
        Assert.Equal([9, 10], new[] { cache.Length(0), cache.Length(1) });
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Gradients_are_those_of_central_differences(string family)
    {
        TextModel model = TinyModels.Create(family);
        (Part prompt, PrefixPart prefix) = (Prompt(model, [1, 2]), Prefix(model, 2));
        prompt.Attach();
        prefix.Attach();
        prompt.Table.NeedsGrad = prefix.Table.NeedsGrad = true;
        Tensor weights = Initializer.Normal(1f).Create([5, 16], 9, "weights"); // a plain sum of normalised numbers hardly moves
        GradientCheck.Verify(
            new GradientCheckOptions { Tolerance = 2e-2 },
            () => Ops.Sum(Ops.Mul(model.Backbone.Forward(TinyModels.Batch(3, 2)), weights)),
            ("prompt", prompt.Table), ("prefix", prefix.Table));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Gradient_checkpointing_changes_no_gradient(string family)
    {
        TextModel model = TinyModels.Create(family);
        (Part prompt, PrefixPart prefix) = (Prompt(model, [1, 2]), Prefix(model, 2));
        prompt.Attach();
        prefix.Attach();
        prompt.Table.NeedsGrad = prefix.Table.NeedsGrad = true;
        float[] Differentiate(bool checkpointing)
        {
            model.Backbone.GradientCheckpointing = checkpointing;
            prompt.Table.ClearGrad();
            prefix.Table.ClearGrad();
            using var tape = Tape.Begin();
            Tensor hidden = model.Backbone.Forward(TinyModels.Batch(3, 2));
            tape.Backward(Ops.Sum(Ops.Mul(hidden, hidden)));
            return [.. prompt.Table.Grad!.ToArray(), .. prefix.Table.Grad!.ToArray()];
        }

        Assert.Equal(Differentiate(false), Differentiate(true));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Switched_off_they_leave_the_base_model_bit_for_bit(string family)
    {
        TextModel model = TinyModels.Create(family);
        float[] before = TinyModels.Logits(model, TinyModels.Batch(4, 2));
        AdapterPart[] parts = [Prompt(model, [1, 2]), Prefix(model, 2)];
        Assert.All(parts, part =>
        {
            part.Attach();
            Assert.NotEqual(before, TinyModels.Logits(model, TinyModels.Batch(4, 2)));
            part.Enabled = false;
            Assert.Equal(before, TinyModels.Logits(model, TinyModels.Batch(4, 2)));
            Assert.Contains("positions before each text", part.ObstacleToMerging(model)!, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_text_that_leaves_no_room_for_them_is_refused()
    {
        TextModel model = TinyModels.Create("gpt2");
        Prompt(model, [1, 2]).Attach();
        TinyModels.Logits(model, TinyModels.Batch(22));
        var error = Assert.Throws<ArgumentException>(() => TinyModels.Logits(model, TinyModels.Batch(23)));
        Assert.Contains("of which 2 are virtual", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_head_that_reads_the_first_vector_reads_that_of_a_virtual_token()
    {
        TextModel model = TinyModels.Create("bert", HeadChoice.Classification(3));
        TokenBatch batch = TinyModels.Batch(4, 2);
        using var tape = Tape.Begin(record: false);
        float[] written = model.Classify(new TokenBatch([8, .. batch.Ids[..4], 8, .. batch.Ids[4..]], [5, 3])).ToArray();
        Prompt(model, [8]).Attach();
        TensorAssert.Close(written, model.Classify(batch), absolute: 1e-5);
    }

    private static Part Prompt(TextModel model, int[] words)
    {
        Tensor table = Tensor.CreateLongLived([words.Length, 16]);
        table.Backend.GatherRows(model.Backbone.TokenTable.Base, words, table);
        return new Part(model.Backbone, table);
    }

    private static PrefixPart Prefix(TextModel model, int count) =>
        new(model.Backbone, Initializer.Normal(1f).Create([count, 2 * 2 * model.Backbone.KeyWidth], 3, "prefix"), count);

    private sealed class Part(Backbone body, Tensor table) : PromptVectors(body, "a", table.Rows)
    {
        public Tensor Table => table;

        public override IReadOnlyList<Parameter> Parameters => [new Parameter("prompt", table)];

        public override Tensor Vectors() => table;
    }

    private sealed class PrefixPart(Backbone body, Tensor table, int count) : PrefixVectors(body, "b", count)
    {
        public Tensor Table => table;

        public override IReadOnlyList<Parameter> Parameters => [new Parameter("prefix", table)];

        public override LayerPrefix[] Layers()
        {
            int width = Body.KeyWidth;
            Tensor[] parts = Ops.Split(Ops.Rows(table, [.. Enumerable.Range(0, Count)]), width, width, width, width);
            return [new(parts[0], parts[1]), new(parts[2], parts[3])];
        }
    }
}
