using Hieno.Formats;
using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class PartialTests
{
    // Sizes by hand: width 16, inner 24, 40 tokens, 12 positions, 2 types; linear layers have offsets except in Llama.
    private const int BertAttention = 4 * ((16 * 16) + 16);
    private const int BertFfn = (16 * 24) + 24 + (24 * 16) + 16;
    private const int BertBlock = BertAttention + BertFfn + (2 * 32);
    private const int BertTables = (40 + 12 + 2) * 16;
    private const int BertHead = (16 * 16) + 16 + 32 + 40; // transform, its norm, an offset for each token; the projection is the token table
    private const int Gpt2Attention = (16 * 48) + 48 + (16 * 16) + 16;
    private const int Gpt2Block = Gpt2Attention + BertFfn + (2 * 32);
    private const int LlamaAttention = (16 * 16) + (2 * 16 * 8) + (16 * 16);
    private const int LlamaFfn = 3 * 16 * 24;
    private const int LlamaBlock = LlamaAttention + LlamaFfn + (2 * 16);

    public static TheoryData<string, PartialOptions, long> Choices => new()
    {
        { "bert", new PartialOptions(), (2 * BertBlock) + BertTables + 32 + BertHead },
        { "bert", new PartialOptions { LastBlocks = 1 }, BertBlock + BertHead },
        { "bert", new PartialOptions { LastBlocks = 0 }, BertHead },
        { "bert", new PartialOptions { FirstBlocks = 1, TrainHead = false }, BertBlock + BertTables + 32 },
        { "bert", new PartialOptions { FreezeFirst = 1 }, BertBlock + BertHead },
        { "bert", new PartialOptions { FreezeFirst = 2 }, BertHead },
        { "bert", new PartialOptions { Parts = [TuningPart.Attention], TrainHead = false }, 2 * BertAttention },
        { "bert", new PartialOptions { Parts = [TuningPart.Attention], LastBlocks = 1 }, BertAttention + BertHead },
        { "bert", new PartialOptions { Parts = [TuningPart.Ffn], TrainHead = false }, 2 * BertFfn },
        { "bert", new PartialOptions { Parts = [TuningPart.Norm], TrainHead = false }, 5 * 32 },
        { "bert", new PartialOptions { Parts = [TuningPart.Bias], TrainHead = false }, (2 * ((4 * 16) + 24 + 16 + 32)) + 16 + (16 + 16 + 40) },
        { "bert", new PartialOptions { Parts = [TuningPart.Embedding], TrainHead = false }, BertTables },
        { "bert", new PartialOptions { Parts = [TuningPart.Head], TrainHead = false }, BertHead },
        { "bert", new PartialOptions { Names = ["*.attention.self.query.*"], TrainHead = false }, 2 * ((16 * 16) + 16) },
        { "bert", new PartialOptions { Names = ["*.0.*.query.weight"], Parts = [TuningPart.Norm], TrainHead = false }, (16 * 16) + (5 * 32) },
        { "bert", new PartialOptions { LastBlocks = 1, Freeze = ["*.LayerNorm.*", "cls.*"] }, BertBlock - 64 },
        { "gpt2", new PartialOptions(), (2 * Gpt2Block) + ((40 + 12) * 16) + 32 },
        { "gpt2", new PartialOptions { LastBlocks = 1 }, Gpt2Block + 32 }, // the final norm lies above the last block
        { "gpt2", new PartialOptions { FirstBlocks = 1 }, Gpt2Block + ((40 + 12) * 16) },
        { "gpt2", new PartialOptions { Parts = [TuningPart.Attention, TuningPart.Norm] }, (2 * Gpt2Attention) + (5 * 32) },
        { "llama", new PartialOptions(), (2 * LlamaBlock) + (2 * 40 * 16) + 16 },
        { "llama", new PartialOptions { LastBlocks = 1 }, LlamaBlock + 16 + (40 * 16) },
        { "llama", new PartialOptions { LastBlocks = 2, TrainHead = false }, (2 * LlamaBlock) + 16 },
        { "llama", new PartialOptions { Parts = [TuningPart.Ffn], FirstBlocks = 1, TrainHead = false }, LlamaFfn },
        { "llama", new PartialOptions { Parts = [TuningPart.Embedding], TrainHead = false }, 40 * 16 },
    };

    [Theory]
    [MemberData(nameof(Choices))]
    public void The_chosen_weights_learn_and_no_others(string family, PartialOptions options, long expected)
    {
        TextModel model = TinyTuning.Language(family);
        TunedModel tuned = options.Create().Apply(model, seed: 0);
        Assert.Equal(expected, tuned.TrainableCount);
        Assert.Equal(model.Parameters().Sum(parameter => parameter.Count), tuned.TotalCount);
        Assert.All(model.Parameters().Except(tuned.Trainable), parameter => Assert.False(parameter.Trainable));

        Dictionary<string, float[]> before = TinyTuning.Weights(model);
        TinyTuning.Train(tuned, steps: 2);
        Dictionary<string, float[]> after = TinyTuning.Weights(model);
        string[] names = TinyTuning.Names(tuned);
        Assert.All(before.Keys.Except(names), name => Assert.Equal(before[name], after[name]));
        Assert.All(names, name => Assert.NotEqual(before[name], after[name]));
    }

    [Fact]
    public void A_tied_output_layer_is_the_token_table_once()
    {
        TunedModel tuned = new PartialOptions { Parts = [TuningPart.Embedding] }.Create().Apply(TinyTuning.Language("gpt2"), seed: 0);
        Assert.Equal(["transformer.wte.weight", "transformer.wpe.weight"], TinyTuning.Names(tuned));
        Assert.Same(tuned.Trainable[0], tuned.Text().LanguageHead!.Projection);
    }

    [Fact]
    public void A_new_head_learns_unless_it_is_frozen_by_name()
    {
        using var folder = new TemporaryFolder();
        WeightFiles.SaveModel(TinyTuning.Language("llama"), folder.Path, companions: null);
        TunedModel Apply(PartialOptions options) => options.Create().Apply(TextModel.Load(folder.Path, HeadChoice.Classification(3)), seed: 0);
        Assert.Contains("score.weight", TinyTuning.Names(Apply(new PartialOptions { LastBlocks = 1, TrainHead = false })));
        Assert.DoesNotContain("score.weight", TinyTuning.Names(Apply(new PartialOptions { LastBlocks = 1, Freeze = ["score.*"] })));
    }

    [Theory]
    [InlineData("llama", TuningPart.Bias, "'bias'")]
    [InlineData("gpt2", TuningPart.Head, "shares the token table")]
    public void A_part_the_model_does_not_have_is_refused_though_the_head_would_learn(string family, TuningPart part, string message)
    {
        var error = Assert.Throws<TuningException>(() => new PartialOptions { Parts = [part] }.Create().Apply(TinyTuning.Language(family), seed: 0));
        Assert.Equal(ErrorCodes.TuningNothingTrains, error.Code);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Choices_that_leave_nothing_or_do_not_exist_are_refused()
    {
        TextModel model = TinyTuning.Language("gpt2");
        Assert.Equal(ErrorCodes.TuningNothingTrains, Refused(new PartialOptions { Names = ["*.h.0.*"], Freeze = ["*"] }).Code);
        Assert.Equal("partial: 'tuning.lastBlocks' is 3, but this model has 2 blocks. Give a number from 0 to 2.", Refused(new PartialOptions { LastBlocks = 3 }).Message);
        Assert.Contains("'*.attention.*'", Refused(new PartialOptions { Names = ["*.attention.*"] }).Message, StringComparison.Ordinal);
        Assert.Contains("'encoder'", Refused(new PartialOptions { LastBlocks = 1, Freeze = ["encoder"] }).Message, StringComparison.Ordinal);
        Assert.Contains("'embedding'", Refused(new PartialOptions { LastBlocks = 1, Parts = [TuningPart.Embedding] }).Message, StringComparison.Ordinal);

        TuningException Refused(PartialOptions options) => Assert.Throws<TuningException>(() => options.Create().Apply(model, seed: 0));
    }

    [Fact]
    public void First_and_last_blocks_exclude_each_other()
    {
        Assert.Single(new PartialOptions { FirstBlocks = 1, LastBlocks = 1 }.Validate());
        Assert.Single(new PartialOptions { FirstBlocks = 1, FreezeFirst = 1 }.Validate());
        Assert.Empty(new PartialOptions { LastBlocks = 1, FreezeFirst = 1 }.Validate());
    }
}
