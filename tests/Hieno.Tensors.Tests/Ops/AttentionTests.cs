using Hieno.Tensors.Cpu;
using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class AttentionTests
{
    private static readonly Dictionary<string, Func<AttentionSpans>> s_spans = new(StringComparer.Ordinal)
    {
        ["one token"] = () => AttentionSpans.Causal([1]),
        ["one short text"] = () => AttentionSpans.Causal([7]),
        ["causal"] = () => AttentionSpans.Causal([48]),
        ["packed causal"] = () => AttentionSpans.Causal([300, 1, 33, 7, 0, 64]),
        ["causal window"] = () => AttentionSpans.Causal([300, 48], window: 40),
        ["bidirectional"] = () => AttentionSpans.Bidirectional([7, 48, 133]),
        ["bidirectional window"] = () => AttentionSpans.Bidirectional([200, 31], window: 17),
        ["cross"] = () => AttentionSpans.Cross([5, 40, 3], [70, 9, 140]),
        ["cross without keys"] = () => AttentionSpans.Cross([5, 40, 3], [70, 0, 140]),
        ["decoding"] = () => new AttentionSpans([0, 512, 1024], [300, 513, 1100]),
        ["prefill of a cache"] = () => new AttentionSpans([.. Spans(0, 40), .. Spans(600, 20)], [.. Counting(101, 40), .. Counting(601, 20)]),
        ["unordered"] = () => new AttentionSpans([50, 0, 50, 10, 20, 0], [60, 5, 51, 10, 60, 60]),
        ["nothing visible"] = () => new AttentionSpans([0, 3, 0], [0, 3, 0]),
        ["long"] = () => AttentionSpans.Causal([1100]),
    };

    public static TheoryData<string> SpanKinds => [.. s_spans.Keys];

    [Theory]
    [MemberData(nameof(SpanKinds))]
    public void Output_and_gradients_agree_with_the_double_precision_reference(string kind)
    {
        bool large = kind == "long";
        Check(s_spans[kind](), new AttentionOptions(large ? 1 : 2), width: large ? 8 : 12);
    }

    [Theory]
    [InlineData(8, 4, 4)]
    [InlineData(12, 6, 2)]
    [InlineData(64, 4, 1)]
    [InlineData(80, 2, 2)]
    [InlineData(1, 2, 1)]
    public void Any_head_width_and_any_sharing_of_key_heads_is_computed(int width, int heads, int kvHeads) =>
        Check(AttentionSpans.Causal([48, 5, 150]), new AttentionOptions(heads) { KvHeads = kvHeads }, width);

    [Theory]
    [InlineData(64, 1f)]
    [InlineData(80, 0f)]
    [InlineData(7, 0f)]
    public void Decoding_reads_long_caches_row_by_row_for_all_heads_that_share_them(int width, float softCap) =>
        Check(new AttentionSpans([0, 700, 1000], [600, 703, 1257]), new AttentionOptions(6) { KvHeads = 2, SoftCap = softCap }, width);

    [Fact]
    public void A_query_decoded_alone_gives_what_it_gave_in_the_whole_text()
    {
        var options = new AttentionOptions(4) { KvHeads = 2 };
        Tensor q = TestTensors.Random([90, 64], seed: 40);
        Tensor k = TestTensors.Random([90, 32], seed: 41);
        Tensor v = TestTensors.Random([90, 32], seed: 42);
        Tensor whole = Attention(q, k, v, AttentionSpans.Causal([90]), options);
        Tensor last = Attention(q.RowRange(89, 1), k, v, new AttentionSpans([0], [90]), options);
        TestTensors.Close(TestTensors.Double(whole.Row(89).ToArray()), last.ToArray(), 2e-6);
    }

    [Fact]
    public void Scores_can_be_scaled_and_limited() =>
        Check(AttentionSpans.Causal([70, 9]), new AttentionOptions(2) { Scale = 0.7f, SoftCap = 3f }, width: 16);

    [Theory]
    [MemberData(nameof(SpanKinds))]
    public void Scores_can_fall_with_the_distance_of_the_key(string kind)
    {
        bool large = kind == "long";
        Check(s_spans[kind](), new AttentionOptions(large ? 1 : 2) { Slopes = large ? [0.3f] : [0.5f, 0.0625f] }, width: large ? 8 : 12);
    }

    [Fact]
    public void Decoding_finds_the_slope_of_each_head_that_shares_a_key_head() =>
        Check(new AttentionSpans([0, 700, 1000], [600, 703, 1257]), new AttentionOptions(6) { KvHeads = 2, Slopes = [0.5f, 0.25f, 0.1f, 0.05f, 0.02f, 0f] }, width: 16);

    [Theory]
    [MemberData(nameof(SpanKinds))]
    public void A_number_can_be_added_to_the_score_of_each_pair_and_gets_its_gradient(string kind)
    {
        AttentionSpans spans = s_spans[kind]();
        if (spans.PairCount == 0)
        {
            return; // there is no pair
        }

        (int heads, int width, int keys) = (kind == "long" ? 1 : 4, 8, Math.Max(1, spans.KeyCount));
        var options = new AttentionOptions(heads) { KvHeads = Math.Max(1, heads / 2) };
        Tensor q = TestTensors.Random([spans.QueryCount, heads * width], seed: 50, trained: true);
        Tensor k = TestTensors.Random([keys, options.KvHeads * width], seed: 51, trained: true);
        Tensor v = TestTensors.Random([keys, options.KvHeads * width], seed: 52, trained: true);
        Tensor bias = TestTensors.Random([heads, (int)spans.PairCount], seed: 53, trained: true);
        float[] dy = TestTensors.Normal((int)q.Count, seed: 54);
        float[] y;
        using (Tape tape = Tape.Begin())
        {
            Tensor first = Attention(q, k, v, spans, options, bias);
            y = first.ToArray();
            tape.Backward(TestTensors.WeightedSum(Add(first, Attention(q, k, v, spans, options, bias)), dy)); // twice: gradients add up
        }

        var reference = new AttentionReference(spans, options, spans.QueryCount, keys, width) { Bias = bias.ToArray() };
        TestTensors.Close(reference.Forward(q.ToArray(), k.ToArray(), v.ToArray()), y, 1e-5);
        (double[] dq, double[] dk, double[] dv, double[] dbias) = reference.BackwardWithBias(q.ToArray(), k.ToArray(), v.ToArray(), dy);
        double[][] expected = [dq, dk, dv, dbias];
        Tensor[] leaves = [q, k, v, bias];
        for (int i = 0; i < 4; i++)
        {
            TestTensors.Close(Array.ConvertAll(expected[i], x => 2 * x), leaves[i].Grad!.ToArray(), 2e-5);
        }
    }

    [Fact]
    public void Only_the_numbers_of_pairs_may_learn()
    {
        AttentionSpans spans = AttentionSpans.Bidirectional([6, 3]);
        Tensor q = TestTensors.Random([9, 8], seed: 60);
        Tensor k = TestTensors.Random([9, 8], seed: 61);
        Tensor v = TestTensors.Random([9, 8], seed: 62);
        Tensor bias = TestTensors.Random([2, 45], seed: 63, trained: true);
        TestTensors.CheckGradients(() => Attention(q, k, v, spans, new AttentionOptions(2), bias), bias);
        Assert.Throws<ShapeException>(() => Attention(q, k, v, spans, new AttentionOptions(2), TestTensors.Random([2, 44], seed: 64)));
        Assert.Throws<ShapeException>(() => Attention(q, k, v, spans, new AttentionOptions(2), TestTensors.Random([1, 45], seed: 64)));
    }

    [Fact]
    public void As_many_slopes_as_heads_are_needed()
    {
        Tensor q = TestTensors.Random([3, 8], seed: 1);
        Assert.Throws<ShapeException>(() => Attention(q, q, q, AttentionSpans.Causal([3]), new AttentionOptions(2) { Slopes = [0.5f] }));
    }

    [Fact]
    public void Large_scores_do_not_overflow() =>
        Check(AttentionSpans.Bidirectional([150]), new AttentionOptions(1) { Scale = 30f }, width: 8, tolerance: 2e-3); // errors of the scores grow with the scale

    [Theory]
    [InlineData(0f)]
    [InlineData(2f)]
    public void Gradients_agree_with_central_differences(float softCap)
    {
        AttentionSpans spans = new([0, 0, 1, 2, 3, 5], [1, 2, 4, 6, 3, 7]);
        Tensor q = TestTensors.Random([6, 16], seed: 1, trained: true);
        Tensor k = TestTensors.Random([7, 8], seed: 2, trained: true);
        Tensor v = TestTensors.Random([7, 8], seed: 3, trained: true);
        var options = new AttentionOptions(2) { KvHeads = 1, SoftCap = softCap };
        TestTensors.CheckGradients(() => Attention(q, k, v, spans, options), q, k, v);
    }

    [Fact]
    public void Gradients_agree_with_central_differences_under_dropout()
    {
        AttentionSpans spans = AttentionSpans.Causal([6, 3]);
        Tensor q = TestTensors.Random([9, 8], seed: 4, trained: true);
        Tensor k = TestTensors.Random([9, 8], seed: 5, trained: true);
        Tensor v = TestTensors.Random([9, 8], seed: 6, trained: true);
        var options = new AttentionOptions(1) { DropoutRate = 0.4f };
        float[] weights = TestTensors.Normal(72, seed: 7);
        var source = () => new DropoutSource(new Rng(5, RngStream.Dropout), pass: 2);
        using (Tape tape = Tape.Begin(dropout: source()))
        {
            tape.Backward(TestTensors.WeightedSum(Attention(q, k, v, spans, options), weights));
        }

        foreach (Tensor leaf in new[] { q, k, v })
        {
            float[] gradient = leaf.Grad!.ToArray();
            for (int i = 0; i < gradient.Length; i++)
            {
                double numeric = (Shifted(leaf, i, 1e-2f) - Shifted(leaf, i, -1e-2f)) / 2e-2;
                Assert.True(Math.Abs(numeric - gradient[i]) < 3e-3 * (1 + Math.Abs(numeric)), $"{i}: {gradient[i]:R}, numeric {numeric:R}");
            }
        }

        double Shifted(Tensor leaf, int index, float by)
        {
            float original = leaf.Span[index];
            leaf.Span[index] = original + by;
            using Tape tape = Tape.Begin(record: false, dropout: source());
            float[] y = Attention(q, k, v, spans, options).ToArray();
            leaf.Span[index] = original;
            return y.Zip(weights, (a, b) => (double)a * b).Sum();
        }
    }

    [Fact]
    public void Dropout_drops_the_asked_share_and_the_backward_pass_uses_the_same_mask()
    {
        // One head as wide as there are keys and v the identity: the output is the matrix of probabilities after dropout itself.
        const int Tokens = 128;
        float[] identity = new float[Tokens * Tokens];
        for (int i = 0; i < Tokens; i++)
        {
            identity[(i * Tokens) + i] = 1f;
        }

        Tensor q = TestTensors.Random([Tokens, Tokens], seed: 8, trained: true);
        Tensor k = TestTensors.Random([Tokens, Tokens], seed: 9, trained: true);
        Tensor v = TestTensors.Of([Tokens, Tokens], identity, DType.F32, null, 0, trained: true);
        AttentionSpans spans = AttentionSpans.Bidirectional([Tokens]);
        var options = new AttentionOptions(1) { DropoutRate = 0.25f };
        float[] whole = Attention(q, k, v, spans, options).ToArray();
        float[] dy = TestTensors.Normal(whole.Length, seed: 10);
        float[] dropped;
        using (Tape tape = Tape.Begin(dropout: new DropoutSource(new Rng(1, RngStream.Dropout), pass: 0)))
        {
            Tensor y = Attention(q, k, v, spans, options);
            dropped = y.ToArray();
            tape.Backward(TestTensors.WeightedSum(y, dy));
        }

        double Factor(int head, int query, int key) => dropped[(query * Tokens) + key] == 0f ? 0.0 : 1 / 0.75;
        int zeros = dropped.Count(p => p == 0f);
        Assert.InRange(zeros / (double)dropped.Length, 0.24, 0.26);
        for (int i = 0; i < whole.Length; i++)
        {
            Assert.True(dropped[i] == 0f || Math.Abs(dropped[i] - (whole[i] / 0.75)) < 1e-6);
        }

        var reference = new AttentionReference(spans, options, Tokens, Tokens, Tokens) { Factor = Factor };
        (double[] dq, double[] dk, double[] dv) = reference.Backward(q.ToArray(), k.ToArray(), v.ToArray(), dy);
        TestTensors.Close(dq, q.Grad!.ToArray(), 2e-5);
        TestTensors.Close(dk, k.Grad!.ToArray(), 2e-5);
        TestTensors.Close(dv, v.Grad!.ToArray(), 2e-5);
    }

    [Fact]
    public void Calls_passes_heads_and_seeds_have_different_masks()
    {
        AttentionSpans spans = AttentionSpans.Bidirectional([40]);
        Tensor q = TestTensors.Random([40, 16], seed: 11);
        Tensor same = TestTensors.Of([40, 16], [.. Enumerable.Repeat(1f, 640)], DType.F32, null, 0, trained: false);
        var options = new AttentionOptions(2) { DropoutRate = 0.5f };
        var outputs = new List<float[]>();
        foreach ((ulong seed, ulong pass) in new[] { (1UL, 0UL), (1UL, 1UL), (2UL, 0UL) })
        {
            using Tape tape = Tape.Begin(record: false, dropout: new DropoutSource(new Rng(seed, RngStream.Dropout), pass));
            outputs.Add(Attention(q, same, same, spans, options).ToArray());
            outputs.Add(Attention(q, same, same, spans, options).ToArray());
        }

        Assert.Equal(outputs.Count, outputs.Select(y => string.Join(' ', y)).Distinct().Count());
        Assert.NotEqual(outputs[0][0], outputs[0][8]); // the two heads see the same numbers
    }

    [Fact]
    public void Results_do_not_depend_on_the_number_of_threads()
    {
        AttentionSpans spans = AttentionSpans.Causal([300, 48, 7, 200]);
        var options = new AttentionOptions(4) { KvHeads = 2, DropoutRate = 0.1f, Slopes = [0.5f, 0.25f, 0.1f, 0f] };
        float[][] expected = RunOn(TestTensors.Teams[0], spans, options, width: 12);
        foreach (CpuBackend team in TestTensors.Teams.Skip(1))
        {
            float[][] actual = RunOn(team, spans, options, width: 12);
            for (int i = 0; i < expected.Length; i++)
            {
                TestTensors.SameBits(expected[i], actual[i]);
            }
        }
    }

    [Theory]
    [InlineData(8)]
    [InlineData(12)]
    [InlineData(64)]
    [InlineData(80)]
    public void All_vector_widths_agree_with_the_scalar_twin(int width)
    {
        AttentionSpans spans = AttentionSpans.Causal([150, 1, 20]);
        var options = new AttentionOptions(2) { KvHeads = 1, DropoutRate = 0.1f, SoftCap = 20f, Slopes = [0.25f, 0.03f] };
        float[][] expected = RunOn(TestTensors.Widths[0], spans, options, width);
        foreach (CpuBackend backend in TestTensors.Widths.Skip(1))
        {
            float[][] actual = RunOn(backend, spans, options, width);
            for (int i = 0; i < expected.Length; i++)
            {
                TestTensors.Close(TestTensors.Double(expected[i]), actual[i], 2e-6);
            }
        }
    }

    [Fact]
    public void Columns_of_a_fused_projection_are_read_and_their_gradients_written_in_place()
    {
        AttentionSpans spans = AttentionSpans.Causal([20, 35]);
        var options = new AttentionOptions(4) { KvHeads = 2 };
        Tensor source = TestTensors.Random([55, 64], seed: 12, trained: true);
        float[] dy = TestTensors.Normal(55 * 32, seed: 13);
        float[] y;
        using (Tape tape = Tape.Begin())
        {
            Tensor[] parts = Split(Reshape(source, [55, 64]), 32, 16, 16);
            Tensor output = Attention(parts[0], parts[1], parts[2], spans, options);
            y = output.ToArray();
            tape.Backward(TestTensors.WeightedSum(output, dy));
        }

        float[] all = source.ToArray();
        float[] Columns(int start, int count) => [.. Enumerable.Range(0, 55).SelectMany(row => all.Skip((row * 64) + start).Take(count))];
        (float[] q, float[] k, float[] v) = (Columns(0, 32), Columns(32, 16), Columns(48, 16));
        var reference = new AttentionReference(spans, options, 55, 55, 8);
        TestTensors.Close(reference.Forward(q, k, v), y, 1e-5);
        (double[] dq, double[] dk, double[] dv) = reference.Backward(q, k, v, dy);
        all = source.Grad!.ToArray();
        TestTensors.Close(dq, Columns(0, 32), 1e-5);
        TestTensors.Close(dk, Columns(32, 16), 1e-5);
        TestTensors.Close(dv, Columns(48, 16), 1e-5);
    }

    [Fact]
    public void Gradients_add_up_over_two_uses_and_frozen_inputs_get_none()
    {
        AttentionSpans spans = AttentionSpans.Causal([30]);
        var options = new AttentionOptions(2);
        float[] dy = TestTensors.Normal(30 * 16, seed: 14);
        Tensor q = TestTensors.Random([30, 16], seed: 15);
        Tensor k = TestTensors.Random([30, 16], seed: 16);
        Tensor v = TestTensors.Random([30, 16], seed: 17);
        var reference = new AttentionReference(spans, options, 30, 30, 8);
        (double[] dq, double[] dk, double[] dv) = reference.Backward(q.ToArray(), k.ToArray(), v.ToArray(), dy);
        (Tensor Leaf, double[] Expected)[] cases = [(q, dq), (k, dk), (v, dv)];
        foreach ((Tensor leaf, double[] expected) in cases)
        {
            leaf.NeedsGrad = true;
            using (Tape tape = Tape.Begin())
            {
                Tensor first = Attention(q, k, v, spans, options);
                Tensor second = Attention(q, k, v, spans, options);
                tape.Backward(TestTensors.WeightedSum(Add(first, second), dy));
            }

            leaf.NeedsGrad = false;
            TestTensors.Close(Array.ConvertAll(expected, x => 2 * x), leaf.Grad!.ToArray(), 1e-5);
            Assert.Single(cases, c => c.Leaf.Grad is not null);
            leaf.Grad = null;
        }
    }

    [Fact]
    public void Keys_that_nobody_sees_are_never_read_and_get_zero_gradients()
    {
        // Two caches of 100 rows, 40 and 10 of them filled, and NaN in all others, which no query may touch.
        float[] k = [.. Enumerable.Repeat(float.NaN, 200 * 8)];
        TestTensors.Normal(40 * 8, seed: 18).CopyTo(k, 0);
        TestTensors.Normal(10 * 8, seed: 19).CopyTo(k, 800);
        var spans = new AttentionSpans([.. Spans(0, 12), .. Spans(100, 1)], [.. Counting(29, 12), 110]);
        Tensor q = TestTensors.Random([13, 8], seed: 20, trained: true);
        Tensor keys = TestTensors.Of([200, 8], k, DType.F32, null, 0, trained: true);
        Tensor values = TestTensors.Of([200, 8], k, DType.F32, null, 0, trained: true);
        float[] dy = TestTensors.Normal(13 * 8, seed: 21);
        float[] y;
        using (Tape tape = Tape.Begin())
        {
            Tensor output = Attention(q, keys, values, spans, new AttentionOptions(1));
            y = output.ToArray();
            tape.Backward(TestTensors.WeightedSum(output, dy));
        }

        var reference = new AttentionReference(spans, new AttentionOptions(1), 13, 200, 8);
        TestTensors.Close(reference.Forward(q.ToArray(), k, k), y, 1e-5);
        (double[] dq, double[] dk, double[] dv) = reference.Backward(q.ToArray(), k, k, dy);
        TestTensors.Close(dq, q.Grad!.ToArray(), 1e-5);
        TestTensors.Close(dk, keys.Grad!.ToArray(), 1e-5);
        TestTensors.Close(dv, values.Grad!.ToArray(), 1e-5);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Not_a_number_is_passed_on_rather_than_hidden(bool inKey)
    {
        Tensor q = TestTensors.Random([40, 8], seed: 22);
        Tensor k = TestTensors.Random([40, 8], seed: 23);
        (inKey ? k : q).Span[3 * 8] = float.NaN;
        Tensor v = TestTensors.Random([40, 8], seed: 34);
        Tensor y = Attention(q, k, v, AttentionSpans.Causal([40]), new AttentionOptions(1));
        Assert.All(y.Row(3).ToArray(), value => Assert.False(float.IsFinite(value)));
        Assert.All(y.Row(2).ToArray(), value => Assert.True(float.IsFinite(value)));
        y = Attention(q.RowRange(3, 1), k, v, new AttentionSpans([0], [9]), new AttentionOptions(1));
        Assert.All(y.ToArray(), value => Assert.False(float.IsFinite(value)));
    }

    [Fact]
    public void Cost_counts_the_recomputed_products_once()
    {
        AttentionSpans spans = AttentionSpans.Causal([4]);
        Tensor q = TestTensors.Random([4, 16], seed: 24, trained: true);
        Tensor k = TestTensors.Random([4, 16], seed: 25, trained: true);
        Tensor v = TestTensors.Random([4, 16], seed: 26, trained: true);
        using Tape tape = Tape.Begin();
        Attention(q, k, v, spans, new AttentionOptions(2));
        Backward node = Assert.Single(tape.Nodes);
        Assert.Equal(10, spans.PairCount);
        Assert.Equal(5 * 2 * 10 * 16, node.FlopsFor(q) + node.FlopsFor(k) + node.FlopsFor(v));
        q.NeedsGrad = false;
        Assert.Equal(4 * 2 * 10 * 16, node.FlopsFor(k) + node.FlopsFor(v));
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_named()
    {
        Tensor q = TestTensors.Random([4, 16], seed: 27);
        Tensor k = TestTensors.Random([4, 8], seed: 28);
        AttentionSpans four = AttentionSpans.Causal([4]);
        AttentionSpans five = AttentionSpans.Causal([5]);
        var options = new AttentionOptions(4) { KvHeads = 2 };
        Assert.Equal(q.Shape, Attention(q, k, k, four, options).Shape);
        Assert.Contains("5 queries", Throws(q, k, k, five, options), StringComparison.Ordinal);
        Assert.Contains("[..., 16]", Throws(q, k, k, four, new AttentionOptions(4)), StringComparison.Ordinal);
        Assert.Contains("cannot share 3", Throws(q, k, k, four, new AttentionOptions(4) { KvHeads = 3 }), StringComparison.Ordinal);
        Assert.Contains("cut into 5 heads", Throws(q, k, k, four, new AttentionOptions(5)), StringComparison.Ordinal);
        Assert.Contains("up to row 9", Throws(q, k, k, AttentionSpans.Cross([4], [9]), options), StringComparison.Ordinal);
        Assert.Contains("v has 5", Throws(q, k, TestTensors.Random([5, 8], seed: 29), four, options), StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Attention(q, k, k, four, options with { DropoutRate = 1.1f }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Attention(q, k, k, four, options with { SoftCap = float.NaN }));

        static string Throws(Tensor q, Tensor k, Tensor v, AttentionSpans spans, AttentionOptions options) =>
            Assert.Throws<ShapeException>(() => Attention(q, k, v, spans, options)).Message;
    }

    private static void Check(AttentionSpans spans, AttentionOptions options, int width, double tolerance = 2e-5)
    {
        float[][] actual = RunOn(CpuBackend.Shared, spans, options, width);
        int keys = spans.KeyCount + 3;
        (float[] q, float[] k, float[] v, float[] dy) = Inputs(spans.QueryCount, keys, options, width);
        var reference = new AttentionReference(spans, options, spans.QueryCount, keys, width);
        TestTensors.Close(reference.Forward(q, k, v), actual[0], tolerance);
        (double[] dq, double[] dk, double[] dv) = reference.Backward(q, k, v, dy);
        TestTensors.Close(dq, actual[1], tolerance);
        TestTensors.Close(dk, actual[2], tolerance);
        TestTensors.Close(dv, actual[3], tolerance);
    }

    // Rows lie apart with NaN in between, three more keys follow than any query sees.
    private static float[][] RunOn(CpuBackend backend, AttentionSpans spans, AttentionOptions options, int width)
    {
        int keys = spans.KeyCount + 3;
        (float[] q, float[] k, float[] v, float[] dy) = Inputs(spans.QueryCount, keys, options, width);
        Tensor[] leaves =
        [
            TestTensors.Of([spans.QueryCount, options.Heads * width], q, DType.F32, backend, 5, trained: true),
            TestTensors.Of([keys, options.KvHeads * width], k, DType.F32, backend, 3, trained: true),
            TestTensors.Of([keys, options.KvHeads * width], v, DType.F32, backend, 1, trained: true),
        ];
        using Tape tape = Tape.Begin(dropout: new DropoutSource(new Rng(3, RngStream.Dropout), pass: 1), backend: backend);
        Tensor y = Attention(leaves[0], leaves[1], leaves[2], spans, options);
        float[] output = y.ToArray();
        tape.Backward(TestTensors.WeightedSum(y, dy));
        return [output, .. leaves.Select(leaf => leaf.Grad!.ToArray())];
    }

    private static (float[] Q, float[] K, float[] V, float[] Dy) Inputs(int queries, int keys, AttentionOptions options, int width) =>
        (TestTensors.Normal((long)queries * options.Heads * width, seed: 30),
            TestTensors.Normal((long)keys * options.KvHeads * width, seed: 31),
            TestTensors.Normal((long)keys * options.KvHeads * width, seed: 32),
            TestTensors.Normal((long)queries * options.Heads * width, seed: 33));

    private static int[] Spans(int start, int count) => [.. Enumerable.Repeat(start, count)];

    private static int[] Counting(int first, int count) => [.. Enumerable.Range(first, count)];
}
