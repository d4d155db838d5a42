using System.Text.Json;
using Hieno.Architecture.Tests.Examples;
using Hieno.Formats;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Architecture.Tests;

/// <summary>The examples of CONTRIBUTING.md do what it says, from outside the projects they extend.</summary>
public sealed class ExampleTests
{
    [Fact]
    public void A_metric_is_one_file()
    {
        var predictions = new NumberPredictions([1, 2, 3], [1.5, 2, 0.5]);
        Assert.Equal(2.5, new MaxError().Compute(predictions), 12);
    }

    [Fact]
    public void A_method_is_one_file_and_one_line()
    {
        KindCatalog kinds = BuiltIns.Kinds()
            .Add<TuningOptions, EmbeddingOnlyOptions>("embedding-only");

        Type? found = kinds.Find(typeof(TuningOptions), "embedding-only");
        Assert.Equal(typeof(EmbeddingOnlyOptions), found);

        TunedModel tuned = new EmbeddingOnlyOptions().Create().Apply(Gpt2(), seed: 0);
        Assert.Equal(["transformer.wte.weight", "transformer.wpe.weight"], tuned.Trainable.Select(parameter => parameter.Name));
        Assert.Equal((12 * 8) + (16 * 8), tuned.TrainableCount);
    }

    [Fact]
    public void An_adapter_is_one_file_and_one_line_and_comes_back_from_its_folder()
    {
        KindCatalog kinds = BuiltIns.Kinds()
            .Add<TuningOptions, LayerOffsetOptions>("layer-offset");

        TunedModel tuned = new LayerOffsetOptions { Targets = ["c_fc"] }.Create().Apply(Gpt2(), seed: 0);
        Assert.Equal(32, tuned.TrainableCount);
        float[] plain = Logits((TextModel)tuned.Model);
        tuned.Trainable[0].Value.Span.Fill(0.5f);
        float[] changed = Logits((TextModel)tuned.Model);
        Assert.NotEqual(plain, changed);

        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            PeftFolder.Save(tuned.Adapter!, folder, "base");
            TextModel other = Gpt2();
            Adapter loaded = PeftFolder.Load(other, folder, kinds: kinds);
            Assert.Equal(changed, Logits(other));
            MergedAdapter merged = loaded.Merge();
            Assert.Equal(changed.Length, Logits(other).Zip(changed).Count(pair => Math.Abs(pair.First - pair.Second) < 1e-5f));
            merged.Unmerge();
            loaded.Enable(false);
            Assert.Equal(plain, Logits(other));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static float[] Logits(TextModel model)
    {
        using Tape tape = Tape.Begin(record: false);
        return model.Logits(new TokenBatch([1, 2, 3, 4, 5], [3, 2])).ToArray();
    }

    [Fact]
    public void A_model_family_is_one_file_and_one_line()
    {
        ModelCatalog models = BuiltInModels.Catalog()
            .Add(new DeepAveragingFamily());

        TextModel model = TextModel.Create(Config("""{"model_type":"deep-averaging","hidden_size":4,"vocab_size":9}"""), HeadChoice.Classification(2), seed: 1, models);
        using Tape tape = Tape.Begin();
        Tensor scores = model.Classify(new TokenBatch([1, 2, 3, 3, 2, 1, 8], [3, 3, 1]));
        float[] values = scores.ToArray();
        Assert.Equal(6, values.Length);
        Assert.Equal(values[0], values[2], 1e-6f); // the same tokens in another order
        Assert.NotEqual(values[0], values[4]);
    }

    private static TextModel Gpt2() =>
        TextModel.Create(Config("""{"model_type":"gpt2","n_embd":8,"n_layer":1,"n_head":2,"n_positions":16,"vocab_size":12}"""), HeadChoice.Language, seed: 0);

    private static ModelConfig Config(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return ModelConfig.From(document.RootElement.Clone(), "config.json");
    }
}
