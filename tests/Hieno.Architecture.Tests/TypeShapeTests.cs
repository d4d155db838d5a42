using System.Reflection;

namespace Hieno.Architecture.Tests;

public sealed class TypeShapeTests
{
    // Classes that are used as they are and derived from as well.
    private static readonly Dictionary<string, string> s_open = new(StringComparer.Ordinal)
    {
        ["Hieno.Models.Roberta.RobertaFamily"] = "XLM-RoBERTa is RoBERTa under another name",
        ["Hieno.Models.Llama.LlamaFamily"] = "Mistral, Qwen2 and many others are Llama with other settings",
    };

    public static TheoryData<string> Projects => ProjectDirectionTests.Libraries;

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_public_class_is_sealed_or_made_to_be_derived_from(string project)
    {
        string[] open = [.. Assembly.Load(project).GetExportedTypes()
            .Where(type => type.IsClass && !type.IsSealed && !type.IsAbstract && !s_open.ContainsKey(type.FullName!))
            .Select(type => type.FullName!)];
        Assert.True(open.Length == 0, $"Seal these, or make them abstract: {string.Join(", ", open)}.");
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_public_type_lies_in_the_namespace_of_its_folder(string project)
    {
        var folders = Repository.Sources($"src/{project}")
            .Select(file => Path.GetDirectoryName(file)!.Replace('\\', '/')["src/".Length..].Replace('/', '.'))
            .ToHashSet(StringComparer.Ordinal);
        string[] strays = [.. Assembly.Load(project).GetExportedTypes().Where(type => !folders.Contains(type.Namespace!)).Select(type => type.FullName!)];
        Assert.True(strays.Length == 0, $"No folder of {project} has the namespace of {string.Join(", ", strays)}.");
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void No_type_has_a_name_that_says_nothing(string project)
    {
        string[] empty = ["Manager", "Helper", "Helpers", "Utils", "Utility", "Impl"];
        string[] named = [.. Assembly.Load(project).GetTypes().Select(type => type.Name).Where(name => empty.Any(word => name.EndsWith(word, StringComparison.Ordinal)))];
        Assert.True(named.Length == 0, $"Name these after what they are: {string.Join(", ", named)}.");
    }
}
