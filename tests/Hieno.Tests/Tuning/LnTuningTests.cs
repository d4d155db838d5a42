using Hieno.Formats;
using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class LnTuningTests : PeftMethodInvariants
{
    protected override AdapterOptions Options => new LnTuningOptions();

    protected override (int Steps, double Rate) Learning => (20, 0.2);

    protected override (string Folder, string Base, AdapterOptions Options) Golden => ("ln_tuning", "llama", new LnTuningOptions());

    protected override long CountFor(string family) => family switch
    {
        "bert" => (1 + (2 * 2)) * 2 * 16, // one below the blocks, two a block; that of the output layer belongs to the head
        "gpt2" => ((2 * 2) + 1) * 2 * 16,
        _ => ((2 * 2) + 1) * 16,
    };

    [Fact]
    public void Targets_choose_among_the_norms()
    {
        TunedModel tuned = new LnTuningOptions { Targets = ["ln_1"] }.Create().Apply(TinyTuning.Language("gpt2"), seed: 3);
        Assert.Equal(["transformer.h.0.ln_1.weight", "transformer.h.0.ln_1.bias", "transformer.h.1.ln_1.weight", "transformer.h.1.ln_1.bias"], TinyTuning.Names(tuned));
        Assert.All(tuned.Adapter!.Copies, copy => Assert.Equal(ParameterKind.Norm, copy.Parameter.Kind));

        var error = Assert.Throws<TuningException>(() => new LnTuningOptions { Targets = ["norm"] }.Create().Apply(TinyTuning.Language("gpt2"), seed: 3));
        Assert.Equal(ErrorCodes.TuningTargetUnknown, error.Code);
        Assert.Contains("ln_1, ln_2, ln_f", error.Message, StringComparison.Ordinal);
    }
}
