using System.Text.Json;
using Hieno.Formats.Tokenizers;
using Hieno.Generation;
using Hieno.Models;
using Hieno.Tests.Shared;

namespace Hieno.Tests.Generation;

[Trait("tier", "golden")]
public class GoldenGenerationTests
{
    [SkippableTheory]
    [InlineData("gpt2", "greedy")]
    [InlineData("gpt2", "rep_pen")]
    [InlineData("gpt2", "no_repeat2")]
    [InlineData("gpt2", "min_new")]
    [InlineData("llama", "greedy")]
    [InlineData("llama", "rep_pen")]
    [InlineData("llama", "no_repeat2")]
    [InlineData("llama", "min_new")]
    public void Greedy_texts_are_those_of_transformers(string family, string name)
    {
        JsonElement golden = ReadJson("golden/misc/generation.json").GetProperty($"{family}.{name}");
        JsonElement settings = golden.GetProperty("kwargs");
        int[] prompt = Ints(golden.GetProperty("prompt"));
        int[] expected = Ints(golden.GetProperty("out"));
        TextModel model = TextModel.Load(SharedFolder.Require($"golden/{family}"), HeadChoice.Language);

        GenerationDefaults defaults = GenerationDefaults.Read(SharedFolder.Require($"golden/{family}"));
        if (settings.TryGetProperty("eos_token_id", out JsonElement eos))
        {
            defaults = defaults with { EosTokens = [eos.GetInt32()] };
        }

        var generator = new TextGenerator(model, null, defaults);
        GeneratedText text = generator.Generate([new GenerationPrompt(prompt)], new GenerationOptions
        {
            Temperature = 0f,
            MaxNewTokens = expected.Length - prompt.Length,
            RepetitionPenalty = settings.TryGetProperty("repetition_penalty", out JsonElement penalty) ? penalty.GetSingle() : null,
            NoRepeatNgramSize = settings.TryGetProperty("no_repeat_ngram_size", out JsonElement size) ? size.GetInt32() : null,
            MinNewTokens = settings.TryGetProperty("min_new_tokens", out JsonElement least) ? least.GetInt32() : null,
        })[0];
        Assert.Equal(expected, prompt.Concat(text.Tokens));
    }

    [SkippableFact]
    public void A_trained_model_tells_the_published_story()
    {
        JsonElement golden = ReadJson("data/stories260k/golden.json");
        int[] ids = Ints(golden.GetProperty("greedy_ids_from_bos"));
        string folder = SharedFolder.Require("data/stories260k/hf");
        var generator = new TextGenerator(
            TextModel.Load(folder, HeadChoice.Language), Tokenizer.FromFolder(folder), GenerationDefaults.Read(folder));
        var options = new GenerationOptions { Temperature = 0f, MaxNewTokens = ids.Length - 1 };

        GeneratedText text = generator.Generate(string.Empty, options);
        Assert.Equal(ids[1..], text.Tokens);
        Assert.Equal(golden.GetProperty("greedy_text").GetString(), text.Text);

        // From the middle of a sentence: the space before the first word must stay.
        GeneratedText rest = generator.Generate("Once upon a time, there was a little girl named Lily.", options with { MaxNewTokens = 9 });
        Assert.StartsWith(" She loved", rest.Text, StringComparison.Ordinal);
    }

    private static JsonElement ReadJson(string relative) => JsonDocument.Parse(File.ReadAllBytes(SharedFolder.Require(relative))).RootElement;

    private static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(item => item.GetInt32())];
}
