using Hieno.Generation;
using Hieno.Generation.Processors;

namespace Hieno.Tests.Generation.Processors;

public class ProcessorsTests
{
    private const float Out = float.NegativeInfinity;

    private static float[] Run(ILogitsProcessor processor, float[] logits, int[]? tokens = null, int promptLength = 0)
    {
        float[] changed = [.. logits];
        processor.Process(new TokenHistory(tokens ?? [], promptLength), changed);
        return changed;
    }

    [Fact]
    public void Temperature_divides_and_leaves_what_is_ruled_out_ruled_out() =>
        Assert.Equal([2f, -4f, 0f, Out], Run(new Temperature(0.5f), [1f, -2f, 0f, Out]));

    [Theory]
    [InlineData(1, new[] { Out, 3f, Out, Out })]
    [InlineData(2, new[] { Out, 3f, 2f, Out })]
    [InlineData(3, new[] { 1f, 3f, 2f, 1f })] // both ones are as large as the third
    [InlineData(4, new[] { 1f, 3f, 2f, 1f })]
    [InlineData(99, new[] { 1f, 3f, 2f, 1f })]
    public void TopK_keeps_the_k_largest_and_their_equals(int k, float[] expected) =>
        Assert.Equal(expected, Run(new TopK(k), [1f, 3f, 2f, 1f]));

    [Fact]
    public void TopK_keeps_the_remaining_tokens_where_fewer_than_k_are_left() =>
        Assert.Equal([Out, 3f, Out, Out], Run(new TopK(2), [Out, 3f, Out, Out]));

    [Fact]
    public void TopK_agrees_with_sorting()
    {
        var rng = new Hieno.Tensors.Rng(3, Hieno.Tensors.RngStream.Sampling);
        float[] logits = new float[1000];
        rng.FillNormal(logits, 0, 3, 0);
        TopK processor = new(50);
        Run(processor, [.. logits.Reverse()]); // an instance is used for many tokens
        float[] kept = Run(processor, logits);
        Assert.Equal(logits.OrderDescending().Take(50).Order(), kept.Where(float.IsFinite).Order());
    }

    // Probabilities 0.5, 0.25, 0.125, 0.125.
    [Theory]
    [InlineData(0f, new[] { true, false, false, false })]
    [InlineData(0.4f, new[] { true, false, false, false })]
    [InlineData(0.51f, new[] { true, true, false, false })]
    [InlineData(0.8f, new[] { true, true, true, false })] // of two equal tokens the first
    [InlineData(0.9f, new[] { true, true, true, true })]
    [InlineData(1f, new[] { true, true, true, true })]
    public void TopP_keeps_the_fewest_tokens_that_reach_p(float p, bool[] stays)
    {
        float[] logits = [MathF.Log(8), MathF.Log(4), MathF.Log(2), MathF.Log(2)];
        Assert.Equal(logits.Select((logit, i) => stays[i] ? logit : Out), Run(new TopP(p), logits));
    }

    [Fact]
    public void TopP_agrees_with_sorting_all_tokens()
    {
        var rng = new Hieno.Tensors.Rng(4, Hieno.Tensors.RngStream.Sampling);
        float[] logits = new float[2000];
        foreach (float p in (float[])[0.01f, 0.3f, 0.7f, 0.95f, 0.999f])
        {
            rng.FillNormal(logits, 0, 2, (ulong)(p * 1000));
            logits[7] = Out;
            double total = logits.Sum(x => Math.Exp(x));
            double sum = 0;
            HashSet<int> nucleus = [];
            foreach (int id in Enumerable.Range(0, logits.Length).OrderByDescending(i => logits[i]))
            {
                nucleus.Add(id);
                sum += Math.Exp(logits[id]) / total;
                if (sum >= p)
                {
                    break;
                }
            }

            float[] kept = Run(new TopP(p), logits);
            Assert.Equal(nucleus.Order(), Enumerable.Range(0, logits.Length).Where(i => float.IsFinite(kept[i])));
        }
    }

