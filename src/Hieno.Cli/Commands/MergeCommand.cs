using System.CommandLine;
using Hieno.Formats;
using Hieno.Merging;
using Hieno.Models;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno merge …</c>: an adapter into its base, adapters into one adapter, or the changes of tuned models into their base.</summary>
internal static class MergeCommand
{
    // Rounding alone: one part in a hundred thousand of the largest logit, or of 1 where all are small.
    private const double Tolerance = 1e-5;

    // PEFT's names, with hyphens.
    private static readonly Dictionary<string, MergeMethod> s_rules = new(StringComparer.Ordinal)
    {
        ["linear"] = MergeMethod.Linear,
        ["magnitude-prune"] = MergeMethod.MagnitudePrune,
        ["ties"] = MergeMethod.Ties,
        ["dare-linear"] = MergeMethod.DareLinear,
        ["dare-ties"] = MergeMethod.DareTies,
    };

    private sealed record Request(IReadOnlyList<MergeInput> Inputs, string Output, string? Base, string? Method, MergeOptions Rule, int? Rank, KindCatalog Kinds, bool AsTrained);

    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "merge",
            "One adapter: writes its change into the base model's weights and saves a whole model, which is opened again and compared with the adapter on a probe. "
            + "Several adapters, or --method: combines them into one adapter, without the base. Whole models with --base: combines what tuning changed (task vectors).",
            "hieno merge runs/support/final --out models/support",
            "hieno merge runs/support runs/sales --weights 0.7,0.3 --method cat --out adapters/both",
            "hieno merge runs/a runs/b --base models/hieno-decoder --method ties --density 0.2 --out models/ties");
        Argument<string[]> models = verb.With(new Argument<string[]>("ADAPTER|MODEL") { Description = "Adapter folders, or whole models with --base; or the folders of their runs.", Arity = ArgumentArity.OneOrMore });
        Option<string?> output = verb.Text("--out", "DIR", "The folder to write to; it must not hold a model yet.");
        output.Required = true;
        Option<string?> baseModel = verb.Text("--base", "DIR", "The base model: of an adapter where it has moved, or that whole models were tuned from.");
        Option<string?> method = verb.Text("--method", "METHOD", $"cat (adapters only, exact), {string.Join(", ", s_rules.Keys)}; for adapters also svd, and magnitude-prune-svd, ties-svd, … on the products BA. Default: cat for adapters, linear for models.");
        Option<string[]> weights = verb.Texts("--weights", "W", "The weight of each, by commas; a negative one takes a change away: --weights=-1. Default 1.");
        Option<double> density = verb.With(new Option<double>("--density") { Description = "The share of elements that pruning, TIES and DARE keep.", HelpName = "D", DefaultValueFactory = _ => new MergeOptions().Density });
        Option<double> scale = verb.With(new Option<double>("--scale") { Description = "What the combined change is multiplied by.", HelpName = "S", DefaultValueFactory = _ => 1 });
        Option<ulong> seed = verb.With(new Option<ulong>("--seed") { Description = "The seed of what DARE drops.", HelpName = "N", DefaultValueFactory = _ => new MergeOptions().Seed });
        Option<bool> majority = verb.Flag("--majority", "TIES elects the sign of most elements instead of that of their sum.");
        Option<int?> rank = verb.With(new Option<int?>("--rank") { Description = "The rank that svd leaves. Default: the largest of the adapters'.", HelpName = "N" });
        Option<bool> asTrained = verb.Flag("--as-trained", "Where one adapter was trained on a quantised base: writes it into that base's numbers, in 32 bits, instead of into the base as it is in its file.");
        var plugins = new PluginFlag(verb);
        verb.SetAction(parsed =>
        {
            string[] folders = parsed.GetRequiredValue(models);
            string[] texts = parsed.GetValue(weights)!;
            if (texts.Length > 0 && texts.Length != folders.Length)
            {
                throw new UsageException($"merge: there are {folders.Length} models and {texts.Length} weights. Give one weight each.");
            }

            var rule = new MergeOptions { Density = parsed.GetValue(density), Scale = parsed.GetValue(scale), Seed = parsed.GetValue(seed), Election = parsed.GetValue(majority) ? SignElection.Frequency : SignElection.Total };
            ThrowIfInvalid(rule, parsed.GetValue(rank));
            MergeInput[] inputs = [.. folders.Select((folder, i) => new MergeInput(folder, texts.Length > 0 ? Numbers.Parse(texts[i], "--weights") : 1))];
            var request = new Request(inputs, parsed.GetRequiredValue(output)!, parsed.GetValue(baseModel), parsed.GetValue(method), rule, parsed.GetValue(rank), plugins.Kinds(parsed), parsed.GetValue(asTrained));
            ThrowIfUsed(request.Output);
            bool isPlain = inputs.Length == 1 && texts.Length == 0 && request.Method is null;
            bool[] isAdapter = [.. folders.Select(IsAdapter)];
            return isPlain && (isAdapter[0] || request.Base is null) ? IntoBase(terminal, request)
                : isAdapter.All(adapter => adapter) ? Adapters(terminal, request)
                : isAdapter.Any(adapter => adapter) ? throw new UsageException("merge: these are adapters and whole models. Write the adapters into their base first, each by 'hieno merge ADAPTER --out DIR'.")
                : Models(terminal, request);
        });
        return verb;
    }

    private static void ThrowIfInvalid(MergeOptions rule, int? rank)
    {
        try
        {
            rule.Validate();
        }
        catch (ArgumentOutOfRangeException fault)
        {
            throw new UsageException($"merge: --{fault.ParamName!.ToLowerInvariant()} is {fault.ActualValue}. {fault.Message.Split('(')[0].Trim()}");
        }

        if (rank < 1)
        {
            throw new UsageException($"merge: --rank is {rank}. It must be at least 1.");
        }
    }

    private static void ThrowIfUsed(string output)
    {
        if (File.Exists(Path.Combine(output, ModelConfig.FileName)) || AdapterFolders.Exists(output))
        {
            throw new UsageException($"merge: {output} holds a model already. Give another --out.");
        }
    }

    private static bool IsAdapter(string path) => AdapterFolders.Exists(path) || AdapterFolders.Exists(Path.Combine(path, "final"));

    private static int Adapters(Terminal terminal, Request request)
    {
        string method = request.Method ?? "cat";
        AdapterForm form = method == "cat" ? AdapterForm.Concatenated : method == "svd" || method.EndsWith("-svd", StringComparison.Ordinal) ? AdapterForm.Products : AdapterForm.Factors;
        string rule = method is "cat" or "svd" ? "linear" : form == AdapterForm.Products ? method[..^"-svd".Length] : method;
        var options = new AdapterMergeOptions { Form = form, Rule = request.Rule with { Method = Rule(rule, method) }, Rank = request.Rank };
        AdapterMergeReport report = terminal.During("combining …", () => AdapterMerge.Save(request.Inputs, request.Output, options, request.Base));
        terminal.WriteLine($"adapter {report.Folder}, rank {report.Rank} in {report.Layers} layers");
        terminal.WriteLine(report.Distance < 1e-6
            ? "the change is exactly the weighted sum of the adapters' changes, up to rounding"
            : $"the change lies {Figures.Number(100 * report.Distance, 2)} % of its length from the weighted sum of the adapters' changes");
        return ExitCode.Done;
    }

    private static int Models(Terminal terminal, Request request)
    {
        string origin = request.Base ?? throw new UsageException("merge: to combine whole models, name the model that they were tuned from by --base; to average them, use 'hieno soup'.");
        string method = request.Method ?? "linear";
        using WeightMix mix = WeightMix.Combine(origin, request.Inputs, request.Rule with { Method = Rule(method, method) });
        foreach (string name in mix.LeftOut)
        {
            terminal.Error.WriteLine($"note: not all of the models have it, so it is left out: {name}");
        }

        terminal.During("combining …", () =>
        {
            mix.Save(request.Output);
            return true;
        });
        terminal.WriteLine($"model   {request.Output}, {method} of {request.Inputs.Count} on {origin}");
        return ExitCode.Done;
    }

    private static MergeMethod Rule(string name, string given) => s_rules.TryGetValue(name, out MergeMethod method)
        ? method
        : throw new UsageException($"merge: '{given}' is no method for these. The methods are {string.Join(", ", s_rules.Keys)}; for adapters also cat, svd, and those with -svd at the end.");

    private static int IntoBase(Terminal terminal, Request request)
    {
        (string adapter, string output) = (request.Inputs[0].Folder, request.Output);
        LoadedModel loaded = ModelFolder.Open(adapter, baseModel: request.Base, kinds: request.Kinds, quantized: request.AsTrained);
        if (loaded.Adapters.Count == 0)
        {
            throw new UsageException($"merge: {adapter} is a whole model, there is no adapter to merge.");
        }

        TokenBatch probe = Probe(loaded.Text);
        float[] before = Outputs(loaded.Text, probe);
        loaded.SaveMerged(output);
        float[] after = Outputs(LoadedModel.Open(output).Text, probe);
        double difference = Largest(before, after);
        double largest = before.Max(Math.Abs);
        bool isSame = difference <= Tolerance * Math.Max(1, largest); // false for NaN too
        terminal.WriteLine($"model   {output}");
        terminal.WriteLine($"largest difference of logits between adapter and merged model on {probe.Ids.Length} tokens: {Figures.Rate(difference)} (largest logit {Figures.Number(largest, 2)})");
        if (QuantizedBase.Read(loaded.Folder) is { } quantization)
        {
            terminal.WriteLine(request.AsTrained
                ? $"note: the base was quantised to {quantization.StoredAs} in training; the merged weights are those numbers, in 32 bits"
                : $"note: the base was quantised to {quantization.StoredAs} in training, and the adapter is now merged into the base as it is in its file; against the model that was trained, logits differ by up to {Figures.Rate(Largest(after, Outputs(ModelFolder.Open(adapter, baseModel: request.Base).Text, probe)))}");
        }

        if (!isSame)
        {
            terminal.Error.WriteLine($"error: that is more than rounding explains ({Figures.Rate(Tolerance)} of the largest logit). Do not use the merged model; please report it.");
        }

        return isSame ? ExitCode.Done : ExitCode.Failed;
    }

    private static double Largest(float[] a, float[] b) => a.Zip(b).Max(pair => Math.Abs((double)pair.First - pair.Second));

    // Ids spread over the whole vocabulary, in two rows of different lengths.
    private static TokenBatch Probe(TextModel model)
    {
        int length = Math.Min(32, model.Backbone.MaxTextLength);
        int[] lengths = [length, Math.Max(1, length / 2)];
        int[] ids = [.. Enumerable.Range(0, lengths.Sum()).Select(i => (int)(i * 7919L % model.Backbone.VocabularySize))];
        return new TokenBatch(ids, lengths);
    }

    private static float[] Outputs(TextModel model, TokenBatch probe)
    {
        using Tape tape = Tape.Begin(record: false);
        return (model.ClassificationHead is null ? model.Logits(probe) : model.Classify(probe)).ToArray();
    }
}
