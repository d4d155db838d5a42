using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Tokenizers;
using Hieno.Models;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class PromptTuningTests
{
    private static readonly PromptTuningOptions s_options = new() { VirtualTokens = 4 };

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void Training_lowers_the_loss_and_changes_no_bit_of_the_base(string family)
    {
        TunedModel tuned = TinyAdapter.AssertLearns(s_options, family, classifier: false, steps: 40, share: 0.95f);
        Assert.Equal(4 * TinyTuning.Width, tuned.TrainableCount);
        TinyAdapter.AssertLearns(s_options, family, classifier: true, share: 0.95f);
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void It_works_beside_LoRA(string family) => TinyAdapter.AssertComposesWithLoRA(s_options, family);

    [Fact]
    public void It_starts_at_vectors_of_the_vocabulary()
    {
        TextModel model = TinyTuning.Language("gpt2");
        var prompt = (EncodedPrompt)s_options.Create().Apply(model, seed: 3).Adapter!.Parts.Single();
        float[][] table = [.. model.Backbone.TokenTable.Base.ToArray().Chunk(TinyTuning.Width)];
        int[] drawn = [.. prompt.Encoder.Parameters[0].Value.ToArray().Chunk(TinyTuning.Width).Select(row => Array.FindIndex(table, other => other.SequenceEqual(row)))];
        Assert.All(drawn, id => Assert.InRange(id, 0, TinyTuning.Vocabulary - 1));
        Assert.True(drawn.Distinct().Count() > 2);
    }

    [Fact]
    public void A_random_start_is_standard_normal()
    {
        var options = new PromptTuningOptions { VirtualTokens = 400, Start = PromptStart.Random };
        float[] values = options.Create().Apply(TinyTuning.Language("bert"), seed: 3).Trainable.Single().Value.ToArray();
        Assert.Equal(0, values.Average(), 0.05);
        Assert.Equal(1, values.Average(value => value * value), 0.05);
    }

    [Fact]
    public void A_text_is_repeated_or_cut_to_the_number_of_virtual_tokens()
    {
        Tokenizer tokenizer = ModelTokenizer.Load(Path.Combine(Repository(), "models", "hieno-decoder")).Tokenizer;
        TextModel model = TextModel.Load(Path.Combine(Repository(), "models", "hieno-decoder"), HeadChoice.Language);
        const string Text = "answer politely";
        int[] ids = tokenizer.Encode(Text).Ids;
        var options = new PromptTuningOptions { VirtualTokens = (2 * ids.Length) + 1, Start = PromptStart.Text, Text = Text };
        Tensor table = options.Create().Apply(model, 3, tokenizer).Trainable.Single().Value;
        using var tape = Tape.Begin(record: false);
        Assert.Equal(Ops.Rows(model.Backbone.TokenTable.Base, [.. ids, .. ids, ids[0]]).ToArray(), table.ToArray());
        Assert.Equal(
            Ops.Rows(model.Backbone.TokenTable.Base, ids[..1]).ToArray(),
            (options with { VirtualTokens = 1 }).Create().Apply(TextModel.Load(Path.Combine(Repository(), "models", "hieno-decoder"), HeadChoice.Language), 3, tokenizer).Trainable.Single().Value.ToArray());
    }

    [Fact]
    public void A_text_that_is_missing_is_asked_for()
    {
        var error = Assert.Throws<TuningException>(() => new PromptTuningOptions { Start = PromptStart.Text }.Create().Apply(TinyTuning.Language("bert"), seed: 3));
        Assert.Equal(ErrorCodes.RecipeSettingMissing, error.Code);
        Assert.Throws<TuningException>(() => new PromptTuningOptions { Start = PromptStart.Text, Text = "a" }.Create().Apply(TinyTuning.Language("bert"), seed: 3));
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void It_is_saved_as_peft_does() =>
        TinyAdapter.AssertSavedAsPeftDoes(new PromptTuningOptions { VirtualTokens = 3, Start = PromptStart.Random }, "llama", "prompt_tuning");

    private static string Repository()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Hieno.slnx")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return folder;
    }
}
