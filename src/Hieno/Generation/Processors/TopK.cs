namespace Hieno.Generation.Processors;

/// <summary>Keeps the k largest logits, and those equal to the k-th.</summary>
/// <param name="count">k, at least 1; the whole vocabulary where it is smaller.</param>
/// <remarks>Fan, Lewis and Dauphin 2018, <see href="https://arxiv.org/abs/1805.04833"/>, section 5.4.</remarks>
public sealed class TopK(int count) : ILogitsProcessor
{
    private readonly PriorityQueue<float, float> _largest = new(); // the k largest so far, the smallest of them on top

    /// <inheritdoc/>
    public void Process(TokenHistory history, Span<float> logits)
    {
        if (count >= logits.Length)
        {
            return;
        }

        _largest.Clear();
        foreach (float logit in logits[..count])
        {
            _largest.Enqueue(logit, logit);
        }

        for (int id = Logits.NextAbove(logits, count, _largest.Peek()); id < logits.Length; id = Logits.NextAbove(logits, id + 1, _largest.Peek()))
        {
            _largest.DequeueEnqueue(logits[id], logits[id]);
        }

        Logits.KeepFrom(logits, _largest.Peek());
    }
}
