using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Durable;
using Hieno.Formats.Text;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Scoring;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno score MODEL DATA</c>: how probable texts are; and by that, which of several candidates was meant.</summary>
internal static class ScoreCommand
{
    private static readonly JsonSerializerOptions s_line = new(JsonOutput.Options) { WriteIndented = false };

    private sealed record Weighing(double? Weight, string? TuneOn, double WordBonus);

    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "score",
            "Prints the log-probability that a causal language model gives each text. Rows with 'candidates' are n-best lists of a recogniser or translator: "
            + "of each the candidate with the best first-pass score + weight · log-probability is chosen, with the word error rate before and after where rows have a 'reference'.",
            "hieno score runs/support messages.jsonl",
            "hieno score runs/support nbest.jsonl --tune-on nbest-dev.jsonl --out chosen.jsonl",
            "hieno score runs/support nbest.jsonl --lm-weight 0.4");
        Argument<string> model = verb.Required("MODEL", "A run folder, a model folder or an adapter folder.");
        Argument<string> data = verb.Required("DATA", "Texts, or n-best lists: .jsonl rows {\"reference\": …, \"candidates\": [{\"text\": …, \"score\": …}, …]}.");
        Option<string?> baseModel = verb.Text("--base", "DIR", "The base of an adapter, where it is no longer where the adapter says.");
        Option<double?> weight = verb.With(new Option<double?>("--lm-weight") { Description = "How much the language model counts beside the first pass; 0 leaves that as it is. Default 0.5, or with --tune-on the best.", HelpName = "W" });
        Option<string?> tuneOn = verb.Text("--tune-on", "DATA", "Other n-best lists with references: the weight of 0, 0.1, … 2 with the fewest errors there is taken.");
        Option<double> bonus = verb.With(new Option<double>("--word-bonus") { Description = "Added to a candidate's score for each word. Default 0.", HelpName = "B" });
        Option<string?> output = verb.Text("--out", "FILE", "Writes the chosen candidates, one JSON object a line.");
        Option<bool> json = verb.Flag("--json", "Prints a JSON object.");
        var flags = new DataFlags(verb);
        var plugins = new PluginFlag(verb);
        verb.SetAction(parsed =>
        {
            (string folder, string file) = (parsed.GetRequiredValue(model), parsed.GetRequiredValue(data));
            var weighing = new Weighing(parsed.GetValue(weight), parsed.GetValue(tuneOn), parsed.GetValue(bonus));
            IReadOnlyList<DataRow> rows = DataSplit.ReadFile(file, TextUnit.Line);
            bool isList = rows[0].TryGet(NBestList.Column, out _);
            ThrowIfIdle(isList, weighing, parsed.GetValue(output), file);
            LoadedModel loaded = ModelFolder.Open(folder, HeadKind.Language, parsed.GetValue(baseModel), plugins.Kinds(parsed));
            var scorer = new TextScorer(loaded.Text, loaded.Tokenizer);
            if (isList)
            {
                Rescore(folder, file, [.. rows.Select(NBestList.Read)], weighing, scorer, parsed.GetValue(output), parsed.GetValue(json), terminal);
                return;
            }

            string[] texts = [.. rows.Select(row => CausalLanguageModeling.TextOf(row, flags.Of(parsed, file)))];
            IReadOnlyList<TextScore> scores = terminal.During($"scoring {Figures.Count(texts.Length)} texts …", () => scorer.Score(texts));
            WriteTexts(folder, file, texts, scores, parsed.GetValue(json), terminal);
        });
        return verb;
    }

    private static void ThrowIfIdle(bool isList, Weighing weighing, string? output, string file)
    {
        if (weighing is { Weight: not null, TuneOn: not null })
        {
            throw new UsageException("score: --lm-weight gives the weight, --tune-on looks for it. Give one of them.");
        }

        if (!isList && (weighing.Weight is not null || weighing.TuneOn is not null || weighing.WordBonus != 0 || output is not null))
        {
            throw new UsageException($"score: --lm-weight, --tune-on, --word-bonus and --out belong to n-best lists, and the rows of {file} have no '{NBestList.Column}'. Leave them out, or give such rows.");
        }
    }

    private static void WriteTexts(string model, string file, string[] texts, IReadOnlyList<TextScore> scores, bool json, Terminal terminal)
    {
        var all = new TextScore(scores.Sum(score => score.LogProbability), scores.Sum(score => score.Tokens));
        if (json)
        {
            terminal.WriteLine(new JsonObject
            {
                ["model"] = model,
                ["data"] = file,
                ["perplexity"] = JsonOutput.Number(all.Perplexity),
                ["texts"] = new JsonArray([.. texts.Zip(scores, (text, score) => new JsonObject { ["text"] = text, ["logProbability"] = JsonOutput.Number(score.LogProbability), ["tokens"] = score.Tokens })]),
            }.ToJsonString(JsonOutput.Options));
            return;
        }

        var table = new TextColumns(">log p", ">tokens", ">perplexity", "text");
        foreach ((string text, TextScore score) in texts.Zip(scores))
        {
            table.Add(Figures.Number(score.LogProbability, 2), Figures.Count(score.Tokens), Figures.Number(score.Perplexity, 2), text.ReplaceLineEndings(" "));
        }

        table.Write(terminal.Output);
        terminal.WriteLine($"together: log p {Figures.Number(all.LogProbability, 2)}, {Figures.Count(all.Tokens)} tokens, perplexity {Figures.Number(all.Perplexity, 2)}");
    }

    private static void Rescore(string model, string file, IReadOnlyList<NBestList> lists, Weighing weighing, TextScorer scorer, string? output, bool json, Terminal terminal)
    {
        (double weight, WordErrors? tuned) = Weigh(weighing, scorer, terminal);
        Rescoring rescoring = terminal.During($"scoring {Figures.Count(lists.Sum(list => list.Candidates.Count))} candidates …", () => Rescoring.Of(lists, scorer));
        IReadOnlyList<int> chosen = rescoring.Choose(weight, weighing.WordBonus);
        if (output is not null)
        {
            DurableFile.ReplaceText(output, string.Concat(lists.Select((list, i) => ToJson(list, chosen[i], rescoring.LogProbability(i, chosen[i])).ToJsonString(s_line) + "\n")));
        }

        bool hasReferences = lists.All(list => list.Reference is not null);
        (string Name, WordErrors Errors)[] errors = hasReferences
            ? [("first pass", rescoring.FirstPass), ("rescored", rescoring.Errors(weight, weighing.WordBonus)), ("best possible", rescoring.BestPossible)]
            : [];
        if (json)
        {
            terminal.WriteLine(new JsonObject
            {
                ["model"] = model,
                ["data"] = file,
                ["lmWeight"] = weight,
                ["wordErrors"] = new JsonObject(errors.Select(item => KeyValuePair.Create<string, JsonNode?>(item.Name, new JsonObject { ["rate"] = JsonOutput.Number(item.Errors.Rate), ["errors"] = item.Errors.Errors, ["words"] = item.Errors.Words }))),
                ["chosen"] = new JsonArray([.. lists.Select((list, i) => ToJson(list, chosen[i], rescoring.LogProbability(i, chosen[i])))]),
            }.ToJsonString(JsonOutput.Options));
            return;
        }

        if (!hasReferences)
        {
            foreach ((NBestList list, int place) in lists.Zip(chosen))
            {
                terminal.WriteLine(list.Candidates[place].Text);
            }

            return;
        }

        string how = tuned is { } there ? $", chosen on {weighing.TuneOn} (word error rate there {Percent(there)})" : string.Empty;
        terminal.WriteLine($"{model}, {Figures.Count(lists.Count)} lists of {file}; weight of the language model {Figures.Number(weight, 3)}{how}");
        var table = new TextColumns("", ">word error rate", ">errors", ">words");
        foreach ((string name, WordErrors item) in errors)
        {
            table.Add(name, Percent(item), Figures.Count(item.Errors), Figures.Count(item.Words));
        }

        table.Write(terminal.Output);
    }

    private static (double Weight, WordErrors? Tuned) Weigh(Weighing weighing, TextScorer scorer, Terminal terminal)
    {
        const double Usual = 0.5;
        if (weighing.TuneOn is not { } file)
        {
            return (weighing.Weight ?? Usual, null);
        }

        List<DataRow> rows = DataSplit.ReadFile(file);
        NBestList[] lists = [.. rows.Select(NBestList.Read)];
        int bare = Array.FindIndex(lists, list => list.Reference is null);
        if (bare >= 0)
        {
            throw rows[bare].Error(ErrorCodes.DatasetColumnMissing, "there is no 'reference', so no error can be counted", "Add what was said, or give the weight by --lm-weight");
        }

        Rescoring rescoring = terminal.During("looking for the weight …", () => Rescoring.Of(lists, scorer));
        double best = rescoring.BestWeight(weighing.WordBonus);
        return (best, rescoring.Errors(best, weighing.WordBonus));
    }

    private static JsonObject ToJson(NBestList list, int place, double logProbability)
    {
        var row = new JsonObject { ["text"] = list.Candidates[place].Text, ["place"] = place + 1, ["score"] = list.Candidates[place].Score, ["logProbability"] = JsonOutput.Number(logProbability) };
        if (list.Reference is { } reference)
        {
            row.Insert(0, "reference", reference);
        }

        return row;
    }

    private static string Percent(WordErrors errors) => $"{Figures.Number(100 * errors.Rate, 2)} %";
}
