using Hieno.Recipes;
using Hieno.Tuning;

namespace Hieno.Advice.Rules;

/// <summary>Whether all weights, the output layer alone, or an adapter should learn.</summary>
internal sealed class MethodRule : IAdviceRule
{
    private const int FewRows = 2_000;
    private const long ManyWeights = 1_000_000_000;

    public Recommendation? Advise(AdviceFacts facts)
    {
        (string method, string reason, string source) = Choose(facts);
        bool isFollowed = method == facts.Run.Method || (method == "full" && facts.Recipe.Tuning is PartialOptions); // how much of it: the next rule
        return new Recommendation("tuning", facts.Run.Method, isFollowed ? facts.Run.Method : method, reason, source)
        {
            Change = isFollowed ? null : recipe => recipe with { Tuning = OptionsOf(method), Training = recipe.Training with { LearningRate = null } },
        };
    }

    private static (string Method, string Reason, string Source) Choose(AdviceFacts facts)
    {
        RunFacts run = facts.Run;
        int batch = facts.Recipe.Training.BatchSize;
        if (facts.Recipe.Start == Start.Random)
        {
            return ("full", "the weights start at random, so all of them have to learn", "[D] ours");
        }

        if (facts.Recipe.Tuning is not (FullOptions or PartialOptions or HeadOptions or LoRAOptions))
        {
            return (run.Method, $"'{run.Method}' was chosen on purpose: the choice made here is between full, partial, head and lora", "[D] ours");
        }

        if (!facts.Fits("full", batch, checkpointing: true))
        {
            return ("lora", "all weights with their gradients and the optimizer's memory do not fit into what is free", "Hu et al. 2021 (2106.09685), section 4.2: a third and less of the memory");
        }

        if (run.Weights >= ManyWeights)
        {
            return ("lora", FormattableString.Invariant($"of {run.Weights:N0} weights, low-rank updates learn about as much as all"), "Hu et al. 2021 (2106.09685), section 5; the bound of 10^9 weights is [D] ours");
        }

        return run is { IsLanguage: false } && facts.Similarity is { Score: >= Similarity.High } similarity && run.Rows.Train < FewRows
            ? ("head", FormattableString.Invariant($"the base's features separate the rows already (similarity {similarity.Score:0.00}), and {run.Rows.Train} rows would rather bend than better them"), "Kumar et al. 2022 (2202.10054), section 3; the bounds are [D] ours")
            : ("full", Full(facts), "[D] ours: docs/experiments.md, where full tuning of small models is ahead of lora and head");
    }

    private static string Full(AdviceFacts facts) => facts.Similarity is { } similarity && facts.Run.Rows.Train < FewRows
        ? FormattableString.Invariant($"the base knows only a part of the task (similarity {similarity.Score:0.00}), so its weights have to change, and they fit into memory")
        : FormattableString.Invariant($"{facts.Run.Rows.Train} rows can teach all of {facts.Run.Weights:N0} weights, and they fit into memory");

    private static TuningOptions OptionsOf(string method) => method switch
    {
        "head" => new HeadOptions(),
        "lora" => new LoRAOptions { Targets = [LayerTargets.AllLinear] },
        _ => new FullOptions(),
    };
}
