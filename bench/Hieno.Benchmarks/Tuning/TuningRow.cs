namespace Hieno.Benchmarks.Tuning;

/// <summary>A way of tuning, as the flags that choose it.</summary>
/// <param name="Group">Rows of one group stand together.</param>
/// <param name="Name">What the table calls it.</param>
/// <param name="Flags">Settings of <c>hieno train</c>, parted by spaces; <c>{full}</c> stands for the model that the row "full" made with the first seed.</param>
/// <param name="Rates">The learning rates that are tried, equally many for each row.</param>
/// <param name="Only">The task it is for, or null for every task.</param>
internal sealed record TuningRow(string Group, string Name, string Flags, IReadOnlyList<double> Rates, string? Only = null)
{
    /// <summary>The row that the flag <c>{full}</c> refers to.</summary>
    public const string Full = "full";

    private const string FullFolder = "{full}";

    /// <summary>A name for folders.</summary>
    public string Key { get; } = string.Join('-', Name.ToLowerInvariant().Split([' ', ',', '(', ')', '+', '/'], StringSplitOptions.RemoveEmptyEntries));

    /// <summary>True where a tuned model of the row "full" must be there first.</summary>
    public bool NeedsFull => Flags.Contains(FullFolder, StringComparison.Ordinal);

    /// <summary>The flags as arguments.</summary>
    /// <param name="full">The folder of the row "full".</param>
    public string[] Arguments(string full) => Flags.Replace(FullFolder, full, StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
