using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Recipes;

namespace Hieno.Cli;

/// <summary>Which task a model or a data file is for, where no recipe says it.</summary>
internal static class TaskChoice
{
    private static readonly KindCatalog s_kinds = BuiltIns.Kinds();

    /// <summary>The names of all tasks.</summary>
    public static IEnumerable<string> Names => s_kinds.KindsOf(typeof(ObjectiveOptions)).Select(kind => kind.Key);

    /// <summary>The task of a name, with its default settings.</summary>
    /// <exception cref="UsageException">There is no such task.</exception>
    public static ObjectiveOptions Named(string name)
    {
        if (s_kinds.Find(typeof(ObjectiveOptions), name) is { } type)
        {
            return (ObjectiveOptions)Activator.CreateInstance(type)!;
        }

        string meant = Spelling.Nearest(name, Names) is { } near ? $"Did you mean '{near}'? " : string.Empty;
        throw new UsageException($"'{name}' is not a task. {meant}The tasks are {string.Join(", ", Names)}.");
    }

    /// <summary>The name of a task.</summary>
    public static string NameOf(ObjectiveOptions task) => s_kinds.KindOf(typeof(ObjectiveOptions), task.GetType());

    /// <summary>What a model was tuned for, by its configuration; language models learn texts, or conversations where the rows are such.</summary>
    /// <param name="config">The configuration, with the task it was tuned for.</param>
    /// <param name="row">A row of the data.</param>
    public static ObjectiveOptions Of(ModelConfig config, DataRow row)
    {
        string architecture = config.GetStrings("architectures") is [var first, ..] ? first : string.Empty;
        bool isClassifier = architecture.EndsWith("ForSequenceClassification", StringComparison.Ordinal);
        int labels = config.GetLabels()?.Count ?? config.GetInt("num_labels", 2);
        HeadKind kind = LoadedModel.HeadOf(config).Kind;
        if (kind == HeadKind.PicturesAndTexts)
        {
            return new ImageTextOptions();
        }

        if (kind == HeadKind.Pictures)
        {
            return config.GetString("problem_type", null) == "regression" ? new ImageRegressionOptions() : new ImageClassificationOptions();
        }

        return config.GetString("problem_type", null) switch
        {
            "multi_label_classification" => new MultiLabelClassificationOptions(),
            "regression" => new RegressionOptions(),
            "single_label_classification" => new ClassificationOptions(),
            _ when isClassifier => labels == 1 ? new RegressionOptions() : new ClassificationOptions(),
            _ when TextModel.FamilyOf(config).Architecture(HeadKind.Language).EndsWith("ForMaskedLM", StringComparison.Ordinal) => new MaskedLanguageModelingOptions(),
            _ => IsConversation(row) ? new SupervisedFineTuningOptions() : new CausalLanguageModelingOptions(),
        };
    }

    /// <summary>The output layer that a task needs.</summary>
    public static HeadKind HeadOf(ObjectiveOptions task) => task.Create().Head.Kind;

    /// <summary>True for rows of turns, or of prompt and answer; false where there is a column of plain text.</summary>
    public static bool IsConversation(DataRow row) =>
        !row.TryGet("text", out _) && !row.TryGet("sentence", out _)
        && Array.Exists(["messages", "conversations", "instruction", "prompt"], column => row.TryGet(column, out _));
}
