using System.CommandLine;
using System.Text.Json.Nodes;
using Hieno.Formats.Durable;
using Hieno.Merging;
using Hieno.Recipes;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno interpolate START END</c>: the models between a base and its tuning (WiSE-FT).</summary>
internal static class InterpolateCommand
{
    private const double DefaultAlpha = 0.5;

    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "interpolate",
            "Mixes a model with the one it was tuned from: (1 − α)·START + α·END, weight by weight (WiSE-FT). Often the mixture is better than both on rows of another kind. "
            + "With --sweep it measures a row of α; --out then saves the best of them.",
            "hieno interpolate models/hieno-decoder runs/support --alpha 0.5 --out models/support-half",
            "hieno interpolate models/hieno-decoder runs/support --sweep validation.jsonl --shifted other.jsonl --svg curve.svg --out models/support-best");
        Argument<string> start = verb.Required("START", "The model before tuning, with the same output layer: for a classifier, a model tuned by 'head'.");
        Argument<string> end = verb.Required("END", "The tuned model, or the folder of its run.");
        Option<double?> alpha = verb.With(new Option<double?>("--alpha") { Description = "How much of END: 0 is START, 1 is END, both bit for bit. Default 0.5, or with --sweep the best.", HelpName = "A" });
        Option<string?> output = verb.Text("--out", "DIR", "The folder to save the mixture in; it must be absent or empty.");
        Option<string?> sweep = verb.Text("--sweep", "DATA", "Rows like those of training, to measure each α on.");
        Option<string?> shifted = verb.Text("--shifted", "DATA", "Rows of another kind, measured beside them.");
        Option<string[]> alphas = verb.Texts("--alphas", "A", "The α to measure. Default 0, 0.1, … 1.");
        Option<string?> metric = verb.Text("--metric", "NAME", "What is measured. Default: the first metric of the task.");
        Option<string?> svg = verb.Text("--svg", "FILE", "Draws the curves of a sweep.");
        Option<bool> json = verb.Flag("--json", "Prints a JSON object.");
        var flags = new DataFlags(verb);
        var plugins = new PluginFlag(verb);
        verb.SetAction(parsed =>
        {
            (string from, string to) = (parsed.GetRequiredValue(start), parsed.GetRequiredValue(end));
            string? validation = parsed.GetValue(sweep);
            string? folder = parsed.GetValue(output);
            ThrowIfIdle(parsed.GetValue(shifted), parsed.GetValue(svg), validation, folder);
            AlphaSweep? measured = validation is null ? null : terminal.During("measuring …", () =>
            {
                KindCatalog kinds = plugins.Kinds(parsed);
                Recipe? known = RunRecipe.Of(to, kinds);
                HeldOutRows rows = HeldOutRows.Read(to, flags.Of(parsed, validation, known?.Data), parsed.GetValue(metric), terminal, kinds);
                HeldOutRows? others = parsed.GetValue(shifted) is { } other ? HeldOutRows.Read(to, flags.Of(parsed, other, known?.Data), rows.Metric.Name, terminal, kinds) : null;
                return AlphaSweep.Run(from, to, Alphas(parsed.GetValue(alphas)!), rows.Metric, rows.Measure, others is null ? null : others.Measure);
            });
            if (measured is not null && parsed.GetValue(svg) is { } file)
            {
                DurableFile.ReplaceText(file, measured.ToSvg($"{from} → {to}; validation: {Path.GetFileName(validation)}{(parsed.GetValue(shifted) is { } name ? $", shifted: {Path.GetFileName(name)}" : string.Empty)}"));
            }

            double chosen = parsed.GetValue(alpha) ?? measured?.Best.Alpha ?? DefaultAlpha;
            IReadOnlyList<string> leftOut = folder is null ? [] : Save(from, to, chosen, folder);
            Write(terminal, measured, folder, chosen, leftOut, parsed.GetValue(json));
        });
        return verb;
    }

    private static void ThrowIfIdle(string? shifted, string? svg, string? validation, string? folder)
    {
        if (validation is null && folder is null)
        {
            throw new UsageException("interpolate: there is nothing to do. Give --out DIR to save a mixture, or --sweep DATA to measure some.");
        }

        if (validation is null && (shifted ?? svg) is not null)
        {
            throw new UsageException("interpolate: --shifted and --svg belong to a sweep. Give --sweep DATA as well.");
        }
    }

    private static IReadOnlyList<double> Alphas(string[] texts) => texts.Length == 0 ? AlphaSweep.DefaultAlphas : [.. texts.Select(text => Numbers.Parse(text, "--alphas"))];

    private static IReadOnlyList<string> Save(string start, string end, double alpha, string folder)
    {
        using WeightMix mix = WeightMix.Interpolate(start, end, alpha);
        mix.Save(folder);
        return mix.LeftOut;
    }

    private static void Write(Terminal terminal, AlphaSweep? sweep, string? folder, double alpha, IReadOnlyList<string> leftOut, bool json)
    {
        if (json)
        {
            terminal.WriteLine(new JsonObject
            {
                ["metric"] = sweep?.Metric,
                ["points"] = sweep is null ? null : new JsonArray([.. sweep.Points.Select(point => new JsonObject
                {
                    ["alpha"] = point.Alpha,
                    ["validation"] = JsonOutput.Number(point.Validation),
                    ["shifted"] = point.Shifted is { } value ? JsonOutput.Number(value) : null,
                })]),
                ["best"] = sweep?.Best.Alpha,
                ["model"] = folder,
                ["alpha"] = folder is null ? null : alpha,
            }.ToJsonString(JsonOutput.Options));
            return;
        }

        if (sweep is not null)
        {
            var table = new TextColumns(">α", $">{sweep.Metric}, validation", ">shifted", "");
            foreach (SweepPoint point in sweep.Points)
            {
                table.Add(Figures.Number(point.Alpha, 3), Figures.Metric(point.Validation), point.Shifted is { } value ? Figures.Metric(value) : "–", point == sweep.Best ? "best on validation" : string.Empty);
            }

            table.Write(terminal.Output);
        }

        foreach (string name in leftOut)
        {
            terminal.Error.WriteLine($"note: only one of the models has it, so it is left out: {name}");
        }

        if (folder is not null)
        {
            terminal.WriteLine($"model   {folder} (α = {Figures.Number(alpha, 3)})");
        }
    }
}
