namespace Hieno.Benchmarks.Machine;

/// <summary>Finds the checkout this program was built in: the peers' scripts and the results lie there.</summary>
internal static class Repository
{
    /// <summary>The folder <c>bench</c> of the checkout.</summary>
    /// <exception cref="BenchmarkException">The program was copied elsewhere.</exception>
    public static string Bench
    {
        get
        {
            for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "Hieno.slnx")))
                {
                    return Path.Combine(folder.FullName, "bench");
                }
            }

            throw new BenchmarkException(
                ExitCode.Usage,
                $"Repository: no folder above {AppContext.BaseDirectory} holds Hieno.slnx. Run the benchmarks from a checkout, with `dotnet run`.");
        }
    }
}
