using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;

namespace Hieno.Architecture.Tests;

public sealed class ProjectDirectionTests
{
    // What each project may build on. A new project is added here on purpose, with its line in the drawing of the README.
    private static readonly Dictionary<string, string[]> s_allowed = new(StringComparer.Ordinal)
    {
        ["Hieno.Tensors"] = [],
        ["Hieno.Formats"] = [],
        ["Hieno.Models"] = ["Hieno.Tensors", "Hieno.Formats"],
        ["Hieno"] = ["Hieno.Models"],
        ["Hieno.Testing"] = ["Hieno"],
        ["Hieno.Extensions"] = ["Hieno"],
        ["Hieno.Server"] = ["Hieno.Extensions", "Hieno"],
        ["Hieno.Cuda"] = ["Hieno.Tensors"],
        ["Hieno.Cli"] = ["Hieno.Server", "Hieno"],
    };

    // Namespaces and types that a project must not use even though the framework would let it.
    private static readonly Dictionary<string, string[]> s_banned = new(StringComparer.Ordinal)
    {
        ["Hieno.Tensors"] = ["System.IO.File", "System.IO.FileStream", "System.IO.Directory", "System.IO.Path", "System.Net", "System.Text.Json", "Microsoft.Extensions", "Microsoft.AspNetCore"],
        ["Hieno.Formats"] = ["System.Net", "Microsoft.Extensions", "Microsoft.AspNetCore"],
        ["Hieno.Models"] = ["System.Net", "Microsoft.Extensions", "Microsoft.AspNetCore"],
        ["Hieno"] = ["System.Net", "Microsoft.Extensions.DependencyInjection", "Microsoft.Extensions.Hosting", "Microsoft.AspNetCore"],
        ["Hieno.Testing"] = ["System.Net", "Microsoft.Extensions", "Microsoft.AspNetCore"],
        ["Hieno.Extensions"] = ["System.Net", "Microsoft.AspNetCore"],
    };

    public static TheoryData<string> Projects => [.. Repository.ShippedProjects.Keys.Order(StringComparer.Ordinal)];

    public static TheoryData<string> Libraries => [.. Repository.ShippedProjects.Keys.Where(name => name != "Hieno.Cli").Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_refers_only_to_those_below_it(string project)
    {
        Assert.True(s_allowed.TryGetValue(project, out string[]? allowed), $"{project} is new: say in {nameof(ProjectDirectionTests)} what it may build on.");
        string[] above = [.. References(project, "ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path)!).Except(allowed)];
        Assert.True(above.Length == 0, $"{project}.csproj refers to {string.Join(", ", above)}; it may refer to {(allowed.Length == 0 ? "no project" : string.Join(", ", allowed))}.");
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void A_compiled_project_uses_only_those_below_it(string project)
    {
        HashSet<string> below = Below(project);
        string[] above = [.. UsedTypes(project).Select(type => type.Assembly).Where(name => name.StartsWith("Hieno", StringComparison.Ordinal)).Except(below).Distinct()];
        Assert.True(above.Length == 0, $"{project} uses types of {string.Join(", ", above)}; it may use {string.Join(", ", below)}.");
    }

    [Theory]
    [InlineData("Hieno.Tensors")]
    [InlineData("Hieno.Formats")]
    [InlineData("Hieno.Models")]
    public void The_lower_projects_need_no_package(string project)
    {
        string[] packages = [.. References(project, "PackageReference"), .. References(project, "FrameworkReference")];
        Assert.True(packages.Length == 0, $"{project} refers to {string.Join(", ", packages)}; it is built on the base class library alone.");
        string[] foreign = [.. UsedTypes(project).Select(type => type.Assembly)
            .Where(name => !name.StartsWith("System", StringComparison.Ordinal) && !name.StartsWith("Hieno", StringComparison.Ordinal) && name is not ("mscorlib" or "netstandard"))
            .Distinct()];
        Assert.True(foreign.Length == 0, $"{project} uses types of {string.Join(", ", foreign)}.");
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void A_project_stays_out_of_namespaces_that_are_not_its_business(string project)
    {
        string[] banned = s_banned.GetValueOrDefault(project, []);
        string[] used = [.. UsedTypes(project)
            .Where(type => banned.Any(prefix => IsWithin($"{type.Namespace}.{type.Name}", prefix)) && !s_harmless.Contains($"{type.Namespace}.{type.Name}"))
            .Select(type => $"{type.Namespace}.{type.Name}")
            .Distinct().Order(StringComparer.Ordinal)];
        Assert.True(used.Length == 0, $"{project} must not know {string.Join(", ", banned)}, yet uses {string.Join(", ", used)}.");
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void Only_the_command_line_writes_to_the_console(string project) =>
        Assert.DoesNotContain(UsedTypes(project), type => type is { Namespace: "System", Name: "Console" });

    [Fact]
    public void No_using_directive_names_a_project_above()
    {
        var faults = new List<string>();
        foreach (string project in Repository.ShippedProjects.Keys)
        {
            // "Hieno" itself also begins the names of all others, so its own namespaces are what is left after theirs.
            string[] others = [.. Repository.ShippedProjects.Keys.Where(name => name != "Hieno" && name != project && !Below(project).Contains(name))];
            foreach (string file in Repository.Sources($"src/{project}"))
            {
                faults.AddRange(Repository.Lines(file)
                    .Where(line => line.StartsWith("using ", StringComparison.Ordinal))
                    .Select(line => line["using ".Length..].Replace("static ", string.Empty, StringComparison.Ordinal).TrimEnd(';'))
                    .Where(name => others.Any(other => IsWithin(name, other)))
                    .Select(name => $"{file}: using {name}"));
            }
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    // Types that do nothing of what their namespace is banned for.
    private static readonly HashSet<string> s_harmless = new(StringComparer.Ordinal)
    {
        "System.Net.WebUtility", // text functions without any network
    };

    private static bool IsWithin(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal) && (name.Length == prefix.Length || name[prefix.Length] == '.');

    private static IEnumerable<string> References(string project, string element) =>
        Repository.ShippedProjects[project].Descendants(element).Select(item => (string)item.Attribute("Include")!);

    private static HashSet<string> Below(string project)
    {
        var below = new HashSet<string>(StringComparer.Ordinal) { project };
        foreach (string direct in s_allowed[project])
        {
            below.UnionWith(Below(direct));
        }

        return below;
    }

    /// <summary>Every type of other assemblies that a compiled project mentions anywhere: signatures, bodies, attributes.</summary>
    private static List<(string Assembly, string Namespace, string Name)> UsedTypes(string project)
    {
        using var stream = File.OpenRead(Assembly.Load(project).Location);
        using var file = new PEReader(stream);
        MetadataReader metadata = file.GetMetadataReader();
        var types = new List<(string, string, string)>();
        foreach (TypeReferenceHandle handle in metadata.TypeReferences)
        {
            TypeReference type = metadata.GetTypeReference(handle);
            if (type.ResolutionScope.Kind == HandleKind.AssemblyReference)
            {
                AssemblyReference assembly = metadata.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope);
                types.Add((metadata.GetString(assembly.Name), metadata.GetString(type.Namespace), metadata.GetString(type.Name)));
            }
        }

        return types;
    }
}
