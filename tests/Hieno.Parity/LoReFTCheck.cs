using System.Text.Json;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Optimizers;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Parity;

/// <summary>Three steps of LoReFT at one block of a Llama against the reference: logits, losses, gradients, and how far R is from orthonormal.</summary>
internal static class LoReFTCheck
{
    private const double ValueLimit = 2e-5;
    private const double OrthonormalLimit = 1e-5;

    /// <summary>Trains and compares.</summary>
    public static IEnumerable<Measurement> Run(string path)
    {
        var expected = TensorFile.Read(path);
        using var meta = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Path.GetDirectoryName(path)!, "meta.json")));
        JsonElement settings = meta.RootElement.GetProperty("loreft");
        Fixture fixture = AlignFixture.BaseOf(path, "llama");
        TextModel model = Subject.Load(fixture).Text;
        (ReftUpdate part, TunedModel tuned) = Attach(model, expected, settings);
        (TokenBatch batch, int[] labels) = Rows(path, expected.Ints("positions"));

        yield return new Measurement("logits", Logits(model, batch, expected, "logits"), LogitsCheck.Limit(fixture));
        IOptimizer optimizer = new AdamWOptions().Create(OptimizedParameter.Create(tuned.Trainable, model.Backbone.Blocks.Count, weightDecay: 0));
        (double loss, double gradient, double skew) = (0, 0, 0);
        foreach ((JsonElement reference, int step) in settings.GetProperty("losses").EnumerateArray().Select((value, i) => (value, i)))
        {
            loss = Math.Max(loss, Math.Abs(Differentiate(model, tuned, batch, labels) - reference.GetDouble()) / reference.GetDouble());
            if (step == 0)
            {
                gradient = part.Parameters.Zip((string[])["grad.R_original", "grad.W", "grad.b"], (parameter, name) => Difference.RelativeFrobenius(parameter.Value.Grad!.ToArray(), expected.Floats(name))).Max();
            }

            optimizer.Step(settings.GetProperty("lr").GetDouble(), gradientScale: 1);
            skew = Math.Max(skew, DistanceFromOrthonormal(part.Rotation()));
        }

        yield return LossCheck.Measure("losses", loss);
        yield return new Measurement("gradient", gradient, 1e-4);
        yield return new Measurement("adamw", new[] { (part.Rotation(), "adamw3.R"), (part.Parameters[1].Value, "adamw3.W"), (part.Parameters[2].Value, "adamw3.b") }
            .Max(item => Difference.LargestAbsolute(item.Item1.ToArray(), expected.Floats(item.Item2))), ValueLimit);
        yield return new Measurement("orthonormal", skew, OrthonormalLimit);
    }

    private static (ReftUpdate Part, TunedModel Tuned) Attach(TextModel model, TensorFile expected, JsonElement settings)
    {
        int block = settings.GetProperty("layer").GetInt32();
        BlockSite site = model.Modules().OfType<BlockSite>().Single(item => item.Where == BlockPlace.Output && item.Block == block);
        var options = new ReftOptions { Rank = settings.GetProperty("rank").GetInt32(), FirstTokens = 2, LastTokens = 1, Tied = true };
        var adapter = new Adapter(model, options);
        var part = new ReftUpdate(site, adapter.Name, "all", options, expected.Floats("R_parametrization_base"), LongLived(expected, "W"), LongLived(expected, "b"));
        foreach (Parameter parameter in model.Parameters())
        {
            parameter.Trainable = false;
        }

        adapter.Attach(part);
        return (part, adapter.Complete());
    }

    // The preferred rows of the pairs; of each the first four tokens are given, so that tokens 0, 1 and 3 are edited.
    private static (TokenBatch Batch, int[] Labels) Rows(string path, int[] edited)
    {
        if (!edited.SequenceEqual([0, 1, 3]))
        {
            throw new FixtureException($"{path}: the reference edits tokens {string.Join(", ", edited)}; only 0, 1, 3 are known.");
        }

        var pairs = TensorFile.Read(AlignFixture.Sibling(path, "pairs"));
        (int[] ids, int[] mask, int[] all) = (pairs.Ints("chosen.input_ids"), pairs.Ints("chosen.attention_mask"), pairs.Ints("chosen.labels"));
        int width = pairs.ShapeOf("chosen.input_ids")[1];
        int[] lengths = [.. Enumerable.Range(0, ids.Length / width).Select(row => mask.AsSpan(row * width, width).Count(1))];
        int[] tokens = [.. lengths.SelectMany((length, row) => ids[(row * width)..((row * width) + length)])];
        int[] labels = [.. lengths.SelectMany((length, row) => all[((row * width) + 1)..((row * width) + length)].Append(Ops.IgnoredLabel))];
        return (new TokenBatch(tokens, lengths) { GivenLengths = [.. lengths.Select(_ => 4)] }, labels);
    }

    private static double Differentiate(TextModel model, TunedModel tuned, TokenBatch batch, int[] labels)
    {
        foreach (Parameter parameter in tuned.Trainable)
        {
            parameter.Value.ClearGrad();
        }

        using var tape = Tape.Begin();
        Tensor loss = model.LanguageHead!.Loss(model.Backbone.Forward(batch), labels, scale: 1f / labels.Count(label => label != Ops.IgnoredLabel));
        tape.Backward(loss);
        return loss.Item();
    }

    private static double Logits(TextModel model, TokenBatch batch, TensorFile expected, string name)
    {
        int[] shape = expected.ShapeOf(name);
        float[] all = expected.Floats(name);
        float[] present = [.. batch.Lengths.SelectMany((length, row) => all.AsSpan(row * shape[1] * shape[2], length * shape[2]).ToArray())];
        using var tape = Tape.Begin(record: false);
        return Difference.LargestAbsolute(model.Logits(batch).ToArray(), present);
    }

    private static double DistanceFromOrthonormal(Tensor rotation)
    {
        float[] values = rotation.ToArray(); // [width, rank]
        int rank = rotation.Columns;
        return Enumerable.Range(0, rank * rank).Max(pair =>
        {
            double product = Enumerable.Range(0, rotation.Rows).Sum(i => (double)values[(i * rank) + (pair / rank)] * values[(i * rank) + (pair % rank)]);
            return Math.Abs(product - (pair / rank == pair % rank ? 1 : 0));
        });
    }

    private static Tensor LongLived(TensorFile file, string name)
    {
        Tensor tensor = Tensor.CreateLongLived(Shape.Create(file.ShapeOf(name)));
        tensor.Backend.CopyFromHost(file.Floats(name), tensor);
        return tensor;
    }
}
