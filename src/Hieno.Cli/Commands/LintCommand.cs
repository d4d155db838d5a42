using System.CommandLine;
using Hieno.Cli.Data;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Models;
using Hieno.Objectives;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno lint DATA</c>: what is wrong with the data, and what is in it.</summary>
internal static class LintCommand
{
    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "lint",
            "Checks every row of a data file as a run would read it, and prints all that cannot be learned from, with file, line and column. "
            + "Also counts tokens, labels and repeated rows. The exit code is 1 when there are faults.",
            "hieno lint train.jsonl --base models/tiny-bert",
            "hieno lint chats.jsonl --base models/tiny-gpt2 --task sft --preview 2");
        Argument<string> data = verb.Required("DATA", "The rows: .jsonl, .json, .csv, .tsv or .txt.");
        Option<string?> baseModel = verb.Text("--base", "MODEL", "The base model's folder: its tokenizer and the lengths it can read.");
        baseModel.Required = true;
        Option<string?> task = verb.Text(
            "--task", "TASK", $"What the rows are for: {string.Join(", ", TaskChoice.Names)}. Default: sft for conversations, classification where there is a label, else language modelling.");
        Option<int> preview = verb.With(new Option<int>("--preview") { Description = "Prints the first N rows as tokens; those that are learned stand between « and ».", HelpName = "N" });
        Option<bool> json = verb.Flag("--json", "Prints a JSON object.");
        var flags = new DataFlags(verb);
        verb.SetAction(parsed =>
        {
            string file = parsed.GetRequiredValue(data);
            string folder = parsed.GetRequiredValue(baseModel)!;
            DataOptions options = flags.Of(parsed, file);
            ModelConfig config = ModelConfig.Read(folder);
            ModelTokenizer tokenizer = ModelTokenizer.Load(folder);
            ObjectiveOptions chosen = parsed.GetValue(task) is { } name ? TaskChoice.Named(name) : Guess(options, config);
            int maxLength = options.MaxLength ?? Math.Min(TextModel.FamilyOf(config).MaxPositions(config), 1024);
            DataCheck check = DataCheck.Run(chosen, options, tokenizer, config, maxLength);
            if (parsed.GetValue(json))
            {
                terminal.WriteLine(DataReport.ToJson(check).ToJsonString(JsonOutput.Options));
            }
            else
            {
                terminal.WriteLine($"{file} for {TaskChoice.NameOf(chosen)} with {folder}");
                DataReport.Write(check, terminal.Output);
                DataReport.Preview(check, tokenizer, parsed.GetValue(preview), terminal.Output);
            }

            return check.Faults.Count == 0 ? ExitCode.Done : ExitCode.Failed;
        });
        return verb;
    }

    private static ObjectiveOptions Guess(DataOptions options, ModelConfig config)
    {
        DataRow? first = DataFile.Read(options.Train[0], _ => { }).FirstOrDefault();
        bool hasLabel = first is not null
            && (options.LabelColumn is not null || Array.Exists(["label", "category"], column => first.TryGet(column, out _)));
        return hasLabel && !TaskChoice.IsConversation(first!) ? new ClassificationOptions()
            : first is not null ? TaskChoice.Of(config, first)
            : new CausalLanguageModelingOptions();
    }
}
