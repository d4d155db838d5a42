using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Formats.Durable;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Objectives;
using Hieno.Tuning;

namespace Hieno.Training;

/// <summary>The tuned model as a folder that other tools open: a PEFT adapter, or several, or a whole model.</summary>
internal static class FinalModel
{
    /// <summary>Writes the folder, whole or not at all.</summary>
    /// <param name="tuned">The model.</param>
    /// <param name="objective">What it was made for.</param>
    /// <param name="input">With what it reads rows: a tokenizer, whose files are taken over, or the preparation of pictures.</param>
    /// <param name="original">The base model's configuration, as it was before the recipe changed dropout rates.</param>
    /// <param name="baseModel">The base model's folder, which an adapter names.</param>
    /// <param name="folder">Where; an earlier one is replaced.</param>
    /// <exception cref="StorageException">It could not be written.</exception>
    public static void Save(TunedModel tuned, IObjective objective, RunInput input, ModelConfig original, string baseModel, string folder)
    {
        string parent = Path.GetDirectoryName(Path.GetFullPath(folder))!;
        DurableFolder.Save(parent, Path.GetFileName(folder), writer =>
        {
            if (tuned.Adapters.Count > 0)
            {
                AdapterFolders.Save(tuned.Adapters, writer.Folder, baseModel);
                var config = new JsonObject();
                objective.Describe(config);
                if (tuned.Adapters.Select(adapter => adapter.Options).OfType<MultitaskPromptOptions>().FirstOrDefault() is { Tasks: var tasks })
                {
                    config[AdapterTask.PromptTasksKey] = new JsonArray([.. tasks.Select(task => JsonValue.Create(task))]);
                }

                if (config.Count > 0)
                {
                    writer.WriteText(AdapterTask.FileName, config.ToJsonString(RunJson.Indented) + "\n");
                }

                WeightFiles.CopyCompanions(baseModel, writer.Folder);
            }
            else
            {
                TokenRows.Merge(tuned.Model);
                WeightFiles.SaveModel(tuned.Model, writer.Folder, baseModel, config =>
                {
                    DropoutRates.Restore(config, original);
                    objective.Describe(config);
                });
            }

            input.Tokens?.Save(writer.Folder);
            if (input.Pictures is { } pictures && !File.Exists(Path.Combine(writer.Folder, ImagePreparation.FileName)))
            {
                writer.WriteText(ImagePreparation.FileName, pictures.ToJson().ToJsonString(RunJson.Indented) + "\n");
            }
        });
    }
}

/// <summary>What an adapter's folder says about its task beside PEFT's files: label names and problem type, as <c>config.json</c> has them.</summary>
public static class AdapterTask
{
    /// <summary>The names of the tasks that a multitask prompt tells apart, which PEFT only numbers.</summary>
    internal const string PromptTasksKey = "prompt_tasks";

    /// <summary>The file's name.</summary>
    public const string FileName = "task.json";
}
