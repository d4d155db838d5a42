using Hieno.Models.Layers;
using Hieno.Parity;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Models.Tests;

/// <summary>What holds for every family, on the models that have reference values.</summary>
[Trait("tier", "golden")]
public sealed class ModelFamilyTests
{
    public static TheoryData<string> Models() => [.. GoldenModels.Names];

    public static TheoryData<string> Generators() => [.. GoldenModels.Decoders.Where(name => !name.EndsWith("_seqcls", StringComparison.Ordinal))];

    // Not those that normalise sums, or whose blocks differ by their number.
    public static TheoryData<string> Residual() =>
        [.. GoldenModels.Decoders.Except(["opt", "gpt_neo", "gemma2", "gemma3_text", "smollm3", "cohere2", "qwen2_moe", "qwen3_moe", "qwen3_moe_mixed"])];

    [SkippableTheory]
    [MemberData(nameof(Models))]
    public void Each_block_gives_the_hidden_states_of_the_reference(string name)
    {
        var fixture = GoldenModels.Read(name);
        Backbone body = Subject.Load(fixture).Text.Backbone;
        TokenBatch batch = fixture.Batch.Tokens;
        using var tape = Tape.Begin(record: false);
        Tensor x = body.Embed(batch);
        AssertClose(fixture, States(fixture, 0), body.Blocks.Count == 0 ? body.ForwardEnd(x) : x);
        for (int i = 0; i < body.Blocks.Count; i++)
        {
            Tensor before = Tensor.FromValues([batch.Ids.Length, body.Width], States(fixture, i));
            Tensor y = body.ForwardBlock(i, before, batch);
            bool isEnd = i + 1 == body.Blocks.Count && fixture.Config.ModelType != "modernbert"; // whose last state is that before the norm
            AssertClose(fixture, States(fixture, i + 1), isEnd ? body.ForwardEnd(y) : y);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Generators))]
    public void Token_by_token_a_text_gives_the_logits_of_the_whole_text(string name)
    {
        var fixture = GoldenModels.Read(name);
        Assert.InRange(FamilyChecks.TokenByToken(fixture), 0, LogitsCheck.Limit(fixture));
    }

    [SkippableTheory]
    [MemberData(nameof(Models))]
    public void LoRA_on_the_default_layers_merges_and_goes_row_by_row(string name)
    {
        var fixture = GoldenModels.Read(name);
        var subject = Subject.Load(fixture);
        float[] plain = subject.Logits(fixture.Batch);
        Adapter adapter = FamilyChecks.RandomLoRA(subject.Text);
        Assert.All(subject.Text.Backbone.Blocks, block => Assert.NotEmpty(block.AttachedParts()));
        float[] adapted = subject.Logits(fixture.Batch);
        Assert.True(Difference.LargestAbsolute(adapted, plain) > 100 * LogitsCheck.Limit(fixture), "the adapter changes too little to show anything");

        TokenBatch batch = fixture.Batch.Tokens;
        bool[] through = [.. Enumerable.Range(0, batch.Rows).Select(row => row % 2 == 0)];
        float[] mixed = Output(subject.Text, batch.WithAdapters([.. through.Select(isAdapted => isAdapted ? adapter.Name : null)]));
        int width = plain.Length / (fixture.Task == FixtureTask.Classification ? batch.Rows : batch.Ids.Length);
        int[] rowOf = fixture.Task == FixtureTask.Classification
            ? [.. Enumerable.Range(0, batch.Rows)]
            : [.. Enumerable.Range(0, batch.Rows).SelectMany(row => Enumerable.Repeat(row, batch.Lengths[row]))];
        float[] wanted = [.. rowOf.SelectMany((row, i) => (through[row] ? adapted : plain).AsSpan(i * width, width).ToArray())];
        Assert.InRange(Difference.LargestAbsolute(mixed, wanted), 0, 3 * LogitsCheck.Limit(fixture));
        Assert.InRange(FamilyChecks.Merged(fixture), 0, 3 * LogitsCheck.Limit(fixture));
    }

    [SkippableTheory]
    [MemberData(nameof(Models))]
    public void Blocks_that_are_computed_again_give_the_same_gradients(string name)
    {
        var fixture = GoldenModels.Read(name);
        float[][] kept = Gradients(checkpointing: false);
        float[][] again = Gradients(checkpointing: true);
        for (int i = 0; i < kept.Length; i++)
        {
            Assert.True(kept[i].AsSpan().SequenceEqual(again[i]), $"gradient {i} differs");
        }

        float[][] Gradients(bool checkpointing)
        {
            var subject = Subject.Load(fixture);
            subject.Text.Backbone.GradientCheckpointing = checkpointing;
            Parameter[] parameters = [.. subject.Text.Parameters()];
            Array.ForEach(parameters, parameter => parameter.Trainable = true);
            subject.Differentiate(fixture.Batch, parameters);
            return [.. parameters.Select(parameter => parameter.Value.Grad?.ToArray() ?? [])];
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Models))]
    public void Every_place_at_which_adapters_act_is_there(string name)
    {
        var fixture = GoldenModels.Read(name);
        AdapterOptions[] kinds =
        [
            new PromptTuningOptions { VirtualTokens = 3 }, new PTuningOptions { VirtualTokens = 3 }, new PrefixTuningOptions { VirtualTokens = 3 },
            new BottleneckOptions { Reduction = 4 }, new LoRAOptions { Targets = [LayerTargets.AllLinear], Dora = true }, new LadderOptions { Reduction = 2 },
        ];
        foreach (AdapterOptions options in kinds)
        {
            var subject = Subject.Load(fixture);
            if (options is LadderOptions && subject.Text.Family.Narrow(subject.Text.Config, 2) is null)
            {
                Assert.Throws<TuningException>(() => options.Create().Apply(subject.Text, seed: 1));
                continue;
            }

            Parameter[] trained = [.. options.Create().Apply(subject.Text, seed: 1).Trainable];
            Assert.NotEmpty(trained);
            TokenBatch batch = fixture.Batch.Tokens;
            using (var tape = Tape.Begin())
            {
                Tensor hidden = subject.Text.Backbone.Forward(batch);
                Assert.Equal([batch.Ids.Length, subject.Text.Backbone.OutputWidth], hidden.Shape.AsSpan().ToArray());
                tape.Backward(Ops.Sum(Ops.Mul(hidden, Ops.Activate(hidden, Activation.Tanh))));
            }

            // An expert that no token went through gets no gradient; a head stands behind the body.
            Parameter[] reached = [.. trained.Where(parameter => parameter.Kind != ParameterKind.Head && !parameter.Name.Contains("experts", StringComparison.Ordinal))];
            Assert.All(reached, parameter => Assert.True(parameter.Value.Grad is not null, $"{options.GetType().Name}: {parameter.Name} gets no gradient"));
            Assert.Contains(reached, parameter => parameter.Value.Grad!.ToArray().Any(value => value != 0f));
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Models))]
    public void Vectors_of_some_tokens_alone_are_those_of_all_tokens(string name)
    {
        var fixture = GoldenModels.Read(name);
        Backbone body = Subject.Load(fixture).Text.Backbone;
        TokenBatch batch = fixture.Batch.Tokens;
        int[] tokens = [.. Enumerable.Range(0, batch.Ids.Length).Where(token => token % 3 == 1)];
        using var tape = Tape.Begin(record: false);
        TensorAssert.Close(Ops.Rows(body.Forward(batch), tokens).ToArray(), body.Forward(batch, tokens), absolute: 1e-5, relative: 1e-5);
    }

    [SkippableTheory]
    [MemberData(nameof(Models))]
    public void Weights_know_their_part_and_their_depth(string name)
    {
        TextModel model = Subject.Load(GoldenModels.Read(name)).Text;
        Backbone body = model.Backbone;
        string[] paths = [.. body.Modules().Select(module => module.Path)];
        Assert.Equal(paths.Length, paths.Distinct().Count());
        Assert.Equal((ParameterKind.Embedding, 0), (body.TokenTable.Kind, body.TokenTable.Depth));
        HashSet<Parameter> inBlocks = [];
        foreach ((Module block, int index) in body.Blocks.Select((block, index) => (block, index)))
        {
            Parameter[] own = [.. block.Parameters()];
            bool isShared = !own.All(inBlocks.Add); // ALBERT's blocks are one
            Assert.All(own, parameter => Assert.True(isShared || parameter.Depth == index + 1, $"{parameter.Name} has depth {parameter.Depth}"));
            Assert.All(block.Modules().OfType<Linear>(), layer => Assert.Contains(layer.Weight.Kind, (ParameterKind[])[ParameterKind.Attention, ParameterKind.FeedForward]));
            Assert.All(block.Modules().OfType<Normalization>().SelectMany(norm => norm.OwnParameters), parameter => Assert.Equal(ParameterKind.Norm, parameter.Kind));
            Assert.Contains(own, parameter => parameter.Kind == ParameterKind.Attention);
            Assert.Contains(own, parameter => parameter.Kind == ParameterKind.FeedForward);
        }

        Assert.All(body.Parameters().Where(parameter => !inBlocks.Contains(parameter)), parameter => Assert.Contains(parameter.Depth, (int[])[0, body.Blocks.Count + 1]));
        Module head = (Module?)model.LanguageHead ?? model.ClassificationHead!;
        Assert.All(
            head.Parameters().Where(parameter => parameter != body.TokenTable),
            parameter => Assert.Equal((ParameterKind.Head, body.Blocks.Count + 1), (parameter.Kind, parameter.Depth)));
    }

    [SkippableTheory]
    [MemberData(nameof(Residual))]
    public void With_residual_outputs_at_zero_a_block_gives_what_it_read(string name)
    {
        var fixture = GoldenModels.Read(name);
        TextModel model = Subject.Load(fixture).Text;
        Assert.NotEmpty(model.Family.ResidualOutputs);
        foreach (Linear layer in model.Backbone.Blocks[0].Modules().OfType<Linear>().Where(layer => model.Family.ResidualOutputs.Any(ending => LayerTargets.Matches(layer.Path, ending))))
        {
            foreach (Parameter parameter in layer.OwnParameters)
            {
                parameter.MakeWritable();
                parameter.Value.Backend.Fill(parameter.Value, 0f);
            }
        }

        using var tape = Tape.Begin(record: false);
        Tensor x = Tensor.FromValues([fixture.Batch.Tokens.Ids.Length, model.Backbone.Width], States(fixture, 0));
        TensorAssert.Identical(x.ToArray(), model.Backbone.ForwardBlock(0, x, fixture.Batch.Tokens));
    }

    private static float[] Output(TextModel model, TokenBatch batch)
    {
        using var tape = Tape.Begin(record: false);
        return (model.LanguageHead is null ? model.Classify(batch) : model.Logits(batch)).ToArray();
    }

    // The reference's vectors of the tokens under the mask: what block `index` reads, or what the last one gives.
    private static float[] States(Fixture fixture, int index)
    {
        string tensor = $"eval.hidden_states.{index}";
        float[] all = fixture.Expected.Floats(tensor);
        int width = fixture.Expected.ShapeOf(tensor)[^1];
        return [.. fixture.Batch.Places.SelectMany(place => all.AsSpan(place * width, width).ToArray())];
    }

    private static void AssertClose(Fixture fixture, float[] expected, Tensor actual)
    {
        float size = Math.Max(1f, expected.Max(MathF.Abs)); // of embeddings that are scaled, too
        Assert.InRange(Difference.LargestAbsolute(actual.ToArray(), expected), 0, size * Math.Max(1e-5, LogitsCheck.Limit(fixture)));
    }
}
