namespace Hieno.Tensors.Tests.Ops;

/// <summary>Attention written down as in the papers, in double precision, one query and one key at a time.</summary>
internal sealed class AttentionReference(AttentionSpans spans, AttentionOptions options, int queries, int keys, int width)
{
    private readonly double _scale = options.Scale ?? 1.0 / Math.Sqrt(width);

    /// <summary>What is added to the score of (head, pair); nothing unless set.</summary>
    public float[]? Bias { get; init; }

    /// <summary>The factor of dropout of (head, query, key); 1 everywhere unless set.</summary>
    public Func<int, int, int, double> Factor { get; init; } = (_, _, _) => 1.0;

    public double[] Forward(float[] q, float[] k, float[] v)
    {
        double[] y = new double[(long)queries * options.Heads * width];
        ForEachRow((head, query) =>
        {
            double[] p = Probabilities(q, k, head, query, out _);
            for (int key = spans.Start[query]; key < spans.End[query]; key++)
            {
                for (int d = 0; d < width; d++)
                {
                    y[QueryAt(query, head) + d] += p[key] * Factor(head, query, key) * v[KeyAt(key, head) + d];
                }
            }
        });
        return y;
    }

    public (double[] Dq, double[] Dk, double[] Dv) Backward(float[] q, float[] k, float[] v, float[] dy) => BackwardWithBias(q, k, v, dy) is var (dq, dk, dv, _) ? (dq, dk, dv) : default;

    public (double[] Dq, double[] Dk, double[] Dv, double[] Dbias) BackwardWithBias(float[] q, float[] k, float[] v, float[] dy)
    {
        double[] dbias = new double[options.Heads * spans.PairCount];
        double[] dq = new double[q.Length];
        double[] dk = new double[k.Length];
        double[] dv = new double[v.Length];
        ForEachRow((head, query) =>
        {
            double[] p = Probabilities(q, k, head, query, out double[] slopes);
            double[] dp = new double[keys];
            double mean = 0;
            for (int key = spans.Start[query]; key < spans.End[query]; key++)
            {
                for (int d = 0; d < width; d++)
                {
                    double factor = Factor(head, query, key);
                    dv[KeyAt(key, head) + d] += p[key] * factor * dy[QueryAt(query, head) + d];
                    dp[key] += factor * v[KeyAt(key, head) + d] * dy[QueryAt(query, head) + d];
                }

                mean += p[key] * dp[key];
            }

            for (int key = spans.Start[query]; key < spans.End[query]; key++)
            {
                double ds = p[key] * (dp[key] - mean) * slopes[key];
                dbias[(head * spans.PairCount) + spans.PairStart[query] + key - spans.Start[query]] = ds;
                ds *= _scale;
                for (int d = 0; d < width; d++)
                {
                    dq[QueryAt(query, head) + d] += ds * k[KeyAt(key, head) + d];
                    dk[KeyAt(key, head) + d] += ds * q[QueryAt(query, head) + d];
                }
            }
        });
        return (dq, dk, dv, dbias);
    }

    private int QueryAt(int query, int head) => ((query * options.Heads) + head) * width;

    private int KeyAt(int key, int head) => ((key * options.KvHeads) + (head / (options.Heads / options.KvHeads))) * width;

    private void ForEachRow(Action<int, int> body)
    {
        for (int head = 0; head < options.Heads; head++)
        {
            for (int query = 0; query < queries; query++)
            {
                body(head, query);
            }
        }
    }

    private double[] Probabilities(float[] q, float[] k, int head, int query, out double[] slopes)
    {
        double[] p = new double[keys];
        slopes = new double[keys];
        double max = double.NegativeInfinity;
        for (int key = spans.Start[query]; key < spans.End[query]; key++)
        {
            double score = 0;
            for (int d = 0; d < width; d++)
            {
                score += (double)q[QueryAt(query, head) + d] * k[KeyAt(key, head) + d];
            }

            score *= _scale;
            score += Bias?[(head * spans.PairCount) + spans.PairStart[query] + key - spans.Start[query]] ?? 0f;
            score -= (options.Slopes?[head] ?? 0f) * (double)(spans.End[query] - 1 - key);
            slopes[key] = 1;
            if (options.SoftCap > 0)
            {
                double tanh = Math.Tanh(score / options.SoftCap);
                (score, slopes[key]) = (options.SoftCap * tanh, 1 - (tanh * tanh));
            }

            p[key] = score;
            max = Math.Max(max, score);
        }

        double sum = 0;
        for (int key = spans.Start[query]; key < spans.End[query]; key++)
        {
            p[key] = Math.Exp(p[key] - max);
            sum += p[key];
        }

        for (int key = spans.Start[query]; key < spans.End[query]; key++)
        {
            p[key] /= sum;
        }

        return p;
    }
}
