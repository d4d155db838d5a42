using System.Reflection;

namespace Hieno.Architecture.Tests;

/// <summary>Inside the project Hieno, the things a run is put together from do not know each other; only what puts them together knows them all.</summary>
public sealed class FolderDirectionTests
{
    private const string Any = "*";

    // Folder → what it may use of the project's other folders, and why.
    private static readonly (string From, string Type, string Why)[] s_agreed =
    [
        ("Objectives", "Data.*", "an objective turns rows into examples"),
        ("Objectives", "Metrics.Predictions", "an objective says which predictions its outputs are"),
        ("Objectives", "Metrics.ClassPredictions", "the predictions of classification"),
        ("Objectives", "Metrics.MultiLabelPredictions", "the predictions of multi-label classification"),
        ("Objectives", "Metrics.NumberPredictions", "the predictions of regression"),
        ("Objectives", "Metrics.TokenPredictions", "the predictions of language models"),
        ("Optimizers", "Recipes.IValidated", "settings that contradict each other are reported with the recipe's other faults"),
        ("Schedules", "Recipes.IValidated", "settings that contradict each other are reported with the recipe's other faults"),
        ("Tuning", "Recipes.IValidated", "settings that contradict each other are reported with the recipe's other faults"),
        ("Tuning", "Recipes.KindCatalog", "the method of a saved adapter is found among the kinds that recipes know"),
        ("Tuning", ".BuiltIns", "where no other kinds are given, the built-in ones are meant"),
        ("Objectives", "Recipes.IValidated", "settings that contradict each other are reported with the recipe's other faults"),
        ("Objectives", "Augmentation.*", "pictures are changed at random when a batch of them is laid out"),
        ("Objectives", "Recipes.Share", "a share of the rows is a setting like any other"),
    ];

    private static readonly string[] s_strangers = ["Tuning", "Objectives", "Metrics", "Optimizers", "Schedules"];

    public static TheoryData<string> Strangers => [.. s_strangers];

    [Theory]
    [MemberData(nameof(Strangers))]
    public void A_folder_does_not_know_the_others(string folder)
    {
        string[] faults = [.. Uses(folder).Where(use => !s_agreed.Any(agreed => Covers(agreed, folder, use.Used))).Select(use => $"{use.User} uses {use.Used}").Distinct()];
        Assert.True(faults.Length == 0, $"Hieno/{folder} must not know the other folders:\n{string.Join('\n', faults)}\nMove what is shared down, or agree on an exception, with its reason, in {nameof(FolderDirectionTests)}.");
    }

    // How pictures are changed at random is part of the data's settings, and a batch says how its pictures were mixed.
    [Fact]
    public void Data_knows_nothing_of_what_is_done_with_it() =>
        Assert.DoesNotContain(Uses("Data"), use => !use.Used.StartsWith("Recipes.", StringComparison.Ordinal) && !use.Used.StartsWith("Augmentation.", StringComparison.Ordinal));

    [Fact]
    public void A_use_of_another_folder_is_seen()
    {
        // The loop puts everything together, so a search that works finds the optimizers there.
        Assert.Contains(Uses("Training"), use => use.Used == "Optimizers.IOptimizer");
        Assert.Contains(Uses("Objectives"), use => use.Used == "Metrics.ClassPredictions");
    }

    // Folder.Type of every other folder of the project that the folder's types mention.
    private static IEnumerable<(string User, string Used)> Uses(string folder)
    {
        Assembly project = typeof(FineTuner).Assembly;
        foreach (Type type in project.GetTypes().Where(type => FolderOf(type) == folder))
        {
            foreach (Type used in TypeUses.Of(type))
            {
                if (used.Assembly == project && FolderOf(used) is { } other && other != folder)
                {
                    yield return (Outermost(type).Name, $"{other}.{Outermost(used).Name}");
                }
            }
        }
    }

    private static bool Covers((string From, string Type, string Why) agreed, string folder, string used) =>
        agreed.From == folder && (agreed.Type == used || (agreed.Type.EndsWith(Any, StringComparison.Ordinal) && used.StartsWith(agreed.Type[..^1], StringComparison.Ordinal)));

    private static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    // Null for what the compiler made; "" for the project's root.
    private static string? FolderOf(Type type)
    {
        string? space = Outermost(type).Namespace;
        return space is null || !space.StartsWith("Hieno", StringComparison.Ordinal) ? null : space["Hieno".Length..].TrimStart('.');
    }
}
