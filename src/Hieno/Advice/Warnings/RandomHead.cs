using Hieno.Recipes;

namespace Hieno.Advice.Warnings;

/// <summary>A random output layer beside a body that learns at the same rate from the first step: its first gradients bend the pretrained features.</summary>
/// <remarks>Kumar et al. 2022, <see href="https://arxiv.org/abs/2202.10054"/>, section 3. That a tenth of the body makes the difference, and that a warm-up counts as a remedy, is Hieno's own rule.</remarks>
internal sealed class RandomHead : IRunWarning
{
    private const double LargePart = 0.1;

    public string Id => "random-head";

    public string? Check(RunFacts facts)
    {
        Training.TrainingOptions training = facts.Recipe.Training;
        bool isGentle = training.Probe is not null || training.Unfreeze is not null || training.HeadFactor > 1 || training.LayerDecay < 1
            || training.Rates.Count > 0 || facts.WarmupSteps > 0;
        return facts.Recipe.Start == Start.Random || !facts.HeadIsNew || facts.BodyShare < LargePart || isGentle ? null
            : "the output layer starts at random, and the pretrained body learns beside it at the same rate from the first step, which bends its features. "
                + "Set 'training.warmupRatio: 0.1', 'training.headFactor: 10', or 'training.probe: {}'";
    }
}
