namespace Hieno.Models.Decoders;

/// <summary>What one layer's router did with a batch.</summary>
internal sealed class RouterLoad
{
    /// <summary>Adds up over tokens.</summary>
    /// <param name="probabilities">[N · E].</param>
    /// <param name="chosen">The experts that were taken.</param>
    /// <param name="experts">Their number E.</param>
    public RouterLoad(float[] probabilities, int[] chosen, int experts)
    {
        (Tokens, Taken, Probability) = (probabilities.Length / experts, new double[experts], new double[experts]);
        Array.ForEach(chosen, expert => Taken[expert]++);
        for (int i = 0; i < probabilities.Length; i++)
        {
            Probability[i % experts] += probabilities[i];
        }
    }

    /// <summary>Number of tokens.</summary>
    public int Tokens { get; }

    /// <summary>How often each expert was taken.</summary>
    public double[] Taken { get; }

    /// <summary>The sum of each expert's probabilities.</summary>
    public double[] Probability { get; }
}

/// <summary>What all routers did with a batch, and the loss that keeps experts equally loaded: w · E · Σₑ fₑ · pₑ with fₑ the times expert e was taken and pₑ its probability, both as means over the tokens of all layers.</summary>
/// <remarks>Fedus et al. 2021, <see href="https://arxiv.org/abs/2101.03961"/>, section 2.2, equations 4 to 6; over all layers together as in the usual Python library.</remarks>
internal sealed class RouterLoads
{
    private readonly SortedDictionary<int, RouterLoad> _layers = [];
    private float _weight;

    /// <summary>Takes what a layer did, in place of what it did before.</summary>
    public void Set(int layer, RouterLoad load) => _layers[layer] = load;

    /// <summary>The loss, to be differentiated with this weight when the backward pass comes by.</summary>
    /// <param name="weight">w.</param>
    public float Balance(float weight)
    {
        _weight = weight;
        if (_layers.Count == 0)
        {
            return 0f;
        }

        double tokens = _layers.Values.Sum(load => (double)load.Tokens);
        int experts = _layers.Values.First().Taken.Length;
        double sum = 0;
        for (int e = 0; e < experts; e++)
        {
            sum += _layers.Values.Sum(load => load.Taken[e]) / tokens * (_layers.Values.Sum(load => load.Probability[e]) / tokens);
        }

        return (float)(weight * experts * sum);
    }

    /// <summary>The loss's derivative with respect to each probability of each expert in any layer; null where it is not part of the loss.</summary>
    public float[]? SlopesOf(int layer)
    {
        if (_weight == 0f || !_layers.TryGetValue(layer, out RouterLoad? own))
        {
            return null;
        }

        double tokens = _layers.Values.Sum(load => (double)load.Tokens);
        return [.. own.Taken.Select((_, e) => (float)(_weight * own.Taken.Length * _layers.Values.Sum(load => load.Taken[e]) / tokens / tokens))];
    }
}
