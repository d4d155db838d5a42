using System.CommandLine;
using Hieno.ZeroShot;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno zero-shot</c>: makes a classifier of pictures from a CLIP model and the names of classes.</summary>
internal static class ZeroShotCommand
{
    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "zero-shot",
            "Makes a classifier of pictures from a CLIP model and the names of classes, without a single picture: its vision tower, and an output layer of what the text "
            + "tower says of the names. The folder is evaluated, tuned and interpolated like any vision model.",
            "hieno zero-shot models/clip --classes cat,dog --out models/cat-or-dog",
            "hieno zero-shot models/clip --classes cat,dog --prompt \"a photo of a {}\" --prompt \"a drawing of a {}\" --out models/cat-or-dog");
        Argument<string> model = verb.Required("CLIP", "The folder of a CLIP model, with its tokenizer.");
        Option<string[]> classes = verb.Texts("--classes", "NAME", "Names of the classes, by commas: the labels of the data, or words for them by --words.");
        classes.Required = true;
        Option<string[]> words = verb.Texts("--words", "WORD", "What the prompts call the classes, in the same order, where their names are no words. Default: the names.");
        Option<string[]> prompts = verb.With(new Option<string[]>("--prompt")
        {
            Description = $"A prompt with {ZeroShotClassifier.NamePlace} where the name goes; given several times, the vectors of all are averaged. Default: \"{ZeroShotClassifier.DefaultTemplate}\".",
            HelpName = "TEXT",
            DefaultValueFactory = _ => [ZeroShotClassifier.DefaultTemplate],
        });
        Option<string?> output = verb.Text("--out", "DIR", "The folder to write to, absent or empty.");
        output.Required = true;
        verb.SetAction(parsed =>
        {
            string[] names = parsed.GetRequiredValue(classes);
            string[] called = parsed.GetValue(words)! is { Length: > 0 } given ? given : names;
            string[] templates = parsed.GetValue(prompts)!;
            ThrowIfUnfit(names, called, templates);
            string folder = parsed.GetRequiredValue(output)!;
            terminal.During("reading the names …", () =>
            {
                ZeroShotClassifier.Save(parsed.GetRequiredValue(model), names, called, templates, folder);
                return folder;
            });
            terminal.WriteLine($"model   {folder} ({Figures.Count(names.Length)} classes, {Figures.Count(templates.Length)} {(templates.Length == 1 ? "prompt" : "prompts")} each)");
        });
        return verb;
    }

    private static void ThrowIfUnfit(string[] names, string[] words, string[] templates)
    {
        if (words.Length != names.Length)
        {
            throw new UsageException($"zero-shot: there are {names.Length} classes and {words.Length} words. Give one word for each class.");
        }

        if (names.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new UsageException($"zero-shot: the class '{twice.Key}' is named twice. Name each class once.");
        }

        if (Array.Find(templates, template => !template.Contains(ZeroShotClassifier.NamePlace, StringComparison.Ordinal)) is { } template)
        {
            throw new UsageException($"zero-shot: the prompt '{template}' has no {ZeroShotClassifier.NamePlace}. Put it where the name of the class goes.");
        }
    }
}
