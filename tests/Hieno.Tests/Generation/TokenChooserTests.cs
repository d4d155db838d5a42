using Hieno.Formats;
using Hieno.Generation;
using Hieno.Generation.Processors;

namespace Hieno.Tests.Generation;

public class TokenChooserTests
{
    private static TextRow Row(ulong draw = 0, int prompt = 1) =>
        new(3, new GenerationPrompt(new int[prompt]) { Draw = draw }, prompt + 5, tokenizer: null, []);

    [Fact]
    public void Greedy_takes_the_first_of_the_likeliest_tokens()
    {
        TokenChoice choice = new TokenChooser([], greedy: true, seed: 1).Choose(Row(), [0f, 2f, 1f, 2f]);
        Assert.Equal(1, choice.Id);
        Assert.Equal(2 - Math.Log(1 + (2 * Math.Exp(2)) + Math.Exp(1)), choice.LogProbability, 1e-6);
    }

    [Fact]
    public void The_log_probability_is_the_models_own_whatever_the_processors_do()
    {
        var chooser = new TokenChooser([new Temperature(0.1f), new TopK(1)], greedy: false, seed: 1);
        Assert.Equal(2 - Math.Log(Math.Exp(2) + 1), chooser.Choose(Row(), [0f, 2f]).LogProbability, 1e-6);
    }

    [Fact]
    public void Drawn_tokens_are_as_frequent_as_they_are_probable()
    {
        var chooser = new TokenChooser([], greedy: false, seed: 5);
        float[] logits = [MathF.Log(0.5f), float.NegativeInfinity, MathF.Log(0.3f), MathF.Log(0.15f), MathF.Log(0.05f)];
        double[] expected = [0.5, 0, 0.3, 0.15, 0.05];
        int[] counts = new int[logits.Length];
        const int Draws = 20_000;
        for (int draw = 0; draw < Draws; draw++)
        {
            counts[chooser.Choose(Row((ulong)draw), logits).Id]++;
        }

        Assert.Equal(0, counts[1]);
        double chiSquared = expected.Select((p, i) => p == 0 ? 0 : Math.Pow(counts[i] - (p * Draws), 2) / (p * Draws)).Sum();
        Assert.True(chiSquared < 16.3, $"χ² is {chiSquared}; with 3 degrees of freedom it exceeds 16.3 once in a thousand seeds.");
    }

    [Fact]
    public void What_is_drawn_depends_on_seed_number_and_position()
    {
        float[] logits = new float[1000];
        int[] ids =
        [
            new TokenChooser([], greedy: false, seed: 1).Choose(Row(draw: 1), logits).Id,
            new TokenChooser([], greedy: false, seed: 2).Choose(Row(draw: 1), logits).Id,
            new TokenChooser([], greedy: false, seed: 1).Choose(Row(draw: 2), logits).Id,
            new TokenChooser([], greedy: false, seed: 1).Choose(Row(draw: 1, prompt: 2), logits).Id,
        ];
        Assert.Equal(4, ids.Distinct().Count());
        Assert.Equal(ids[0], new TokenChooser([], greedy: false, seed: 1).Choose(Row(draw: 1), logits).Id);
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.PositiveInfinity, "+∞")]
    public void An_invalid_logit_is_an_error_that_names_text_position_and_token(float bad, string name)
    {
        var error = Assert.Throws<GenerationException>(() => new TokenChooser([], greedy: true, seed: 0).Choose(Row(prompt: 4), [0f, 1f, bad]));
        Assert.Equal(ErrorCodes.GenerationLogitsInvalid, error.Code);
        Assert.Contains("prompt 3, position 4", error.Message, StringComparison.Ordinal);
        Assert.Contains($"token 2 the logit {name}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_processor_that_rules_all_tokens_out_is_an_error()
    {
        var chooser = new TokenChooser([new SuppressedTokens([0, 1])], greedy: false, seed: 0);
        var error = Assert.Throws<GenerationException>(() => chooser.Choose(Row(), [0f, 1f]));
        Assert.Equal(ErrorCodes.GenerationNoTokenLeft, error.Code);
        Assert.Contains("the settings left", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Logits_that_are_all_negative_infinity_are_an_error()
    {
        var error = Assert.Throws<GenerationException>(
            () => new TokenChooser([], greedy: true, seed: 0).Choose(Row(), [float.NegativeInfinity, float.NegativeInfinity]));
        Assert.Equal(ErrorCodes.GenerationNoTokenLeft, error.Code);
        Assert.Contains("the model gave", error.Message, StringComparison.Ordinal);
    }
}
