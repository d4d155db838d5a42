namespace Hieno.Advice.Rules;

/// <summary>How many rows a step reads, and how many of them go through the model together.</summary>
internal sealed class BatchSizeRule : IAdviceRule
{
    private const int FewRows = 2_000;

    public Recommendation? Advise(AdviceFacts facts)
    {
        (int least, int most) = facts.Run.Rows.Train < FewRows ? (8, 16) : (16, 32);
        most = Math.Clamp(facts.Run.Rows.Train / 4, 1, most); // at least four steps an epoch
        least = Math.Min(least, most);
        int rows = (int)Math.Clamp(facts.Run.RowsPerStep, least, most);
        int batch = facts.Recipe.Training.Accumulation > 1 ? Math.Min(rows, facts.Recipe.Training.BatchSize) : rows;
        bool Fits(int size) => facts.Fits(facts.Run.Method, size, facts.Recipe.Training.GradientCheckpointing);
        while (batch > 1 && !Fits(batch) && Fits(1))
        {
            batch /= 2;
        }

        int accumulation = (rows + batch - 1) / batch;
        bool isFollowed = batch == facts.Recipe.Training.BatchSize && accumulation == facts.Recipe.Training.Accumulation;
        string reason = facts.Run.Rows.Train < FewRows
            ? FormattableString.Invariant($"{facts.Run.Rows.Train} rows give enough steps only in small batches; {least} to {most} rows a step are usual")
            : FormattableString.Invariant($"{least} to {most} rows a step are usual for {facts.Run.Rows.Train} rows");
        return new Recommendation(
            "training.batchSize", Text(facts.Recipe.Training.BatchSize, facts.Recipe.Training.Accumulation), isFollowed ? FormattableString.Invariant($"{least} to {most}") : Text(batch, accumulation), reason,
            "Devlin et al. 2018 (1810.04805), appendix A.3: 16, 32; for few rows and memory [D] ours")
        {
            Change = isFollowed ? null : recipe => recipe with { Training = recipe.Training with { BatchSize = batch, Accumulation = accumulation } },
        };
    }

    private static string Text(int batch, int accumulation) => accumulation == 1 ? FormattableString.Invariant($"{batch}") : FormattableString.Invariant($"{batch} × {accumulation}");
}
