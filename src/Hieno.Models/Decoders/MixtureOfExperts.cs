using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Decoders;

/// <summary>How a mixture of experts is built, and what its checkpoints call the parts below a block.</summary>
public sealed record ExpertSettings
{
    /// <summary>Number of experts.</summary>
    public required int Count { get; init; }

    /// <summary>Experts that each token goes through.</summary>
    public required int PerToken { get; init; }

    /// <summary>Width between an expert's layers.</summary>
    public required int Hidden { get; init; }

    /// <summary>True where the weights of a token's experts add up to 1; false where they stay parts of those of all experts.</summary>
    public required bool Renormalises { get; init; }

    /// <summary>Factor of the loss that keeps experts equally loaded; 0 for none.</summary>
    public required float BalanceWeight { get; init; }

    /// <summary>Width between the layers of an expert that all tokens go through; null (default) where there is none.</summary>
    public int? SharedHidden { get; init; }

    /// <summary>Where the mixture lies.</summary>
    public required string Path { get; init; }

    /// <summary>An expert's gate, up and down layers.</summary>
    public (string Gate, string Up, string Down) Names { get; init; } = ("gate_proj", "up_proj", "down_proj");
}

/// <summary>Feed-forward layers of which each token goes through a few: a router weighs them, and the outputs of the heaviest are added up.</summary>
/// <remarks>Jiang et al. 2024, <see href="https://arxiv.org/abs/2401.04088"/>, section 2.1; shared expert: Dai et al. 2024, <see href="https://arxiv.org/abs/2401.06066"/>, section 3.2.</remarks>
public sealed class MixtureOfExperts : FeedForward
{
    private readonly ExpertSettings _experts;
    private readonly int _layer;
    private readonly Linear _router;
    private readonly GatedFeedForward[] _layers;
    private readonly GatedFeedForward? _shared;
    private readonly Linear? _sharedGate;

    /// <summary>Takes the router <c>gate</c>, <c>experts.e</c> and, where there is one, <c>shared_expert</c> from the block at <paramref name="block"/>.</summary>
    /// <param name="settings">The decoder.</param>
    /// <param name="experts">The mixture.</param>
    /// <param name="block">The block.</param>
    /// <param name="layer">Its number.</param>
    public MixtureOfExperts(DecoderSettings settings, ExpertSettings experts, WeightScope block, int layer)
        : base((block ?? throw new ArgumentNullException(nameof(block))).At((experts ?? throw new ArgumentNullException(nameof(experts))).Path).Path)
    {
        ArgumentNullException.ThrowIfNull(settings);
        (_experts, _layer) = (experts, layer);
        WeightScope w = block.At(experts.Path).As(ParameterKind.FeedForward);
        _router = Add(new Linear(w.At("gate"), settings.Width, experts.Count, settings.Normal, bias: false));
        _layers = [.. Enumerable.Range(0, experts.Count).Select(e => Add(new GatedFeedForward(settings, w.At($"experts.{e}"), experts.Names, experts.Hidden)))];
        if (experts.SharedHidden is { } hidden)
        {
            _shared = Add(new GatedFeedForward(settings, w.At("shared_expert"), experts.Names, hidden));
            _sharedGate = Add(new Linear(w.At("shared_expert_gate"), settings.Width, 1, settings.Normal, bias: false));
        }
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(batch);
        (int tokens, int count, int perToken) = (x.Rows, _experts.Count, _experts.PerToken);
        Tensor logits = _router.Forward(x); // [N, E]
        if (_experts.BalanceWeight > 0f)
        {
            logits = Ops.PenalizedLogits(logits, () => batch.Routers.SlopesOf(_layer));
        }

        Tensor probabilities = Ops.Softmax(logits);
        float[] known = probabilities.ToArray();
        int[] chosen = Heaviest(known, count, perToken); // token · K + rank → expert
        if (_experts.BalanceWeight > 0f)
        {
            batch.Routers.Set(_layer, new RouterLoad(known, chosen, count));
        }

        int[] places = [.. Enumerable.Range(0, chosen.Length).Select(i => (i / perToken * count) + chosen[i])];
        Tensor source = _experts.Renormalises ? logits : probabilities;
        Tensor weights = Ops.Reshape(Ops.Rows(Ops.Reshape(source, [tokens * count, 1]), places), [tokens, perToken]);
        weights = _experts.Renormalises ? Ops.Softmax(weights) : weights; // the same as dividing their probabilities by the sum of these
        Tensor y = Mixed(x, chosen, Ops.Reshape(weights, [tokens * perToken, 1]));
        return _shared is null ? y : Ops.Add(y, Ops.ScaleRows(_shared.Forward(x), Ops.Activate(_sharedGate!.Forward(x), Activation.Sigmoid)));
    }

    // Each expert reads its tokens' vectors together; a token's outputs are added in the order of its experts' weights.
    private Tensor Mixed(Tensor x, int[] chosen, Tensor weights)
    {
        int perToken = _experts.PerToken;
        var outputs = new List<Tensor>(_layers.Length);
        int[] at = new int[chosen.Length];
        int next = 0;
        for (int e = 0; e < _layers.Length; e++)
        {
            int[] slots = [.. Enumerable.Range(0, chosen.Length).Where(slot => chosen[slot] == e)];
            if (slots.Length == 0)
            {
                continue; // no token came here: its weights get no gradient in this pass
            }

            int[] tokens = Array.ConvertAll(slots, slot => slot / perToken);
            outputs.Add(Ops.ScaleRows(RunExpert(_layers[e], Ops.Rows(x, tokens), tokens), Ops.Rows(weights, slots)));
            foreach (int slot in slots)
            {
                at[slot] = next++;
            }
        }

        Tensor all = Ops.Concatenate(outputs);
        Tensor? y = null;
        for (int rank = 0; rank < perToken; rank++)
        {
            Tensor part = Ops.Rows(all, [.. Enumerable.Range(0, chosen.Length / perToken).Select(token => at[(token * perToken) + rank])]);
            y = y is null ? part : Ops.Add(y, part);
        }

        return y!;
    }

    // Where each row has an adapter of its own, an expert's tokens take theirs along.
    private static Tensor RunExpert(GatedFeedForward expert, Tensor x, int[] tokens) =>
        AdapterRouting.Current is { } routing ? routing.Only(tokens).Run(() => expert.Forward(x)) : expert.Forward(x);

    // The experts of each token by falling probability; of equal ones the first.
    private static int[] Heaviest(float[] probabilities, int count, int perToken)
    {
        int[] chosen = new int[probabilities.Length / count * perToken];
        for (int token = 0; token < probabilities.Length / count; token++)
        {
            float[] own = probabilities[(token * count)..((token + 1) * count)];
            int[] order = [.. Enumerable.Range(0, count).OrderByDescending(e => own[e]).Take(perToken)];
            order.CopyTo(chosen, token * perToken);
        }

        return chosen;
    }
}