    [Fact]
    public void TopP_orders_negative_zero_and_positive_logits()
    {
        Assert.Equal([Out, Out, 1f, Out], Run(new TopP(0.1f), [-1f, 0f, 1f, -3f]));
        Assert.Equal([-1f, Out, Out, Out], Run(new TopP(0.1f), [-1f, -2f, -9f, -3f]));
        Assert.Equal([-0f, Out], Run(new TopP(0.5f), [-0f, 0f])); // equal: the first
    }

    [Fact]
    public void Filters_leave_logits_that_are_all_ruled_out_as_they_are()
    {
        foreach (ILogitsProcessor filter in (ILogitsProcessor[])[new Temperature(2f), new TopK(2), new TopP(0.5f), new MinP(0.1f), new RepetitionPenalty(2f)])
        {
            Assert.Equal([Out, Out, Out], Run(filter, [Out, Out, Out], [1]));
        }
    }

    // Probabilities relative to the largest: 1, 0.5, 0.1, 0.04.
    [Theory]
    [InlineData(1f, new[] { true, false, false, false })]
    [InlineData(0.49f, new[] { true, true, false, false })]
    [InlineData(0.05f, new[] { true, true, true, false })]
    [InlineData(0.01f, new[] { true, true, true, true })]
    public void MinP_keeps_tokens_with_a_share_of_the_largest_probability(float share, bool[] stays)
    {
        float[] logits = [5f, 5f + MathF.Log(0.5f), 5f + MathF.Log(0.1f), 5f + MathF.Log(0.04f)];
        Assert.Equal(logits.Select((logit, i) => stays[i] ? logit : Out), Run(new MinP(share), logits));
    }

    [Fact]
    public void Repetition_penalty_changes_each_token_of_prompt_and_text_once() =>
        Assert.Equal([1f, -4f, 0f, 6f, Out], Run(new RepetitionPenalty(2f), [2f, -2f, 0f, 6f, Out], [0, 1, 0, 2, 1, 4], promptLength: 3));

    [Fact]
    public void Frequency_and_presence_count_the_text_but_not_the_prompt() =>
        Assert.Equal([1f, 0.25f - 1f, 1f - 1.25f], Run(new FrequencyPenalty(0.25f, 0.5f), [1f, 0f, 1f], [0, 0, 1, 2, 2, 2], promptLength: 2));

    [Theory]
    [InlineData(1, new[] { 1, 2, 1 }, new[] { 1, 2 })]
    [InlineData(2, new[] { 1, 2, 3, 1 }, new[] { 2 })]
    [InlineData(2, new[] { 1, 2, 1, 3, 1 }, new[] { 2, 3 })]
    [InlineData(3, new[] { 1, 2, 3, 1 }, new int[0])]
    [InlineData(3, new[] { 1, 2, 3, 1, 2 }, new[] { 3 })]
    [InlineData(3, new[] { 1, 1, 1 }, new[] { 1 })]
    [InlineData(5, new[] { 1, 2 }, new int[0])]
    [InlineData(2, new[] { 1 }, new int[0])]
    public void No_run_of_n_tokens_is_repeated(int n, int[] tokens, int[] ruledOut)
    {
        float[] changed = Run(new NoRepeatNgram(n), [0f, 0f, 0f, 0f], tokens);
        Assert.Equal(ruledOut, Enumerable.Range(0, 4).Where(id => changed[id] == Out));
    }

    [Fact]
    public void Tokens_are_suppressed_while_the_text_is_short()
    {
        var processor = new SuppressedTokens([1, 50], until: 2);
        Assert.Equal([0f, Out, 0f], Run(processor, [0f, 0f, 0f], [7, 7, 2], promptLength: 2));
        Assert.Equal([0f, 0f, 0f], Run(processor, [0f, 0f, 0f], [7, 7, 2, 2], promptLength: 2));
    }
}
