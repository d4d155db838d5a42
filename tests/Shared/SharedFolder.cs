namespace Hieno.Tests.Shared;

/// <summary>Finds the folder of reference files that may lie beside the repository.</summary>
internal static class SharedFolder
{
    /// <summary>The path of <paramref name="relative"/> under the shared folder; skips the test, with a message, where the folder is absent.</summary>
    public static string Require(string relative)
    {
        string root = Path.GetFullPath(Path.Combine(RepositoryRoot, "..", "shared"));
        Skip.IfNot(Directory.Exists(root), $"The folder 'shared' beside the repository is absent; this test reads {relative} there.");
        string path = Path.Combine(root, relative);
        Assert.True(File.Exists(path) || Directory.Exists(path), $"'shared' is there, but {relative} is not.");
        return path;
    }

    /// <summary>The root of the repository: the nearest folder above the test binaries that holds Hieno.slnx.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Hieno.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("No folder above the test binaries holds Hieno.slnx.");
    }
}
