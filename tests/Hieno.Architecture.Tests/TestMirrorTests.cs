namespace Hieno.Architecture.Tests;

public sealed class TestMirrorTests
{
    // Test files whose subject is wider than one file.
    private static readonly Dictionary<string, string> s_wider = new(StringComparer.Ordinal)
    {
        ["tests/Hieno.Formats.Tests/ChatTemplates/FuzzTests.cs"] = "random and hostile templates through the whole language",
        ["tests/Hieno.Models.Tests/FamilyTableTests.cs"] = "the table of families in docs/models.md",
        ["tests/Hieno.Models.Tests/ParityTests.cs"] = "every family against the reference's logits, losses and gradients",
        ["tests/Hieno.Models.Tests/Gpt2/SortingTests.cs"] = "a trained model that sorts, end to end",
        ["tests/Hieno.Models.Tests/Llama/StoriesTests.cs"] = "a trained model that tells stories, end to end",
        ["tests/Hieno.Tensors.Tests/Ops/ElementwiseTests.cs"] = "Add, Mul and Scale, which share their checks",
        ["tests/Hieno.Tensors.Tests/Updates/OptimizerStepTests.cs"] = "the steps that treat each number by itself, which share their checks",
        ["tests/Hieno.Tests/Metrics/ClassificationMetricsTests.cs"] = "the metrics of one kind of predictions",
        ["tests/Hieno.Tests/Metrics/RegressionMetricsTests.cs"] = "the metrics of one kind of predictions",
        ["tests/Hieno.Tests/Metrics/TokenMetricsTests.cs"] = "the metrics of one kind of predictions",
        ["tests/Hieno.Tests/Metrics/ReferenceTests.cs"] = "every metric against scikit-learn's values",
        ["tests/Hieno.Tests/Tuning/InvariantsTests.cs"] = "what holds for every way of tuning",
        ["tests/Hieno.Tests/Training/KilledRunTests.cs"] = "runs that are killed, damaged or out of disk",
        ["tests/Hieno.Tests/Training/GradientCheckpointingTests.cs"] = "whole runs: every method with every span",
        ["tests/Hieno.Tests/Training/ExactnessTests.cs"] = "whole runs: threads, resume, accumulation, byte for byte",
        ["tests/Hieno.Tests/Vision/PictureRunTests.cs"] = "whole runs on pictures: threads, resume, bad files",
        ["tests/Hieno.Tests/Vision/RunningStatisticsTests.cs"] = "statistics of batch normalisation through training, files, checkpoints and merges",
        ["tests/Hieno.Tests/Augmentation/AugmentationPageTests.cs"] = "the recipe and the picture of docs/augmentation.md",
        ["tests/Hieno.Tests/Recipes/RecipesPageTests.cs"] = "the examples of docs/recipes.md",
    };

    // Suites over a whole folder: values of an independent implementation, and files that were published.
    private static readonly string[] s_suites = ["Golden", "Real"];

    [Fact]
    public void A_test_file_is_named_after_the_file_it_tests()
    {
        string[] strays = [.. TestFiles().Where(file => !HasSubject(file) && !s_wider.ContainsKey(file) && !IsSuite(file))];
        Assert.True(strays.Length == 0, $"These test files mirror no file of src. Rename them, or say in {nameof(TestMirrorTests)} what they test:\n{string.Join('\n', strays)}");
    }

    [Fact]
    public void The_list_of_wider_tests_has_no_stale_line()
    {
        string[] stale = [.. s_wider.Keys.Where(file => !Repository.Has(file) || HasSubject(file))];
        Assert.True(stale.Length == 0, $"Remove from {nameof(TestMirrorTests)}: {string.Join(", ", stale)}.");
    }

    private static IEnumerable<string> TestFiles() => Repository.Sources("tests")
        .Where(file => file.EndsWith("Tests.cs", StringComparison.Ordinal) && !file.StartsWith("tests/Hieno.Architecture.Tests/", StringComparison.Ordinal));

    // tests/X.Tests/a/bTests.cs tests src/X/a/b.cs; Hieno.Testing has no test project of its own, its tests lie in tests/Hieno.Tests/Testing.
    private static bool HasSubject(string file)
    {
        string[] parts = file.Split('/');
        string project = parts[1][..^".Tests".Length];
        string inner = string.Join('/', parts[2..])[..^"Tests.cs".Length];
        string folder = string.Join('/', parts[2..^1]);
        return Repository.Has($"src/{project}/{inner}.cs")
            || (parts[^1] == $"{parts[^2]}Tests.cs" && Directory.Exists(Repository.PathOf($"src/{project}/{folder}"))) // all files of one folder
            || (inner.StartsWith("Testing/", StringComparison.Ordinal) && Repository.Has($"src/Hieno.Testing/{inner["Testing/".Length..]}.cs"));
    }

    private static bool IsSuite(string file)
    {
        string[] parts = file.Split('/');
        string folder = $"src/{parts[1][..^".Tests".Length]}/{string.Join('/', parts[2..^1])}";
        return s_suites.Any(word => parts[^1].StartsWith(word, StringComparison.Ordinal)) && Directory.Exists(Repository.PathOf(folder));
    }
}
