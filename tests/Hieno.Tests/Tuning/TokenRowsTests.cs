using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class TokenRowsTests : IDisposable
{
    private static readonly int[] s_ids = [5, 22, 39]; // all of them occur in the batch of TinyTuning

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, TuningOptions> Methods
    {
        get
        {
            var cases = new TheoryData<string, TuningOptions>();
            foreach (string family in (string[])["bert", "gpt2", "llama"])
            {
                cases.Add(family, new LoRAOptions());
                cases.Add(family, new NormsOptions { TrainHead = false });
                cases.Add(family, new PromptTuningOptions { VirtualTokens = 2 });
            }

            cases.Add("llama", new AdaLoRAOptions());
            cases.Add("llama", new HeadOptions()); // the output layer learns as a whole, the table does not
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Only_the_rows_of_the_tokens_learn_and_no_bit_of_the_tables_changes(string family, TuningOptions options)
    {
        TextModel model = TinyTuning.Language(family);
        long alone = options.Create().Apply(TinyTuning.Language(family), seed: 3).TrainableCount;
        TunedModel tuned = options.Create().Apply(model, seed: 3);
        float[] before = TinyTuning.Output(model);
        tuned = TokenRows.Train(tuned, s_ids);
        Assert.Equal(before, TinyTuning.Output(model)); // they start at what the tables hold
        bool bothTables = family == "llama" && options is not HeadOptions;
        Assert.Equal((bothTables ? 2 : 1) * s_ids.Length * TinyTuning.Width, tuned.TrainableCount - alone);

        Dictionary<string, float[]> weights = TinyTuning.Weights(model);
        float[] losses = TinyTuning.Train(tuned, steps: 10);
        Assert.True(losses[^1] < losses[0]);
        string[] learned = tuned.Adapter is null ? TinyTuning.Names(tuned) : [];
        Assert.All(TinyTuning.Weights(model).Where(item => !learned.Contains(item.Key)), item => Assert.Equal(weights[item.Key], item.Value));
        Assert.All(Rows(model), rows => Assert.NotEqual(Taken(weights[TableOf(rows.Name)], s_ids), rows.Value.ToArray()));
        Assert.Equal(Rows(model).Select(rows => rows.Value.Shape), Rows(model).Select(rows => rows.Value.Grad!.Shape)); // gradients for these rows and no others
    }

    [Theory]
    [InlineData("bert")]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void Their_gradient_is_that_of_the_same_rows_of_tables_that_learn_as_a_whole(string family)
    {
        TextModel model = TinyTuning.Language(family);
        TunedModel tuned = TokenRows.Train(new LoRAOptions().Create().Apply(model, seed: 3), s_ids);
        float loss = TinyTuning.Differentiate(tuned);
        TextModel whole = TinyTuning.Language(family);
        Assert.Equal(TinyTuning.Differentiate(new FullOptions().Create().Apply(whole, seed: 0)), loss, 1e-5f);
        foreach (Parameter rows in Rows(model))
        {
            float[] all = whole.Parameters().Single(parameter => parameter.Name == TableOf(rows.Name)).Value.Grad!.ToArray();
            TensorAssert.Close(Taken(all, s_ids), rows.Value.Grad!, absolute: 1e-6, relative: 1e-4);
        }

        // The body's gradient passes the rows as well: B of the first layer's pair has that of a model in which only the pair learns.
        TextModel pairOnly = TinyTuning.Language(family);
        TunedModel pair = new LoRAOptions().Create().Apply(pairOnly, seed: 3);
        TinyTuning.Differentiate(pair);
        string name = pair.Trainable[1].Name;
        TensorAssert.Close(pair.Trainable[1].Value.Grad!.ToArray(), tuned.Trainable.Single(parameter => parameter.Name == name).Value.Grad!, absolute: 1e-6, relative: 1e-4);
    }

    [Theory]
    [InlineData("bert")]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void Logits_and_loss_agree_and_their_gradients_too(string family)
    {
        TextModel model = TinyTuning.Language(family);
        TunedModel tuned = TokenRows.Train(new LoRAOptions().Create().Apply(model, seed: 3), s_ids);
        TinyTuning.Train(tuned, steps: 3);
        float loss = TinyTuning.Differentiate(tuned);
        float[][] gradients = [.. Rows(model).Select(rows => rows.Value.Grad!.ToArray())];
        foreach (Parameter parameter in tuned.Trainable)
        {
            parameter.Value.ClearGrad();
        }

        int[] labels = [17, 9, 22, -100, 5, 31, 2, 39, 0, 14, -100, 27, -100];
        int[] learned = [.. Enumerable.Range(0, labels.Length).Where(i => labels[i] >= 0)];
        using var tape = Tape.Begin();
        Tensor again = Ops.CrossEntropy(Ops.Rows(model.Logits(TinyTuning.Batch()), learned), [.. learned.Select(i => labels[i])], scale: 0.1f);
        tape.Backward(again);
        Assert.Equal(loss, again.Item(), 1e-5f);
        foreach ((Parameter rows, float[] expected) in Rows(model).Zip(gradients))
        {
            TensorAssert.Close(expected, rows.Value.Grad!, absolute: 1e-6, relative: 1e-4);
        }
    }

    [Theory]
    [InlineData("bert")]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void An_adapter_keeps_them_in_pefts_layout_gives_the_same_output_and_merges_into_both_tables(string family)
    {
        TextModel model = TinyTuning.Language(family);
        TunedModel tuned = TokenRows.Train(new LoRAOptions().Create().Apply(model, seed: 3), s_ids);
        TinyTuning.Train(tuned, steps: 3);
        float[] output = TinyTuning.Output(model);
        PeftFolder.Save(tuned.Adapter!, _folder.Path, "base");
        using (var file = SafetensorsFile.Open(_folder.PathOf(PeftAdapterConfig.WeightsFileName)))
        {
            string table = family switch { "bert" => "bert.embeddings.word_embeddings", "gpt2" => "transformer.wte", _ => "model.embed_tokens" };
            Assert.Equal([3L, TinyTuning.Width], file.Require($"base_model.model.{table}.token_adapter.trainable_tokens_delta").Shape);
            Assert.Equal(family == "llama", file.Entries.ContainsKey("base_model.model.lm_head.token_adapter.trainable_tokens_delta"));
        }

        JsonNode config = JsonNode.Parse(File.ReadAllText(_folder.PathOf(PeftAdapterConfig.FileName)))!;
        Assert.Equal(family == "llama" ? """{"embed_tokens":[5,22,39],"lm_head":[5,22,39]}""" : "[5,22,39]", config["trainable_token_indices"]!.ToJsonString());

        TextModel fresh = TinyTuning.Language(family);
        float[] untouched = TinyTuning.Output(fresh);
        Dictionary<string, float[]> weights = TinyTuning.Weights(fresh);
        Adapter loaded = PeftFolder.Load(fresh, _folder.Path);
        Assert.Empty(loaded.Source!.Warnings);
        Assert.Equal(output, TinyTuning.Output(fresh));
        loaded.Enable(false);
        Assert.Equal(untouched, TinyTuning.Output(fresh));
        loaded.Enable(true);

        using var again = new TemporaryFolder();
        PeftFolder.Save(loaded, again.Path, "base");
        Assert.Equal(File.ReadAllBytes(_folder.PathOf(PeftAdapterConfig.WeightsFileName)), File.ReadAllBytes(again.PathOf(PeftAdapterConfig.WeightsFileName)));
        Assert.Equal(File.ReadAllText(_folder.PathOf(PeftAdapterConfig.FileName)), File.ReadAllText(again.PathOf(PeftAdapterConfig.FileName)));

        MergedAdapter merged = loaded.Merge();
        Assert.Empty(fresh.AttachedParts());
        TensorAssert.Close(output, Tensor.FromValues([output.Length], TinyTuning.Output(fresh)), absolute: 1e-5);
        merged.Unmerge();
        Assert.Equal(weights, TinyTuning.Weights(fresh));
        Assert.Equal(output, TinyTuning.Output(fresh));
    }

    [Fact]
    public void They_stand_in_for_rows_that_a_pair_beside_the_table_changes_before_and_after_loading()
    {
        TextModel model = TinyTuning.Language("llama");
        TunedModel tuned = TokenRows.Train(new LoRAOptions { Targets = ["embed_tokens", "q_proj"] }.Create().Apply(model, seed: 3), s_ids);
        TinyTuning.Train(tuned, steps: 4);
        PeftFolder.Save(tuned.Adapter!, _folder.Path, "base");
        TextModel fresh = TinyTuning.Language("llama");
        PeftFolder.Load(fresh, _folder.Path);
        Assert.Equal(TinyTuning.Output(model), TinyTuning.Output(fresh));
    }

    [Fact]
    public void A_table_that_is_saved_whole_is_refused()
    {
        TunedModel tuned = new LoRAOptions { ModulesToSave = ["embed_tokens"] }.Create().Apply(TinyTuning.Language("llama"), seed: 3);
        var error = Assert.Throws<TuningException>(() => TokenRows.Train(tuned, s_ids));
        Assert.Contains("'tuning.modulesToSave' has model.embed_tokens.weight trained and saved whole", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Indices_in_any_order_are_read_and_one_beyond_the_table_is_refused()
    {
        TextModel model = TinyTuning.Language("gpt2");
        TunedModel tuned = TokenRows.Train(new LoRAOptions().Create().Apply(model, seed: 3), s_ids);
        TinyTuning.Train(tuned, steps: 3);
        PeftFolder.Save(tuned.Adapter!, _folder.Path, "base");
        string path = _folder.PathOf(PeftAdapterConfig.FileName);
        JsonNode config = JsonNode.Parse(File.ReadAllText(path))!;
        config["trainable_token_indices"] = new JsonArray(39, 5, 22);
        File.WriteAllText(path, config.ToJsonString());
        TextModel fresh = TinyTuning.Language("gpt2");
        var rows = PeftFolder.Load(fresh, _folder.Path).TokenRows.OfType<TableRows>().Single();
        float[][] saved = [.. Rows(model).First().Value.ToArray().Chunk(TinyTuning.Width)];
        Assert.Equal([5, 22, 39], rows.Ids);
        Assert.Equal(saved[1].Concat(saved[2]).Concat(saved[0]), rows.Rows.Value.ToArray()); // the file's rows are those of 39, 5, 22 now

        config["trainable_token_indices"] = new JsonArray(39, 5, 40);
        File.WriteAllText(path, config.ToJsonString());
        var error = Assert.Throws<CheckpointException>(() => PeftFolder.Load(TinyTuning.Language("gpt2"), _folder.Path));
        Assert.Contains("has the token 40, but transformer.wte.weight has 40 rows", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bert")]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void A_whole_model_is_saved_with_the_rows_in_its_tables(string family)
    {
        TextModel model = TinyTuning.Language(family);
        TunedModel tuned = TokenRows.Train(new NormsOptions { TrainHead = false }.Create().Apply(model, seed: 3), s_ids);
        TinyTuning.Train(tuned, steps: 3);
        float[] output = TinyTuning.Output(model);
        Dictionary<string, float[]> before = TinyTuning.Weights(model);
        TokenRows.Merge(model);
        Assert.Empty(model.AttachedParts());
        WeightFiles.SaveModel(model, _folder.Path, companions: null);
        TextModel fresh = TextModel.Load(_folder.Path, HeadChoice.Language);
        TensorAssert.Close(output, Tensor.FromValues([output.Length], TinyTuning.Output(fresh)), absolute: 1e-5);
        string table = fresh.Backbone.TokenTable.Name;
        int[] others = [.. Enumerable.Range(0, TinyTuning.Vocabulary).Except(s_ids)];
        Assert.Equal(Taken(before[table], others), Taken(fresh.Backbone.TokenTable.Value.ToArray(), others)); // old rows keep their bits
    }

    private static Parameter[] Rows(TextModel model) => [.. model.AttachedParts().Where(part => part is TableRows or OutputRows).SelectMany(part => part.Parameters).Distinct()];

    private static string TableOf(string rows) => rows.Replace("token_adapter.trainable_tokens_delta", "weight", StringComparison.Ordinal);

    private static float[] Taken(float[] table, int[] ids) => [.. ids.SelectMany(id => table.AsSpan(id * TinyTuning.Width, TinyTuning.Width).ToArray())];
}
