using Hieno.Tensors;

namespace Hieno.Models.Tests;

public sealed class FrozenPrefixTests
{
    [Theory]
    [InlineData("gpt2", 1)]
    [InlineData("gpt2", 2)]
    [InlineData("bert", 1)]
    [InlineData("bert", 2)]
    [InlineData("llama", 1)]
    [InlineData("mistral", 2)]
    public void What_is_remembered_has_the_bits_of_what_is_computed_whatever_rows_are_beside_it(string family, int blocks)
    {
        TextModel model = TinyModels.Create(family);
        int[][] rows = [.. new[] { 5, 1, 19, 8, 23, 12, 2 }.Select((length, i) => TinyModels.Ids(length + i)[i..])];
        using var prefix = new FrozenPrefix(blocks, new RowStore(16, 1 << 20));
        Read(Pack(rows[..4]), prefix);
        Assert.Equal(blocks == 1 ? (4, 4) : (8, 0), (prefix.Computed, prefix.Reused)); // read twice: all tokens, and the last ones alone
        foreach (int[][] batch in (int[][][])[[rows[2]], [rows[4], rows[3], rows[1]], [rows[0], rows[5], rows[6], rows[2], rows[2]], rows])
        {
            Assert.Equal(Read(Pack(batch), null), Read(Pack(batch), prefix));
        }

        Assert.Equal(blocks == 1 ? 7 : 14, prefix.Computed);

        float[] Read(TokenBatch batch, FrozenPrefix? with)
        {
            model.Backbone.Prefix = with;
            using Tape tape = Tape.Begin(record: false);
            return [.. model.Backbone.Forward(batch).ToArray(), .. model.Backbone.Forward(batch, batch.LastTokens()).ToArray()];
        }
    }

    [Fact]
    public void Rows_are_told_apart_by_tokens_types_prompts_and_the_tokens_that_are_wanted()
    {
        TextModel model = TinyModels.Create("bert");
        using var prefix = new FrozenPrefix(2, new RowStore(16, 1 << 20));
        var plain = new TokenBatch([1, 2, 3], [3]);
        var typed = new TokenBatch([1, 2, 3], [3]) { TokenTypes = [0, 1, 1] };
        var other = new TokenBatch([1, 2, 4], [3]);
        var prompted = new TokenBatch([1, 2, 3], [3]) { GivenLengths = [2] };
        foreach (TokenBatch batch in (TokenBatch[])[plain, typed, other, prompted, plain, typed])
        {
            foreach (int[]? tokens in (int[]?[])[null, [0], [2], [0, 2]])
            {
                model.Backbone.Prefix = null;
                float[] expected = Read(batch, tokens);
                model.Backbone.Prefix = prefix;
                Assert.Equal(expected, Read(batch, tokens));
            }
        }

        Assert.Equal((16, 8), (prefix.Computed, prefix.Reused));

        float[] Read(TokenBatch batch, int[]? tokens)
        {
            using Tape tape = Tape.Begin(record: false);
            return model.Backbone.Forward(batch, tokens).ToArray();
        }
    }

    [Theory]
    [InlineData(0.0, false)]
    [InlineData(0.1, true)]
    public void Dropout_in_the_frozen_part_is_found_and_keeps_it_from_being_remembered_in_training(double rate, bool found)
    {
        TextModel model = TinyModels.Create("gpt2", change: json =>
        {
            foreach (string key in (string[])["embd_pdrop", "attn_pdrop", "resid_pdrop"])
            {
                json[key] = rate;
            }
        });
        TokenBatch batch = TinyModels.Batch(5, 6);
        using var prefix = new FrozenPrefix(1, new RowStore(16, 1 << 20));
        Assert.Equal(found, prefix.HasDropout(model.Backbone));

        float[] expected = Train();
        model.Backbone.Prefix = prefix;
        Assert.Equal(expected, Train());
        Assert.Equal(expected, Train());
        Assert.Equal(found ? (0, 0) : (2, 2), (prefix.Computed, prefix.Reused));

        using var without = new FrozenPrefix(1, new RowStore(16, 1 << 20)) { WithoutDropout = true };
        model.Backbone.Prefix = without;
        float[] first = Train();
        Assert.Equal(first, Train());
        Assert.Equal(found, !expected.SequenceEqual(first));
        Assert.Equal((2, 2), (without.Computed, without.Reused));

        float[] Train()
        {
            using Tape tape = Tape.Begin(dropout: new DropoutSource(new Rng(3, RngStream.Dropout), 4));
            return model.Backbone.Forward(batch).ToArray();
        }
    }

    [Fact]
    public void Gradients_of_what_lies_above_are_the_same_bits()
    {
        TextModel model = TinyModels.Create("llama");
        TokenBatch batch = TinyModels.Batch(5, 9);
        foreach (Parameter parameter in model.Parameters())
        {
            parameter.Trainable = parameter.Depth > 1;
        }

        float[] expected = Gradient();
        using var prefix = new FrozenPrefix(1, new RowStore(16, 1 << 20));
        model.Backbone.Prefix = prefix;
        Assert.Equal(expected, Gradient());
        Assert.Equal(expected, Gradient());

        float[] Gradient()
        {
            using Tape tape = Tape.Begin();
            Tensor x = model.Backbone.Forward(batch);
            tape.Backward(Ops.Sum(Ops.Mul(x, Ops.Scale(x, 1f))));
            Parameter[] learning = [.. model.Backbone.Parameters().Where(p => p.Trainable)];
            float[] gradient = [.. learning.SelectMany(p => p.Value.Grad!.ToArray())];
            Array.ForEach(learning, p => p.Value.ClearGrad());
            return gradient;
        }
    }

    [Fact]
    public void Rotary_angles_that_follow_the_longest_row_are_not_remembered()
    {
        TextModel model = TinyModels.Create("llama", change: json =>
        {
            json["max_position_embeddings"] = 8;
            json["rope_scaling"] = new System.Text.Json.Nodes.JsonObject { ["rope_type"] = "dynamic", ["factor"] = 4.0 };
        });
        using var prefix = new FrozenPrefix(1, new RowStore(16, 1 << 20));
        model.Backbone.Prefix = prefix;
        using Tape tape = Tape.Begin(record: false);
        model.Backbone.Forward(TinyModels.Batch(5, 20));
        Assert.Equal(0, prefix.Computed);
        model.Backbone.Forward(TinyModels.Batch(5, 8));
        Assert.Equal(2, prefix.Computed);
    }

    private static TokenBatch Pack(params int[][] rows) => new([.. rows.SelectMany(row => row)], [.. rows.Select(row => row.Length)]);
}
