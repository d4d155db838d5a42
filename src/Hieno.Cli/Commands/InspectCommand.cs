using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Models.Vision.Clip;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno inspect MODEL</c>: layers, shapes, sizes, and what a method would train.</summary>
internal static partial class InspectCommand
{
    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "inspect",
            "Lists a model's weights with shape, type and size; equal ones of all blocks on one line. With a recipe also what its method would train.",
            "hieno inspect models/tiny-bert",
            "hieno inspect models/tiny-bert --recipe quickstart.yaml",
            "hieno inspect models/tiny-bert --recipe quickstart.yaml --tokens 128",
            "hieno inspect models/tiny-bert --against runs/full");
        Argument<string> model = verb.Required("MODEL", "A model folder, an adapter folder or a run folder.");
        Option<string?> recipe = verb.Text("--recipe", "RECIPE", "A recipe; its task and method are applied to MODEL.");
        Option<string?> baseModel = verb.Text("--base", "DIR", "The base of an adapter, where it is no longer where the adapter says.");
        Option<string?> against = verb.Text("--against", "MODEL", "A fine-tuned model of the same base; prints how far each half-block and each component moved.");
        Option<int?> tokens = verb.With(new Option<int?>("--tokens") { HelpName = "N", Description = "Adds the floating-point operations of a training step on a row of N tokens, by kind of operation." });
        Option<bool> all = verb.Flag("--all", "Lists the weights of each block.");
        Option<bool> json = verb.Flag("--json", "Prints a JSON object with all weights.");
        var plugins = new PluginFlag(verb);
        verb.SetAction(parsed =>
        {
            string folder = parsed.GetRequiredValue(model);
            KindCatalog kinds = plugins.Kinds(parsed);
            TunedModel tuned = parsed.GetValue(recipe) is { } path ? RecipeModel.Open(Recipe.Load(path) with { Base = folder }) : Open(folder, parsed.GetValue(baseModel), kinds);
            bool hasRecipe = parsed.GetValue(recipe) is not null;
            if (parsed.GetValue(against) is { } tunedFolder)
            {
                WeightChanges.Write(tuned.Model, Open(tunedFolder, parsed.GetValue(baseModel), kinds).Model, terminal, parsed.GetValue(json));
                return;
            }

            StepCosts? costs = parsed.GetValue(tokens) is { } length ? CostsOf(tuned, length, hasRecipe) : null;
            if (parsed.GetValue(json))
            {
                JsonObject result = ToJson(tuned, hasRecipe);
                if (costs is not null)
                {
                    result["flops"] = costs.ToJson();
                }

                terminal.WriteLine(result.ToJsonString(JsonOutput.Options));
                return;
            }

            terminal.WriteLine($"{folder}: {tuned.Model.Config.ModelType}, {tuned.Model.Blocks.Count} blocks of width {tuned.Model.Width}{WhatItReads(tuned.Model)}");
            WriteNotes(tuned.Model, folder, terminal.Output);
            terminal.WriteLine();
            WriteWeights(tuned, parsed.GetValue(all), terminal.Output);
            terminal.WriteLine();
            WriteGroups(tuned, hasRecipe, terminal.Output);
            if (costs is not null)
            {
                terminal.WriteLine();
                costs.Write(terminal.Output);
            }
        });
        return verb;
    }

    // Without a recipe nothing was frozen: the step is that of full tuning.
    private static StepCosts CostsOf(TunedModel tuned, int tokens, bool hasRecipe) => new(
        hasRecipe ? tuned.Trainable.Select(parameter => parameter.Value) : TunedModel.AllParameters(tuned.Model).Select(parameter => parameter.Value), tuned, tokens);

    // Neither a tokenizer nor weights are needed: a configuration alone tells the shapes that a run with 'start: random' would make.
    private static TunedModel Open(string path, string? baseModel, KindCatalog kinds)
    {
        string final = Path.Combine(path, RunFolder.FinalName);
        string folder = File.Exists(Path.Combine(path, RunFolder.EventsFileName)) && Directory.Exists(final) ? final : path;
        if (AdapterFolders.Exists(folder) || !File.Exists(Path.Combine(folder, ModelConfig.FileName)))
        {
            LoadedModel loaded = ModelFolder.Open(path, baseModel: baseModel, kinds: kinds);
            return new TunedModel(loaded.Model, loaded.Adapters);
        }

        ModelConfig config = ModelConfig.Read(folder);
        HeadChoice head = LoadedModel.HeadOf(config);
        bool hasWeights = HasWeights(folder);
        return new TunedModel(head.Kind switch
        {
            HeadKind.PicturesAndTexts => hasWeights ? ClipModel.Load(folder) : ClipModel.Create(config, seed: 0),
            HeadKind.Pictures => hasWeights ? VisionModel.Load(folder, head.Outputs) : VisionModel.Create(config, head.Outputs, seed: 0),
            _ => hasWeights ? TextModel.Load(folder, head) : TextModel.Create(config, head, seed: 0),
        });
    }

    private static string WhatItReads(PretrainedModel model) => model switch
    {
        TextModel { Backbone: var body } => $", {Figures.Count(body.VocabularySize)} tokens, at most {Figures.Count(body.MaxPositions)} positions",
        VisionModel vision when vision.Family.InputOf(vision.Config) is var input => $", pictures of {input.Height} × {input.Width} pixels in {input.Channels} channels",
        _ => string.Empty,
    };

    private static bool HasWeights(string folder) =>
        File.Exists(Path.Combine(folder, CheckpointFiles.SingleFileName)) || File.Exists(Path.Combine(folder, CheckpointFiles.IndexFileName));

    private static void WriteNotes(PretrainedModel model, string folder, TextWriter output)
    {
        if (File.Exists(Path.Combine(folder, ModelConfig.FileName)) && !HasWeights(folder))
        {
            output.WriteLine("there are no weights here, only a configuration: they would start at random");
        }

        if (model.NewlyInitialized.Count > 0)
        {
            output.WriteLine($"not in the files, would start at random: {string.Join(", ", model.NewlyInitialized)}");
        }

        if (model.Unused.Count > 0)
        {
            output.WriteLine($"in the files, but not used: {string.Join(", ", model.Unused)}");
        }
    }

    private static void WriteWeights(TunedModel tuned, bool all, TextWriter output)
    {
        var table = new TextColumns("weight", ">shape", "type", ">weights", ">size", ">times");
        foreach (IGrouping<string, Parameter> group in TunedModel.AllParameters(tuned.Model).GroupBy(parameter => all ? parameter.Name : KeyOf(parameter, tuned.Model)))
        {
            Parameter first = group.First();
            Tensor value = first.Value;
            table.Add(group.Key.Split('|')[0], value.Shape.ToString(), value.DType.ToString(), Figures.Count(value.Count), Figures.Bytes(value.DType.ByteLength(value.Count)),
                group.Count() == 1 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $"× {group.Count()}"));
        }

        table.Write(output);
    }

    // The number of the block becomes a star; weights of another shape or type stay on a line of their own.
    private static string KeyOf(Parameter parameter, PretrainedModel model) => parameter.Depth >= 1 && parameter.Depth <= model.Blocks.Count
        ? $"{BlockNumber().Replace(parameter.Name, ".*.", 1)}|{parameter.Value.Shape}|{parameter.Value.DType}"
        : parameter.Name;

    private static void WriteGroups(TunedModel tuned, bool hasRecipe, TextWriter output)
    {
        TextColumns table = hasRecipe ? new TextColumns("group", ">weights", ">size", ">trained") : new TextColumns("group", ">weights", ">size");
        void Add(string name, IReadOnlyCollection<Parameter> parameters)
        {
            string[] cells = [name, Figures.Count(parameters.Sum(p => p.Count)), Figures.Bytes(parameters.Sum(p => (double)p.Value.DType.ByteLength(p.Count))), Figures.Count(parameters.Where(p => p.Trainable).Sum(p => p.Count))];
            table.Add(cells[..(hasRecipe ? 4 : 3)]);
        }

        foreach (IGrouping<string, Parameter> group in Groups(tuned))
        {
            Add(group.Key, [.. group]);
        }

        Add("all", [.. TunedModel.AllParameters(tuned.Model)]);
        table.Write(output);
        if (hasRecipe)
        {
            output.WriteLine();
            output.WriteLine($"{Figures.Count(tuned.TrainableCount)} of {Figures.Count(tuned.TotalCount)} weights would learn ({Figures.Share(tuned.TrainableCount, tuned.TotalCount)})");
            foreach (MethodShare share in tuned.Shares)
            {
                output.WriteLine($"  {share.Method}: {Figures.Count(tuned.CountOf(share.Parameters))}");
            }
        }
    }

    private static IEnumerable<IGrouping<string, Parameter>> Groups(TunedModel tuned)
    {
        HashSet<Parameter> attached = [.. tuned.Adapters.SelectMany(adapter => adapter.PartWeights())];
        return TunedModel.AllParameters(tuned.Model)
            .GroupBy(parameter => attached.Contains(parameter) ? $"adapter on {NameOf(parameter.Kind)}" : NameOf(parameter.Kind), StringComparer.Ordinal);
    }

    private static string NameOf(ParameterKind kind) => kind switch
    {
        ParameterKind.Embedding => "embeddings",
        ParameterKind.Attention => "attention",
        ParameterKind.FeedForward => "feed-forward",
        ParameterKind.Norm => "norms",
        ParameterKind.Head => "head",
        _ => "other",
    };

    private static JsonObject ToJson(TunedModel tuned, bool hasRecipe) => new()
    {
        ["family"] = tuned.Model.Config.ModelType,
        ["blocks"] = tuned.Model.Blocks.Count,
        ["weights"] = tuned.TotalCount,
        ["trainable"] = hasRecipe ? tuned.TrainableCount : null,
        ["tensors"] = new JsonArray([.. TunedModel.AllParameters(tuned.Model).Select(parameter => new JsonObject
        {
            ["name"] = parameter.Name,
            ["shape"] = new JsonArray([.. parameter.Value.Shape.AsSpan().ToArray().Select(extent => JsonValue.Create(extent))]),
            ["type"] = parameter.Value.DType.ToString(),
            ["group"] = NameOf(parameter.Kind),
            ["trainable"] = hasRecipe ? parameter.Trainable : null,
        })]),
    };

    [GeneratedRegex(@"\.\d+\.", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex BlockNumber();
}
