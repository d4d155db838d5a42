using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;

namespace Hieno.Recipes;

// The summaries that the compiler wrote beside each assembly: the one place where a setting is explained.
internal sealed partial class XmlSummaries
{
    private readonly string? _folder;
    private readonly Dictionary<Assembly, Dictionary<string, string>?> _files = [];
    private readonly SortedSet<string> _missing = new(StringComparer.Ordinal);

    /// <summary>Reads the files of <paramref name="folder"/>; without it, those beside the assemblies.</summary>
    public XmlSummaries(string? folder = null) => _folder = folder;

    /// <summary>Names of the documentation files that were looked for and not found.</summary>
    public IReadOnlyCollection<string> Missing => _missing;

    /// <summary>The summary of a record; where there is none, a text that says why.</summary>
    public string Of(Type type) => Of(type, $"T:{NameOf(type)}");

    /// <summary>The summary of a setting; where there is none, a text that says why.</summary>
    public string Of(SettingModel setting) => Of(setting.DeclaringType, $"P:{NameOf(setting.DeclaringType)}.{setting.PropertyName}");

    private string Of(Type type, string member)
    {
        string file = FileOf(type.Assembly);
        if (!_files.TryGetValue(type.Assembly, out var summaries))
        {
            _files.Add(type.Assembly, summaries = Read(Path.Combine(_folder ?? FolderOf(type.Assembly), file)));
        }

        if (summaries is null)
        {
            _missing.Add(file);
            return $"(no description: {file} is not beside {type.Assembly.GetName().Name}.dll)";
        }

        return summaries.TryGetValue(member, out string? summary) ? summary : $"(no description in {file})";
    }

    private static string FileOf(Assembly assembly) => assembly.GetName().Name + ".xml";

    // An assembly bundled into a single file has no place of its own; its documentation then lies beside the program.
    private static string FolderOf(Assembly assembly) =>
        Path.GetDirectoryName(assembly.Location) is { Length: > 0 } folder ? folder : AppContext.BaseDirectory;

    private static string NameOf(Type type) => type.FullName!.Replace('+', '.');

    private static Dictionary<string, string>? Read(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            using var file = File.OpenRead(path);
            return XDocument.Load(file).Descendants("member")
                .Where(m => m.Attribute("name") is not null && m.Element("summary") is not null)
                .GroupBy(m => m.Attribute("name")!.Value, StringComparer.Ordinal)
                .ToDictionary(m => m.Key, m => Plain(m.First().Element("summary")!), StringComparer.Ordinal);
        }
        catch (XmlException e)
        {
            throw new InvalidOperationException($"{path}: the documentation file is damaged: {e.Message} Build the assembly again.", e);
        }
    }

    // <see cref="P:Hieno.Tuning.LoRAOptions.Rank"/> reads Rank; <c> and <para> read as their text.
    private static string Plain(XElement element)
    {
        var text = element.Nodes().Select(node => node switch
        {
            XText t => t.Value,
            XElement { IsEmpty: true } e => LastName(e.Attributes().FirstOrDefault()?.Value ?? ""), // cref, langword, name or href
            XElement { Name.LocalName: "para" } e => $" {Plain(e)} ",
            XElement e => Plain(e),
            _ => "",
        });
        return Spaces().Replace(string.Concat(text), " ").Trim();
    }

    private static string LastName(string reference)
    {
        if (reference.Length < 2 || reference[1] != ':')
        {
            return reference;
        }

        string name = reference[2..].Split('(')[0].Split('`')[0];
        return name[(name.LastIndexOf('.') + 1)..];
    }

    [GeneratedRegex(@"\s+", RegexOptions.NonBacktracking)]
    private static partial Regex Spaces();
}
