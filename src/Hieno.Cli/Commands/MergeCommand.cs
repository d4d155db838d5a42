using System.CommandLine;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno merge ADAPTER --out DIR</c>: a whole model that needs no adapter.</summary>
internal static class MergeCommand
{
    // Rounding alone: one part in a hundred thousand of the largest logit, or of 1 where all are small.
    private const double Tolerance = 1e-5;

    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "merge",
            "Writes an adapter's change into its base model's weights and saves a whole model. The saved model is opened again and compared with the adapter on a probe.",
            "hieno merge runs/support/final --out models/support");
        Argument<string> adapter = verb.Required("ADAPTER", "An adapter folder, or the folder of a run that trained one.");
        Option<string?> output = verb.Text("--out", "DIR", "The folder to write to; it must not hold a model yet.");
        output.Required = true;
        Option<string?> baseModel = verb.Text("--base", "DIR", "The base model, where it is no longer where the adapter says.");
        verb.SetAction(parsed => Run(terminal, parsed.GetRequiredValue(adapter), parsed.GetRequiredValue(output)!, parsed.GetValue(baseModel)));
        return verb;
    }

    private static int Run(Terminal terminal, string adapter, string output, string? baseModel)
    {
        if (File.Exists(Path.Combine(output, ModelConfig.FileName)) || File.Exists(Path.Combine(output, "adapter_config.json")))
        {
            throw new UsageException($"merge: {output} holds a model already. Give another --out.");
        }

        LoadedModel loaded = ModelFolder.Open(adapter, baseModel: baseModel);
        if (loaded.Adapter is null)
        {
            throw new UsageException($"merge: {adapter} is a whole model, there is no adapter to merge.");
        }

        TokenBatch probe = Probe(loaded.Model);
        float[] before = Outputs(loaded.Model, probe);
        loaded.SaveMerged(output);
        float[] after = Outputs(LoadedModel.Open(output).Model, probe);
        double difference = before.Zip(after).Max(pair => Math.Abs((double)pair.First - pair.Second));
        double largest = before.Max(Math.Abs);
        bool isSame = difference <= Tolerance * Math.Max(1, largest); // false for NaN too
        terminal.WriteLine($"model   {output}");
        terminal.WriteLine($"largest difference of logits between adapter and merged model on {probe.Ids.Length} tokens: {Figures.Rate(difference)} (largest logit {Figures.Number(largest, 2)})");
        if (!isSame)
        {
            terminal.Error.WriteLine($"error: that is more than rounding explains ({Figures.Rate(Tolerance)} of the largest logit). Do not use the merged model; please report it.");
        }

        return isSame ? ExitCode.Done : ExitCode.Failed;
    }

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
