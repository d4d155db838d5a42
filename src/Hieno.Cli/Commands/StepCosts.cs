using System.Text.Json.Nodes;
using Hieno.Models;
using Hieno.Models.Heads;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Cli.Commands;

/// <summary>What <c>hieno inspect --tokens N</c> shows: the floating-point operations of a training step on one row of N tokens.</summary>
internal sealed class StepCosts
{
    private readonly StepCost _cost;
    private readonly TunedModel _tuned;
    private readonly HashSet<Tensor> _learning;
    private readonly int _tokens;

    /// <summary>Runs the row once.</summary>
    /// <param name="learning">The weights that learn.</param>
    /// <param name="tuned">The model.</param>
    /// <param name="tokens">N.</param>
    /// <exception cref="UsageException">The row does not fit the model.</exception>
    public StepCosts(IEnumerable<Tensor> learning, TunedModel tuned, int tokens)
    {
        TextModel model = tuned.Model as TextModel ?? throw new UsageException("--tokens: this model reads pictures, not tokens.");
        if (tokens < 1 || tokens > model.Backbone.MaxTextLength)
        {
            throw new UsageException($"--tokens: a row of {tokens} tokens does not fit this model. Give 1 to {model.Backbone.MaxTextLength}.");
        }

        (_learning, _tuned, _tokens) = ([.. learning], tuned, tokens);
        using Tape trace = Tape.BeginTrace(backend: model.Backbone.TokenTable.Value.Backend);
        Compute(model, new TokenBatch(new int[tokens], [tokens]));
        _cost = new StepCost(trace);
    }

    public void Write(TextWriter output)
    {
        var table = new TextColumns("operation", ">times", ">forward", ">backward");
        foreach ((string operation, int count, long forward, long backward) in _cost.OfOperations(_learning).Where(item => item.Forward + item.Backward > 0))
        {
            table.Add(operation, Figures.Count(count), Figures.Operations(forward), Figures.Operations(backward));
        }

        StepFlops flops = _cost.Of(_learning);
        table.Add("all", string.Empty, Figures.Operations(flops.Forward), Figures.Operations(flops.Backward));
        output.WriteLine($"floating-point operations of a step on a row of {Figures.Count(_tokens)} tokens, {Figures.Operations(flops.Weights)} of them for gradients of weights");
        output.WriteLine();
        table.Write(output);
    }

    public JsonObject ToJson()
    {
        StepFlops flops = _cost.Of(_learning);
        IReadOnlyDictionary<Tensor, long> weights = _cost.OfWeights(_learning);
        return new JsonObject
        {
            ["tokens"] = _tokens,
            ["forward"] = flops.Forward,
            ["passingGradientsOn"] = flops.Passed,
            ["weightGradients"] = new JsonObject(TunedModel.AllParameters(_tuned.Model)
                .Where(parameter => weights.ContainsKey(parameter.Value))
                .Select(parameter => KeyValuePair.Create(parameter.Name, (JsonNode?)weights[parameter.Value]))),
        };
    }

    // As training computes it: a language model never holds all its logits.
    private static void Compute(TextModel model, TokenBatch batch)
    {
        if (model.LanguageHead is { } head)
        {
            head.Loss(model.Backbone.Forward(batch), new int[batch.Ids.Length]);
        }
        else
        {
            Ops.Sum(model.Classify(batch));
        }
    }
}
