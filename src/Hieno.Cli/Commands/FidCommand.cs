using System.CommandLine;
using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Sets;
using Hieno.Metrics;
using Hieno.Metrics.Images;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno fid A B</c>: how far two sets of pictures are from each other in what a named network sees.</summary>
internal static class FidCommand
{
    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "fid",
            "Measures how far two sets of pictures are from each other: the Frechet distance of a network's features, which is called FID where the network is pytorch-fid's Inception-v3. "
            + "Distances by different networks cannot be compared, so the network is always named.",
            $"hieno fid real generated --extractor {VisionFeatures.RandomName}",
            "hieno fid real generated --extractor models/fid-inception-v3 --inception-score");
        Argument<string> first = verb.Required("A", "A folder of pictures (those in folders in it as well), an IDX or CIFAR file, or a table of paths.");
        Argument<string> second = verb.Required("B", "The other set.");
        Option<string?> extractor = verb.Text("--extractor", "MODEL", $"A vision model's folder, or {VisionFeatures.RandomName}: a small network with random weights, always the same, which needs no file.");
        extractor.Required = true;
        Option<bool> score = verb.Flag("--inception-score", "Also prints each set's inception score by the classes of the same model.");
        Option<int> parts = verb.With(new Option<int>("--parts") { Description = "Consecutive parts that the inception score is the mean over. Default 10.", HelpName = "N", DefaultValueFactory = _ => 10 });
        Option<bool> json = verb.Flag("--json", "Prints a JSON object.");
        verb.SetAction(parsed =>
        {
            if (parsed.GetValue(parts) < 1)
            {
                throw new UsageException("--parts must be at least 1.");
            }

            VisionFeatures network = Open(parsed.GetValue(extractor)!);
            var sets = new[] { parsed.GetRequiredValue(first), parsed.GetRequiredValue(second) }.Select(path => (Path: path, Pictures: Read(path))).ToArray();
            var warnings = new MetricWarnings();
            FeatureSet[] features = [.. sets.Select(set => FeatureSet.Of(network, set.Pictures))];
            double distance = FrechetDistance.Compute(features[0], features[1], warnings);
            InceptionScoreResult[] scores = !parsed.GetValue(score) ? []
                : [.. sets.Select(set => InceptionScore.Compute(network.Name, FeatureSet.Each(set.Pictures, network.Classify), network.Classes, parsed.GetValue(parts)))];
            var result = new Result(network, features, distance, scores, warnings);
            if (parsed.GetValue(json))
            {
                terminal.WriteLine(result.ToJson().ToJsonString(JsonOutput.Options));
            }
            else
            {
                result.Write([.. sets.Select(set => set.Path)], terminal);
            }

            return ExitCode.Done;
        });
        return verb;
    }

    private static VisionFeatures Open(string folder) =>
        folder == VisionFeatures.RandomName || Directory.Exists(folder)
            ? VisionFeatures.Open(folder)
            : throw new UsageException($"--extractor is '{folder}', which is no folder. Give a vision model's folder, or {VisionFeatures.RandomName}.");

    private static ImageSet Read(string path) => Directory.Exists(path) ? ImageFolder.ReadUnlabelled(path) : ImageSet.Read(path);

    private sealed record Result(VisionFeatures Network, FeatureSet[] Sets, double Distance, InceptionScoreResult[] Scores, MetricWarnings Warnings)
    {
        private string Name => Network.IsFidInception ? "FID" : "Frechet distance";

        public void Write(string[] paths, Terminal terminal)
        {
            terminal.WriteLine($"{Name} {Figures.Number(Distance, 4)} by the {Figures.Count(Network.Width)} features of {Network.Name}");
            for (int i = 0; i < paths.Length; i++)
            {
                string score = Scores.Length == 0 ? string.Empty : $", inception score {Figures.Number(Scores[i].Mean, 4)} ± {Figures.Number(Scores[i].Deviation, 4)} over {Scores[i].Parts} parts by its {Figures.Count(Network.Classes)} classes";
                terminal.WriteLine($"  {paths[i]}: {Figures.Count(Sets[i].Count)} pictures{score}");
            }

            foreach (string warning in Warnings)
            {
                terminal.WriteLine($"warning: {warning}");
            }
        }

        public JsonObject ToJson() => new()
        {
            ["extractor"] = Network.Name,
            ["features"] = Network.Width,
            ["isFid"] = Network.IsFidInception,
            ["frechetDistance"] = Distance,
            ["pictures"] = new JsonArray([.. Sets.Select(set => (JsonNode)set.Count)]),
            ["inceptionScores"] = new JsonArray([.. Scores.Select(score => new JsonObject { ["mean"] = score.Mean, ["deviation"] = score.Deviation, ["parts"] = score.Parts })]),
            ["warnings"] = new JsonArray([.. Warnings.Select(line => (JsonNode)line)]),
        };
    }
}
