namespace Hieno.Advice;

/// <summary>How many passes over so many rows are usual in fine-tuning.</summary>
/// <param name="Least">The fewest.</param>
/// <param name="Most">The most.</param>
/// <param name="Source">Where the numbers come from.</param>
internal sealed record EpochRange(int Least, int Most, string Source)
{
    /// <summary>The range for a number of training rows.</summary>
    public static EpochRange Of(int rows) => rows switch
    {
        < 2_000 => new(10, 20, "Mosbach et al. 2020 (2006.04884), section 6: 20 passes over small sets; Zhou et al. 2023 (2305.11206): 15 over 1,000 rows; the bound of 2,000 rows is [D] ours"),
        < 20_000 => new(3, 10, "[D] ours, between the two neighbouring ranges"),
        < 200_000 => new(2, 4, "Devlin et al. 2018 (1810.04805), appendix A.3: 2 to 4 passes; the bounds in rows are [D] ours"),
        _ => new(1, 2, "[D] ours"),
    };
}
