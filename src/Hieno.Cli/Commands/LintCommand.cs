using System.CommandLine;
using System.Globalization;
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
            + "Also counts tokens, labels and repeated rows; of pictures, sizes, colours, and those that another set has as well. The exit code is 1 when there are faults.",
            "hieno lint train.jsonl --base models/tiny-bert",
            "hieno lint chats.jsonl --base models/tiny-gpt2 --task sft --preview 2",
            "hieno lint pictures/train --against pictures/test --augment random-resized-crop,randaugment --preview sheet.png");
        Argument<string> data = verb.Required("DATA", "The rows: .jsonl, .json, .csv, .tsv or .txt; of pictures also a folder with one folder for each class, an IDX or a CIFAR file.");
        Option<string?> baseModel = verb.Text("--base", "MODEL", "The base model's folder: its tokenizer and the lengths it can read, or the size of its pictures. Needed for texts.");
        Option<string?> task = verb.Text(
            "--task", "TASK", $"What the rows are for: {string.Join(", ", TaskChoice.Names)}. Default: sft for conversations, classification where there is a label, else language modelling.");
        Option<string?> preview = verb.Text("--preview", "N|FILE", "Of texts, prints the first N rows as tokens; those that are learned stand between « and ». Of pictures, writes a PNG that shows what the network sees.");
        Option<bool> json = verb.Flag("--json", "Prints a JSON object.");
        var flags = new DataFlags(verb);
        var pictures = new PictureLint(verb);
        verb.SetAction(parsed =>
        {
            var request = new LintRequest(parsed.GetRequiredValue(data), parsed.GetValue(baseModel), parsed.GetValue(task), parsed.GetValue(preview), parsed.GetValue(json));
            return PictureLint.IsFor(request) ? pictures.Run(request, flags, parsed, terminal) : LintTexts(request, flags, parsed, terminal);
        });
        return verb;
    }

    private static int LintTexts(LintRequest request, DataFlags flags, ParseResult parsed, Terminal terminal)
    {
        string folder = request.Base ?? throw new UsageException("--base is needed for texts: the model's tokenizer says how long rows are.");
        if (!int.TryParse(request.Preview ?? "0", CultureInfo.InvariantCulture, out int rows))
        {
            throw new UsageException($"--preview is '{request.Preview}', and for texts it is a number of rows.");
        }

        DataOptions options = flags.Of(parsed, request.Data);
        ModelConfig config = ModelConfig.Read(folder);
        ModelTokenizer tokenizer = ModelTokenizer.Load(folder);
        ObjectiveOptions chosen = request.Task is { } name ? TaskChoice.Named(name) : Guess(options, config);
        int maxLength = options.MaxLength ?? Math.Min(TextModel.FamilyOf(config).MaxPositions(config), 1024);
        DataCheck check = DataCheck.Run(chosen, options, tokenizer, config, maxLength);
        if (request.Json)
        {
            terminal.WriteLine(DataReport.ToJson(check).ToJsonString(JsonOutput.Options));
        }
        else
        {
            terminal.WriteLine($"{request.Data} for {TaskChoice.NameOf(chosen)} with {folder}");
            DataReport.Write(check, terminal.Output);
            DataReport.Preview(check, tokenizer, rows, terminal.Output);
        }

        return check.Faults.Count == 0 ? ExitCode.Done : ExitCode.Failed;
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

/// <summary>What was asked of <c>hieno lint</c>.</summary>
/// <param name="Data">The rows.</param>
/// <param name="Base">The base model's folder, or null.</param>
/// <param name="Task">The task's name, or null.</param>
/// <param name="Preview">A number of rows, or a file for a picture; null for none.</param>
/// <param name="Json">Whether to print JSON.</param>
internal sealed record LintRequest(string Data, string? Base, string? Task, string? Preview, bool Json);
