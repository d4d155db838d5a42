using System.Text.Json;
using Hieno.Merging;
using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Tuning;

namespace Hieno.Parity;

/// <summary>
/// Three steps on GPT-2 with a learning rate that falls from layer to layer and a frozen table of positions, and the weights between start and end
/// (WiSE-FT), against the reference. Its moving average of the weights is not compared: there is no such method here.
/// </summary>
internal static class LayerDecayCheck
{
    private const double WeightLimit = 2e-5;
    private const double LossLimit = 5e-6;

    /// <summary>Trains and compares.</summary>
    public static IEnumerable<Measurement> Run(string path)
    {
        var expected = TensorFile.Read(path);
        using var meta = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Path.GetDirectoryName(path)!, "meta.json")));
        JsonElement settings = meta.RootElement.GetProperty("llrd_gpt2");
        string[] frozen = [.. settings.GetProperty("frozen").EnumerateArray().Select(name => name.GetString()!)];
        Fixture fixture = AlignFixture.BaseOf(path, "gpt2");
        var subject = Subject.Load(fixture);
        TunedModel tuned = new PartialOptions { Freeze = frozen }.Create().Apply(subject.Model, seed: 0);
        IOptimizer optimizer = new AdamWOptions().Create(OptimizedParameter.Create(
            tuned.Trainable, subject.Text.Backbone.Blocks.Count, weightDecay: 0, layerDecay: settings.GetProperty("decay").GetDouble()));

        double loss = 0;
        foreach (JsonElement reference in settings.GetProperty("losses").EnumerateArray())
        {
            loss = Math.Max(loss, LossCheck.Compare(subject, fixture.Batch, reference.GetSingle()));
            subject.Differentiate(fixture.Batch, tuned.Trainable);
            optimizer.Step(settings.GetProperty("base_lr").GetDouble(), gradientScale: 1);
        }

        yield return new Measurement("losses", loss, LossLimit);
        yield return WorstWeight(subject, expected, fixture);
        yield return new Measurement("between", LogitsBetween(fixture, subject, settings.GetProperty("wise_alpha").GetDouble(), expected), LogitsCheck.Limit(fixture));
    }

    private static Measurement WorstWeight(Subject subject, TensorFile expected, Fixture fixture)
    {
        (double worst, string? where) = (0, null);
        foreach (Parameter parameter in subject.Model.Parameters())
        {
            float[] actual = parameter.Value.ToArray();
            float[] reference = expected.Floats("llrd." + parameter.Name);

            // An entry whose gradient is rounding noise, as that of a key's offset is, moves by whole steps in a direction of chance.
            float[] gradient = fixture.Gradients.Has(parameter.Name) ? fixture.Gradients.Floats(parameter.Name) : new float[actual.Length];
            double error = Enumerable.Range(0, actual.Length).Where(i => Math.Abs(gradient[i]) >= 1e-6).Select(i => Math.Abs((double)actual[i] - reference[i])).DefaultIfEmpty().Max();
            if (!(error <= worst))
            {
                (worst, where) = (error, parameter.Name);
            }
        }

        return new Measurement("adamw", worst, WeightLimit, where);
    }

    // From the reference's own end, so that only the way between is compared.
    private static double LogitsBetween(Fixture fixture, Subject subject, double alpha, TensorFile expected)
    {
        string end = Directory.CreateTempSubdirectory("parity").FullName;
        try
        {
            foreach (Parameter parameter in subject.Model.Parameters())
            {
                parameter.MakeWritable();
                parameter.Base.Backend.CopyFromHost(expected.Floats("llrd." + parameter.Name), parameter.Base);
            }

            WeightFiles.SaveModel(subject.Model, end, companions: null);
            using (WeightMix mix = WeightMix.Interpolate(fixture.Folder, end, alpha))
            {
                mix.LoadInto(subject.Model);
            }

            return LogitsCheck.Compare(fixture, subject.Logits(fixture.Batch), fixture.Batch, expected, "wise_ft_alpha0.3.logits");
        }
        finally
        {
            Directory.Delete(end, recursive: true);
        }
    }
}
