using Hieno.Parity;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Models.Tests;

/// <summary>Checks of a model that need no values of the reference.</summary>
internal static class FamilyChecks
{
    /// <summary>The largest difference between the logits of texts read token by token and those of whole texts.</summary>
    public static double TokenByToken(Fixture fixture)
    {
        TextModel model = Subject.Load(fixture).Text;
        TokenBatch whole = (fixture.ShortBatch ?? fixture.Batch).Tokens; // angles that depend on the length of the text are those of short ones
        int longest = whole.Lengths.Max();
        float[] expected = TinyModels.Logits(model, whole);
        int vocabulary = expected.Length / whole.Ids.Length;
        var cache = new KvCache(model.Backbone.Blocks.Count, whole.Rows, longest, model.Backbone.KeyWidth);
        int[] first = whole.FirstTokens();
        double largest = 0;
        for (int done = 0, step = 3; done < longest; done += step, step = 1)
        {
            int[] rows = [.. Enumerable.Range(0, whole.Rows).Where(row => whole.Lengths[row] > done)];
            int[] lengths = [.. rows.Select(row => Math.Min(step, whole.Lengths[row] - done))];
            int[] tokens = [.. rows.SelectMany((row, i) => Enumerable.Range(first[row] + done, lengths[i]))];
            float[] piece = TinyModels.Logits(model, new TokenBatch(Array.ConvertAll(tokens, token => whole.Ids[token]), lengths) { Cache = cache, CacheRows = rows });
            float[] wanted = [.. tokens.SelectMany(token => expected.AsSpan(token * vocabulary, vocabulary).ToArray())];
            largest = Math.Max(largest, Difference.LargestAbsolute(piece, wanted));
        }

        return largest;
    }

    /// <summary>LoRA on the family's default layers, with numbers for B as after some training.</summary>
    public static Adapter RandomLoRA(TextModel model)
    {
        Adapter adapter = new LoRAOptions { Rank = 2, Alpha = 4 }.Create().Apply(model, seed: 3).Adapter!;
        ulong step = 0;
        foreach (Parameter parameter in adapter.Parameters().Where(parameter => parameter.Name.Contains("lora_B", StringComparison.Ordinal)))
        {
            float[] values = new float[parameter.Count];
            new Rng(7, RngStream.Augmentation).FillNormal(values, 0f, 0.2f, step++);
            parameter.Value.Backend.CopyFromHost(values, parameter.Value);
        }

        return adapter;
    }

    /// <summary>The largest difference between the outputs with an adapter beside the layers and merged into them.</summary>
    public static double Merged(Fixture fixture)
    {
        var subject = Subject.Load(fixture);
        Adapter adapter = RandomLoRA(subject.Text);
        float[] beside = subject.Logits(fixture.Batch);
        adapter.Merge();
        return Difference.LargestAbsolute(subject.Logits(fixture.Batch), beside);
    }
}
