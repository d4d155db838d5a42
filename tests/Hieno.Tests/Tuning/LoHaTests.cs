using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class LoHaTests : PeftMethodInvariants
{
    protected override AdapterOptions Options => new LoHaOptions { Rank = 3, Targets = [LayerTargets.AllLinear] };

    protected override (string Folder, string Base, AdapterOptions Options) Golden => ("loha", "llama", new LoHaOptions { Rank = 4, Targets = ["q_proj", "v_proj"] });

    protected override long CountFor(string family) => 2 * 2 * 3 * family switch
    {
        "bert" => (4 * 32) + 40 + 40,
        "gpt2" => 64 + 32 + 40 + 40,
        _ => 32 + 24 + 24 + 32 + (3 * 40),
    };

    [Fact]
    public void At_the_first_step_only_the_factor_that_is_zero_has_a_gradient()
    {
        TunedModel tuned = Options.Create().Apply(TinyTuning.Language("llama"), seed: 3);
        TinyTuning.Differentiate(tuned);
        Assert.All(tuned.Trainable, factor => Assert.Equal(factor.Name.EndsWith("w2_b", StringComparison.Ordinal), factor.Value.Grad!.ToArray().Any(value => value != 0)));
    }
}
