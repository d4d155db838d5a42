using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Parity;

/// <summary>
/// A LoRA adapter from PEFT's folder against the reference: logits with the adapter beside its layers and merged into them, loss, gradients
/// of the pairs and of modules saved whole, and all of these after three steps of AdamW.
/// </summary>
internal static class LoRACheck
{
    private const string Prefix = "base_model.model.";

    /// <summary>Runs all of it on freshly loaded models.</summary>
    public static IEnumerable<Measurement> Run(Fixture fixture, string folder)
    {
        var expected = TensorFile.Read(Path.Combine(folder, "expected.safetensors"));
        var subject = Subject.Load(fixture);
        Adapter adapter = PeftFolder.Load(subject.Model, folder);
        double logits = LogitsCheck.Compare(fixture, subject.Logits(fixture.Batch), fixture.Batch, expected, "eval.logits");
        yield return new Measurement("lora logits", logits, LogitsCheck.Limit(fixture));
        yield return new Measurement("merged", MergedLogits(fixture, folder, expected), LogitsCheck.Limit(fixture));
        yield return LossCheck.Measure("loss", LossCheck.Compare(subject, fixture.Batch, expected.Floats("loss")[0], fixture.TrainsOnBatches));

        foreach (Parameter parameter in subject.Model.Parameters())
        {
            parameter.Trainable = false;
        }

        adapter.SetTrainable(true);
        Parameter[] parameters = [.. adapter.Parameters()];
        ThrowUnlessSameNames(folder, adapter, expected);
        subject.Differentiate(fixture.Batch, parameters);
        yield return GradientsCheck.Worst("gradient", parameters.Select(p => (p, "grad." + NameOf(adapter, p))), expected) with { NamesPlace = false };

        AdamWCheck.Train(fixture.Batch, subject, parameters);
        yield return AdamWCheck.Worst("adamw", parameters.Select(p => (p, "grad." + NameOf(adapter, p), "adamw3." + NameOf(adapter, p))), expected, expected);
    }

    private static double MergedLogits(Fixture fixture, string folder, TensorFile expected)
    {
        var subject = Subject.Load(fixture);
        PeftFolder.Load(subject.Model, folder).Merge();
        return LogitsCheck.Compare(fixture, subject.Logits(fixture.Batch), fixture.Batch, expected, "merged.eval.logits");
    }

    // In memory PEFT writes the adapter's name into those of its weights: q_proj.lora_A.default.weight, score.modules_to_save.default.weight.
    private static string NameOf(Adapter adapter, Parameter parameter)
    {
        int last = parameter.Name.LastIndexOf('.');
        (string module, string weight) = (parameter.Name[..last], parameter.Name[(last + 1)..]);
        if (!adapter.Copies.Any(copy => copy.Parameter == parameter))
        {
            return $"{Prefix}{module}.{adapter.Name}.{weight}";
        }

        // A module that is saved whole may hold smaller ones: classifier.modules_to_save.default.dense.weight.
        string[] parts = module.Split('.');
        int whole = Enumerable.Range(1, parts.Length).First(count =>
            count == parts.Length || adapter.Options.ModulesToSave.Any(name => LayerTargets.Matches(string.Join('.', parts[..count]), name)));
        return $"{Prefix}{string.Join('.', [.. parts[..whole], "modules_to_save", adapter.Name, .. parts[whole..], weight])}";
    }

    private static void ThrowUnlessSameNames(string folder, Adapter adapter, TensorFile expected)
    {
        var ours = adapter.Parameters().Select(p => "grad." + NameOf(adapter, p)).ToHashSet(StringComparer.Ordinal);
        string[] theirs = [.. expected.Names.Where(name => name.StartsWith("grad.", StringComparison.Ordinal))];
        if (!ours.SetEquals(theirs))
        {
            throw new FixtureException($"{folder}: the reference trains [{string.Join(", ", theirs.Except(ours, StringComparer.Ordinal))}], which the adapter does not have, or the other way round.");
        }
    }
}
