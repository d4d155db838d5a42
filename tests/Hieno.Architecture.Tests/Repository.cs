using System.Xml.Linq;
using Hieno.Tests.Shared;

namespace Hieno.Architecture.Tests;

/// <summary>The repository's files, as the architecture tests read them.</summary>
internal static class Repository
{
    // What builds and runs leave behind; .gitignore has the same list.
    private static readonly HashSet<string> s_left = new(StringComparer.Ordinal) { ".git", "artifacts", "bin", "obj", "runs", ".vs", ".idea", "TestResults", "node_modules" };

    /// <summary>The folder that holds Hieno.slnx.</summary>
    public static string Root => SharedFolder.RepositoryRoot;

    /// <summary>True when texts under review are to be written anew instead of compared: <c>HIENO_ACCEPT=1</c>.</summary>
    public static bool Accepts => Environment.GetEnvironmentVariable("HIENO_ACCEPT") == "1";

    /// <summary>The projects that ship, by name, with their project files.</summary>
    public static IReadOnlyDictionary<string, XDocument> ShippedProjects { get; } = Directory
        .EnumerateFiles(Path.Combine(Root, "src"), "*.csproj", SearchOption.AllDirectories)
        .ToDictionary(path => Path.GetFileNameWithoutExtension(path), path => XDocument.Load(path), StringComparer.Ordinal);

    /// <summary>All files, by path from the root with forward slashes, in ordinal order.</summary>
    public static IReadOnlyList<string> Files { get; } = [.. FilesUnder(Root).Order(StringComparer.Ordinal)];

    /// <summary>All files that hold text.</summary>
    public static IEnumerable<string> TextFiles => Files.Where(IsText);

    /// <summary>The C# files below a folder such as <c>src/Hieno</c>; all of the repository's by default.</summary>
    public static IEnumerable<string> Sources(string folder = "") =>
        Files.Where(file => file.EndsWith(".cs", StringComparison.Ordinal) && (folder.Length == 0 || file.StartsWith(folder + "/", StringComparison.Ordinal)));

    /// <summary>True when the file is there.</summary>
    public static bool Has(string file) => File.Exists(PathOf(file));

    /// <summary>A file's lines.</summary>
    public static string[] Lines(string file) => File.ReadAllLines(PathOf(file));

    /// <summary>A file's text.</summary>
    public static string Text(string file) => File.ReadAllText(PathOf(file));

    /// <summary>The full path of a file.</summary>
    public static string PathOf(string file) => Path.Combine(Root, file);

    private static IEnumerable<string> FilesUnder(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder).Where(file => Path.GetFileName(file) != ".git"))
        {
            yield return Path.GetRelativePath(Root, file).Replace('\\', '/');
        }

        foreach (string file in Directory.EnumerateDirectories(folder).Where(inner => !s_left.Contains(Path.GetFileName(inner))).SelectMany(FilesUnder))
        {
            yield return file;
        }
    }

    private static bool IsText(string file)
    {
        using FileStream stream = File.OpenRead(PathOf(file));
        Span<byte> start = stackalloc byte[4096];
        return !start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)].Contains((byte)0);
    }
}
