using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>Attention among the vectors of each row: projections to queries, keys and values, and one of the result.</summary>
/// <remarks>Vaswani et al. 2017, <see href="https://arxiv.org/abs/1706.03762"/>, section 3.2.</remarks>
public sealed class SelfAttention : Module
{
    private readonly Func<Tensor, (Tensor Q, Tensor K, Tensor V)> _project;
    private readonly Linear _output;
    private readonly AttentionSite _attend;

    /// <summary>Attention with three projections.</summary>
    /// <param name="w">Its place in the checkpoint.</param>
    /// <param name="index">Number of the block.</param>
    /// <param name="options">Heads, scale, dropout.</param>
    /// <param name="query">The projection of queries.</param>
    /// <param name="key">The projection of keys.</param>
    /// <param name="value">The projection of values.</param>
    /// <param name="output">The projection of what attention gives.</param>
    public SelfAttention(WeightScope w, int index, AttentionOptions options, Linear query, Linear key, Linear value, Linear output)
        : this(w, index, options, [query, key, value], output, x => (query.Forward(x), key.Forward(x), value.Forward(x)), x => (key.Forward(x), value.Forward(x)))
    {
    }

    /// <summary>Attention with one projection to queries, keys and values beside each other.</summary>
    /// <param name="w">Its place in the checkpoint.</param>
    /// <param name="index">Number of the block.</param>
    /// <param name="options">Heads, scale, dropout.</param>
    /// <param name="queryKeyValue">The projection.</param>
    /// <param name="output">The projection of what attention gives.</param>
    public SelfAttention(WeightScope w, int index, AttentionOptions options, Linear queryKeyValue, Linear output)
        : this(w, index, options, [queryKeyValue], output, x => Cut(queryKeyValue, x), x => (Cut(queryKeyValue, x).K, Cut(queryKeyValue, x).V))
    {
    }

    private SelfAttention(
        WeightScope w, int index, AttentionOptions options, Linear[] inputs, Linear output, Func<Tensor, (Tensor, Tensor, Tensor)> project, Func<Tensor, (Tensor, Tensor)> keysAndValues)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        _project = project;
        Array.ForEach(inputs, layer => Add(layer));
        _output = Add(output);
        _attend = Add(new AttentionSite(w, index, inputs[0].In, options, keysAndValues));
    }

    /// <summary>Attends.</summary>
    /// <param name="x">[N, C].</param>
    /// <param name="batch">The rows.</param>
    /// <param name="spans">What each vector sees.</param>
    /// <returns>[N, C].</returns>
    public Tensor Forward(Tensor x, TokenBatch batch, AttentionSpans spans)
    {
        (Tensor q, Tensor k, Tensor v) = _project(x);
        return _output.Forward(_attend.Run(batch, q, k, v, spans));
    }

    /// <summary>Attends within windows.</summary>
    /// <param name="x">[N, C].</param>
    /// <param name="bias">What is added to the scores, [heads, L, L].</param>
    /// <param name="windows">The windows, of L rows.</param>
    /// <returns>[N, C].</returns>
    public Tensor Forward(Tensor x, Tensor bias, WindowSpans windows)
    {
        (Tensor q, Tensor k, Tensor v) = _project(x);
        return _output.Forward(_attend.RunWindows(q, k, v, bias, windows));
    }

    private static (Tensor Q, Tensor K, Tensor V) Cut(Linear queryKeyValue, Tensor x)
    {
        int width = queryKeyValue.Out / 3;
        Tensor[] parts = Ops.Split(queryKeyValue.Forward(x), width, width, width);
        return (parts[0], parts[1], parts[2]);
    }
}
