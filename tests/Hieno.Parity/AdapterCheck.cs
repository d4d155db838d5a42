using Hieno.Formats.Peft;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Parity;

/// <summary>
/// An adapter from PEFT's folder against the reference, whatever its method: logits with the adapter and merged, loss, gradients, three steps of
/// AdamW, and the files that we save.
/// </summary>
internal static class AdapterCheck
{
    /// <summary>Runs all of it on freshly loaded models.</summary>
    public static IEnumerable<Measurement> Run(string folder)
    {
        var fixture = Fixture.Read(AdapterFixture.BaseOf(folder));
        var expected = TensorFile.Read(Path.Combine(folder, "expected.safetensors"));
        var subject = Subject.Load(fixture);
        Adapter adapter = PeftFolder.Load(subject.Model, folder);
        yield return new Measurement("logits", LogitsCheck.Compare(fixture, subject.Logits(fixture.Batch), fixture.Batch, expected, "logits"), LogitsCheck.Limit(fixture));
        if (expected.Has("merged.logits"))
        {
            yield return new Measurement("merged", MergedLogits(fixture, folder, expected), LogitsCheck.Limit(fixture));
        }

        if (expected.Has("reloaded.logits"))
        {
            yield return new Measurement("reloaded", LogitsCheck.Compare(fixture, subject.Logits(fixture.Batch), fixture.Batch, expected, "reloaded.logits"), LogitsCheck.Limit(fixture));
        }

        if (expected.Names.Count(name => name.StartsWith("param.prompt_encoder.", StringComparison.Ordinal)) > 1)
        {
            subject = Subject.Load(fixture); // the file holds what the encoder computes; the encoder itself is made anew
            adapter = adapter.Options.Create().Apply(subject.Model, seed: 1).Adapter!;
            Restore(adapter, expected);
            yield return new Measurement("encoded", LogitsCheck.Compare(fixture, subject.Logits(fixture.Batch), fixture.Batch, expected, "logits"), LogitsCheck.Limit(fixture));
        }

        foreach (Parameter parameter in subject.Model.Parameters())
        {
            parameter.Trainable = false;
        }

        adapter.SetTrainable(true);
        subject.Rule = adapter.StepRule;
        yield return LossCheck.Measure("loss", LossCheck.Compare(subject, fixture.Batch, expected.Floats("loss")[0]));

        (Parameter Parameter, string Name)[] learned = [.. Learned(adapter, expected)];
        Parameter[] parameters = [.. learned.Select(item => item.Parameter)];
        subject.Differentiate(fixture.Batch, parameters);
        yield return GradientsCheck.Worst("gradient", learned.Select(item => (item.Parameter, "grad." + item.Name)), expected) with { NamesPlace = false };

        AdamWCheck.Train(fixture.Batch, subject, parameters, learningRate: 1e-2, weightDecay: 0);
        yield return AdamWCheck.Worst("adamw", learned.Select(item => (item.Parameter, "grad." + item.Name, "adamw3." + item.Name)), expected, expected);
        yield return new Measurement("files", DifferencesOfFiles(fixture, folder), 0);
    }

    /// <summary>The reference's name of each weight that learns, which it prefixes with <c>param.</c>, <c>grad.</c> and <c>adamw3.</c>.</summary>
    /// <exception cref="FixtureException">The reference trains other weights.</exception>
    private static IEnumerable<(Parameter Parameter, string Name)> Learned(Adapter adapter, TensorFile expected)
    {
        const string Gradient = "grad.";
        var theirs = expected.Names.Where(name => name.StartsWith(Gradient, StringComparison.Ordinal)).ToDictionary(name => Plain(name[Gradient.Length..]), name => name[Gradient.Length..], StringComparer.Ordinal);
        var ours = adapter.Parameters().ToHashSet();
        (string Name, Parameter Parameter)[] saved = [.. PeftFolder.Tensors(adapter).Select(item => (item.Name, item.Parameter)).Where(item => ours.Contains(item.Parameter))];
        foreach ((string name, Parameter parameter) in saved.Concat(ours.Except(saved.Select(item => item.Parameter)).Select(parameter => (parameter.Name, parameter))))
        {
            string key = theirs.ContainsKey(Plain(name)) ? Plain(name) : theirs.Keys.FirstOrDefault(other => IsShared(name, other)) ?? Plain(parameter.Name);
            yield return theirs.Remove(key, out string? found) ? (parameter, found) : throw new FixtureException($"the reference does not train {name}.");
        }

        if (theirs.Count > 0)
        {
            throw new FixtureException($"the reference trains {string.Join(", ", theirs.Values)}, the adapter does not.");
        }
    }

