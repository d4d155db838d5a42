namespace Hieno.Advice.Rules;

/// <summary>Whether blocks should be computed twice to save memory.</summary>
internal sealed class CheckpointingRule : IAdviceRule
{
    public Recommendation? Advise(AdviceFacts facts)
    {
        bool isOn = facts.Recipe.Training.GradientCheckpointing;
        int batch = facts.Recipe.Training.BatchSize;
        if (isOn || facts.Fits(facts.Run.Method, batch, checkpointing: false))
        {
            return null;
        }

        bool helps = facts.Fits(facts.Run.Method, batch, checkpointing: true);
        return new Recommendation(
            "training.gradientCheckpointing", "false", "true",
            helps ? "the activations of all blocks do not fit into what is free; each block's input alone does" : "even so it does not fit: take a smaller base, or shorten rows with 'data.maxLength'",
            "Chen et al. 2016 (1604.06174), section 4")
        {
            Change = recipe => recipe with { Training = recipe.Training with { GradientCheckpointing = true } },
        };
    }
}
