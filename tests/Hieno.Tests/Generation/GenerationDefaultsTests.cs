using Hieno.Formats;
using Hieno.Generation;

namespace Hieno.Tests.Generation;

public sealed class GenerationDefaultsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hieno-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private GenerationDefaults Read(string? generation, string? model = null)
    {
        foreach ((string name, string? text) in (ReadOnlySpan<(string, string?)>)[("generation_config.json", generation), ("config.json", model)])
        {
            if (text is not null)
            {
                File.WriteAllText(Path.Combine(_folder, name), text);
            }
        }

        return GenerationDefaults.Read(_folder);
    }

    [Fact]
    public void A_folder_without_the_files_says_nothing()
    {
        GenerationDefaults defaults = Read(null);
        Assert.Empty(defaults.EosTokens);
        Assert.Null(defaults.BosToken);
        Assert.Equal(new GenerationOptions(), defaults.Options);
    }

    [Fact]
    public void All_keys_are_read()
    {
        GenerationDefaults defaults = Read("""
            { "eos_token_id": [5, 6], "bos_token_id": 1, "suppress_tokens": [3], "do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95,
              "min_p": 0.05, "repetition_penalty": 1.1, "no_repeat_ngram_size": 3, "max_new_tokens": 99, "min_new_tokens": 2, "max_length": 20 }
            """, """{ "eos_token_id": 2 }""");
        Assert.Equal([5, 6], defaults.EosTokens);
        Assert.Equal(1, defaults.BosToken);
        Assert.Equal([3], defaults.SuppressedTokens);
        GenerationOptions options = defaults.Complete(new GenerationOptions());
        Assert.Equal((99, 2, 0.6f, 20), (options.MaxNewTokens, options.MinNewTokens, options.Temperature, options.TopK));
        Assert.Equal((0.95f, 0.05f, 1.1f, 3), (options.TopP, options.MinP, options.RepetitionPenalty, options.NoRepeatNgramSize));
    }

    [Fact]
    public void The_ending_token_of_config_json_counts_where_the_other_file_names_none() =>
        Assert.Equal([2], Read("""{ "temperature": 0.5, "eos_token_id": null }""", """{ "eos_token_id": 2 }""").EosTokens);

    [Fact]
    public void Without_sampling_the_likeliest_token_is_taken() =>
        Assert.Equal(0f, Read("""{ "do_sample": false, "temperature": 0.7 }""").Options.Temperature);

    [Fact]
    public void What_the_user_sets_counts_before_what_the_model_says()
    {
        GenerationDefaults defaults = Read("""{ "temperature": 0.6, "top_p": 0.9 }""");
        GenerationOptions options = defaults.Complete(new GenerationOptions { Temperature = 0f, MaxNewTokens = 7 });
        Assert.Equal((0f, 0.9f, 7, 0), (options.Temperature, options.TopP, options.MaxNewTokens, options.TopK));
    }

    [Fact]
    public void Without_either_the_documented_defaults_count()
    {
        GenerationOptions options = new GenerationDefaults().Complete(new GenerationOptions());
        Assert.Equal((256, 0, 1f, 0), (options.MaxNewTokens, options.MinNewTokens, options.Temperature, options.TopK));
        Assert.Equal((1f, 0f, 1f, 0), (options.TopP, options.MinP, options.RepetitionPenalty, options.NoRepeatNgramSize));
    }

    [Theory]
    [InlineData("""{ "top_p": 1.5 }""", "top_p", "0 to 1")]
    [InlineData("""{ "temperature": -1 }""", "temperature", "0 to 100")]
    [InlineData("""{ "top_k": "many" }""", "top_k", "whole number")]
    [InlineData("""{ "eos_token_id": -1 }""", "eos_token_id", "start at 0")]
    [InlineData("""{ "eos_token_id": [1, "x"] }""", "eos_token_id", "whole number")]
    public void A_value_that_cannot_be_used_is_named_with_file_and_key(string json, string key, string part)
    {
        var error = Assert.Throws<CheckpointException>(() => Read(json));
        Assert.Contains("generation_config.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }
}