    private static void Restore(Adapter adapter, TensorFile expected)
    {
        foreach ((Parameter parameter, string name) in Learned(adapter, expected))
        {
            parameter.Value.Backend.CopyFromHost(expected.Floats("param." + name), parameter.Value);
        }
    }

    // In memory PEFT writes the adapter's name into those of its weights, and keeps some of them in modules that a file does not show.
    private static string Plain(string name)
    {
        string plain = name.Replace(".modules_to_save.", ".", StringComparison.Ordinal).Replace($".{Adapter.DefaultName}", string.Empty, StringComparison.Ordinal);
        return plain.EndsWith(".weight", StringComparison.Ordinal) ? plain[..^".weight".Length] : plain;
    }

    // A weight that layers share lies at the root of the file; in memory PEFT lists it under the first layer.
    private static bool IsShared(string name, string theirs) => name.Count(c => c == '.') == 1 && theirs.EndsWith(name[name.IndexOf('.', StringComparison.Ordinal)..], StringComparison.Ordinal);

    private static double MergedLogits(Fixture fixture, string folder, TensorFile expected)
    {
        var subject = Subject.Load(fixture);
        PeftFolder.Load(subject.Model, folder).Merge();
        return LogitsCheck.Compare(fixture, subject.Logits(fixture.Batch), fixture.Batch, expected, "merged.logits");
    }

    // How many tensors and settings of a saved copy differ from the reference's, in name, shape or any bit. The offsets of changed layers may be
    // there in addition: with bias 'lora_only' PEFT trains them but forgets to save them.
    private static int DifferencesOfFiles(Fixture fixture, string folder)
    {
        string copy = Directory.CreateTempSubdirectory("parity").FullName;
        try
        {
            Adapter adapter = PeftFolder.Load(Subject.Load(fixture).Text, folder);
            PeftFolder.Save(adapter, copy, PeftAdapterConfig.Read(folder).BaseModel!);
            using var theirs = SafetensorsFile.Open(Path.Combine(folder, PeftAdapterConfig.WeightsFileName));
            using var ours = SafetensorsFile.Open(Path.Combine(copy, PeftAdapterConfig.WeightsFileName));
            int tensors = theirs.Entries.Keys.Union(ours.Entries.Keys).Count(name => !theirs.Entries.TryGetValue(name, out SafetensorsEntry? a)
                ? !name.EndsWith(".base_layer.bias", StringComparison.Ordinal)
                : !ours.Entries.TryGetValue(name, out SafetensorsEntry? b) || !a.Shape.SequenceEqual(b.Shape) || !theirs.Bytes(a).SequenceEqual(ours.Bytes(b)));
            var settings = PeftAdapterConfig.Read(folder).Settings!.Json.EnumerateObject().ToDictionary(item => item.Name, item => item.Value.GetRawText());
            var saved = PeftAdapterConfig.Read(copy).Settings!.Json;
            return tensors + settings.Count(item => !saved.TryGetProperty(item.Key, out var value)
                || !System.Text.Json.Nodes.JsonNode.DeepEquals(System.Text.Json.Nodes.JsonNode.Parse(item.Value), System.Text.Json.Nodes.JsonNode.Parse(value.GetRawText())));
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }
}
