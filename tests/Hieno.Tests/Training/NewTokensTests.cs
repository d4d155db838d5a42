using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Training;

public sealed class NewTokensTests
{
    private static readonly TokenOptions s_tokens = new() { Add = ["<bird>", "<fish>"] };

    public static TheoryData<TuningOptions> Methods => [new LoRAOptions(), new FullOptions(), new NormsOptions { TrainHead = false }, new PartialOptions { LastBlocks = 1, TrainHead = false }];

    [Theory]
    [MemberData(nameof(Methods))]
    public void The_tokens_are_in_the_saved_tokenizer_and_the_saved_model_knows_them(TuningOptions tuning)
    {
        using TinyRun run = Pretrained(out Dictionary<string, float[]> before);
        Recipe recipe = run.Recipe("tuned", tuning: tuning) with { Start = Start.Pretrained, Tokens = s_tokens };
        TinyRun.Train(recipe);
        LoadedModel loaded = LoadedModel.Open(recipe.Output);
        Assert.Equal([300, 301], s_tokens.Add.Select(token => loaded.Tokenizer.Tokenizer.TokenToId(token)!.Value));
        Assert.Equal([300], loaded.Tokenizer.Tokenizer.Encode("<bird>").Ids);
        Assert.Equal("<bird>", loaded.Tokenizer.Tokenizer.Decode([300]));
        Assert.Equal(302, loaded.Text.Backbone.VocabularySize);
        Parameter table = loaded.Text.Backbone.TokenTable;
        float[] now = table.Value.ToArray();
        if (tuning is not FullOptions)
        {
            Assert.Equal(before[table.Name], now[..(300 * 16)]); // old rows keep their bits
        }

        // What it computes is what the run's own model computed: its metrics say so.
        using Tape tape = Tape.Begin(record: false);
        Tensor logits = loaded.Text.Logits(new TokenBatch([300, 5, 301], [3]));
        Assert.Equal("[3, 302]", logits.Shape.ToString());
        Assert.All(logits.ToArray(), value => Assert.True(float.IsFinite(value)));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void The_saved_model_has_the_loss_that_the_run_reported(TuningOptions tuning)
    {
        using TinyRun run = Pretrained(out _);
        run.Write("train.jsonl", string.Concat(Enumerable.Range(0, 12).Select(i => $$"""{"prompt": "the {{(i % 2 == 0 ? "red" : "blue")}}", "completion": " {{(i % 2 == 0 ? "<bird>" : "<fish>")}}"}{{"\n"}}""")));
        Recipe recipe = run.Recipe("tuned", tuning: tuning, training: TinyRun.Training(epochs: 4) with { LearningRate = 2e-2, Dropout = 0 }) with { Start = Start.Pretrained, Tokens = s_tokens };
        recipe = recipe with { Data = recipe.Data with { Test = run["train.jsonl"] } };
        RunCompleted result = TinyRun.Train(recipe).Result;
        Assert.True(result.After["loss"] < result.Before["loss"]);

        LoadedModel loaded = LoadedModel.Open(recipe.Output);
        Recipe again = recipe with { Base = tuning is AdapterOptions ? Merged(loaded, run) : loaded.Folder, Tokens = null, Tuning = new FullOptions(), Output = run["again"], Training = TinyRun.Training(epochs: 1) with { MaxSteps = 1 } };
        Assert.Equal(result.After["loss"], TinyRun.Train(again).Result.Before["loss"], 1e-4);
    }

    [Fact]
    public void A_resumed_run_gives_the_bytes_of_the_run_that_was_never_interrupted()
    {
        using TinyRun run = Pretrained(out _);
        Recipe Named(string name) => run.Recipe(name, tuning: new LoRAOptions { Dropout = 0.1 }) with { Start = Start.Pretrained, Tokens = s_tokens };
        TinyRun.Train(Named("whole"));
        TinyRun.TrainUntil(Named("stopped"), 4);
        TinyRun.Train(Named("stopped"), new FineTunerOptions { Resume = true });
        Assert.Equal(TinyRun.FinalHash(Named("whole")), TinyRun.FinalHash(Named("stopped")));
    }

    [Theory]
    [InlineData(TokenStart.Pieces)]
    [InlineData(TokenStart.Mean)]
    public void Rows_start_at_the_mean_of_the_former_pieces_or_of_all_rows(TokenStart start)
    {
        using TinyRun run = Pretrained(out _);
        ModelTokenizer tokenizer = ModelTokenizer.Load(run.Base);
        int[] pieces = tokenizer.Tokenizer.Encode("<bird>", addSpecialTokens: false).Ids;
        Assert.True(pieces.Length > 1);
        var tokens = NewTokens.AddTo(tokenizer, s_tokens with { Start = start });
        TextModel model = TextModel.Load(run.Base, HeadChoice.Language, tokens: tokens.Count);
        tokens.Initialize(model);
        float[][] rows = [.. model.Backbone.TokenTable.Value.ToArray().Chunk(16)];
        int[] from = start == TokenStart.Pieces ? pieces : [.. Enumerable.Range(0, 300)];
        float[] expected = [.. Enumerable.Range(0, 16).Select(i => (float)from.Average(id => (double)rows[id][i]))];
        TensorAssert.Close(expected, Tensor.FromValues([16], rows[300]), absolute: 1e-6);
    }

    [Fact]
    public void A_token_that_is_known_already_and_one_that_is_given_twice_are_refused()
    {
        using TinyRun run = Pretrained(out _);
        var error = Assert.Throws<TrainingException>(() => TinyRun.Train(run.Recipe("tuned") with { Tokens = new TokenOptions { Add = ["<|endoftext|>"] } }));
        Assert.Equal(ErrorCodes.RecipeValueOutOfRange, error.Code);
        Assert.Contains("'<|endoftext|>' is in the vocabulary already, as token ", error.Message, StringComparison.Ordinal);
        Assert.Contains("'<a>' twice", new TokenOptions { Add = ["<a>", "<a>"] }.Validate().Single(), StringComparison.Ordinal);
        Assert.Contains("without a text", new TokenOptions { Add = [" "] }.Validate().Single(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_tokenizers_files_keep_all_else_and_the_settings_list_the_tokens_too()
    {
        using TinyRun run = Pretrained(out _);
        run.Write("base/tokenizer_config.json", """{ "eos_token": "<|endoftext|>", "added_tokens_decoder": { "0": { "content": "<|endoftext|>", "special": true } }, "model_max_length": 64 }""");
        string before = File.ReadAllText(run["base/tokenizer.json"]);
        Recipe recipe = run.Recipe("tuned", tuning: new LoRAOptions()) with { Start = Start.Pretrained, Tokens = s_tokens with { Special = true } };
        TinyRun.Train(recipe);
        JsonNode json = JsonNode.Parse(File.ReadAllText(Path.Combine(recipe.Output, "final", "tokenizer.json")))!;
        JsonArray added = json["added_tokens"]!.AsArray();
        Assert.Equal("<fish>", added[^1]!["content"]!.GetValue<string>());
        Assert.Equal(301, added[^1]!["id"]!.GetValue<int>());
        added.RemoveAt(added.Count - 1);
        added.RemoveAt(added.Count - 1);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(before), json));
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(recipe.Output, "final", "tokenizer_config.json")))!;
        Assert.True(config["added_tokens_decoder"]!["300"]!["special"]!.GetValue<bool>());
        Assert.Equal(64, config["model_max_length"]!.GetValue<int>());
        Assert.Equal("", LoadedModel.Open(recipe.Output).Tokenizer.Tokenizer.Decode([300]));
    }

    // A base with weights of its own.
    private static TinyRun Pretrained(out Dictionary<string, float[]> weights)
    {
        TinyRun run = TinyRun.Language();
        TextModel model = TextModel.Create(ModelConfig.Read(run.Base), HeadChoice.Language, seed: 1);
        weights = model.Parameters().ToDictionary(parameter => parameter.Name, parameter => parameter.Value.ToArray(), StringComparer.Ordinal);
        WeightFiles.SaveModel(model, run.Base, companions: null);
        return run;
    }

    private static string Merged(LoadedModel loaded, TinyRun run)
    {
        loaded.SaveMerged(run["merged"]);
        return run["merged"];
    }
}
