using System.Text.RegularExpressions;
using Hieno.Formats.Peft;

namespace Hieno.Formats.Tests.Peft;

public sealed class PeftModulesTests
{
    [Theory]
    [InlineData("q_proj", true)]
    [InlineData("model.layers.0.self_attn.q_proj", true)]
    [InlineData("model.layers.0.self_attn.xq_proj", false)]
    [InlineData("model.q_proj.norm", false)]
    [InlineData("model.layers.0.mlp.down", true)]
    public void Names_match_whole_endings_of_a_path(string path, bool expected)
    {
        Assert.Equal(expected, PeftModules.EndingWith(["q_proj", "mlp.down"]).Matches(path));
    }

    [Theory]
    [InlineData("model.layers.0.q_proj", true)]
    [InlineData("model.layers.0.q_proj.x", false)]
    [InlineData("xmodel.layers.0.q_proj", false)]
    [InlineData("model.layers.0.v_proj\n", false)]
    public void An_expression_must_match_the_whole_path(string path, bool expected)
    {
        Assert.Equal(expected, PeftModules.Matching(@"model\.layers\.\d\.q_proj|model\.layers\.\d\.v_proj").Matches(path));
    }

    [Fact]
    public void All_linear_is_not_decided_by_a_path_and_bad_expressions_are_refused()
    {
        Assert.Throws<InvalidOperationException>(() => PeftModules.Matching("all-linear").Matches("x"));
        Assert.ThrowsAny<ArgumentException>(() => PeftModules.Matching("("));
    }

    [Fact]
    [Trait("tier", "slow")]
    public void A_hostile_expression_ends_after_a_second()
    {
        Assert.Throws<RegexMatchTimeoutException>(() => PeftModules.Matching("(a+)+b").Matches(new string('a', 60)));
    }
}
