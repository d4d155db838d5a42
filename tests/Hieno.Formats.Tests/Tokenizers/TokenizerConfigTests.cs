using Hieno.Formats.Tokenizers;

namespace Hieno.Formats.Tests.Tokenizers;

public sealed class TokenizerConfigTests
{
    [Fact]
    public void Tokens_may_be_strings_or_objects_and_a_huge_length_means_none()
    {
        TokenizerConfig config = Parse("""
            { "bos_token": { "content": "<s>", "lstrip": false }, "eos_token": "</s>", "pad_token": null,
              "model_max_length": 1000000000000000019884624838656, "add_bos_token": true, "padding_side": "left",
              "additional_special_tokens": ["<a>", { "content": "<b>" }],
              "added_tokens_decoder": { "7": { "content": "<s>", "special": true } },
              "chat_template": "{{ messages }}", "tokenizer_class": "LlamaTokenizer" }
            """);

        Assert.Equal(("<s>", "</s>", null, null), (config.BosToken, config.EosToken, config.PadToken, config.ModelMaxLength));
        Assert.Equal(["<a>", "<b>"], config.AdditionalSpecialTokens);
        Assert.Equal("<s>", config.AddedTokens[7].Content);
        Assert.Equal("{{ messages }}", config.ChatTemplate);
        Assert.True(config.AddBosToken);
        Assert.Null(config.AddEosToken);
        Assert.Equal(TruncationSide.Left, config.PaddingSide);
        Assert.Equal(512, Parse("""{"model_max_length": 512}""").ModelMaxLength);
    }

    [Fact]
    public void Several_chat_templates_are_told_apart_by_name()
    {
        TokenizerConfig config = Parse("""{"chat_template":[{"name":"default","template":"d"},{"name":"tool_use","template":"t"}]}""");

        Assert.Equal("d", config.ChatTemplate);
        Assert.Equal("t", config.ChatTemplates["tool_use"]);
    }

    [Fact]
    public void A_folder_is_read_as_a_whole_and_the_jinja_file_wins()
    {
        string folder = Directory.CreateTempSubdirectory("config").FullName;
        try
        {
            Assert.Null(TokenizerConfig.FromFolder(folder).EosToken);
            File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"eos_token":"</s>","chat_template":"old"}""");
            File.WriteAllText(Path.Combine(folder, "special_tokens_map.json"), """{"eos_token":"other","unk_token":{"content":"<unk>"}}""");
            File.WriteAllText(Path.Combine(folder, "chat_template.jinja"), "new");
            Directory.CreateDirectory(Path.Combine(folder, "additional_chat_templates"));
            File.WriteAllText(Path.Combine(folder, "additional_chat_templates", "tool_use.jinja"), "tools");
            TokenizerConfig config = TokenizerConfig.FromFolder(folder);

            Assert.Equal(("</s>", "<unk>", "new", "tools"), (config.EosToken, config.UnkToken, config.ChatTemplate, config.ChatTemplates["tool_use"]));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("{", "not valid JSON")]
    [InlineData("[]", "expected an object")]
    [InlineData("""{"eos_token": 5}""", "eos_token: expected a string, found 5")]
    [InlineData("""{"add_bos_token": "yes"}""", "add_bos_token: expected true or false")]
    [InlineData("""{"padding_side": "top"}""", "Use one of Left, Right")]
    [InlineData("""{"added_tokens_decoder": {"x": {"content": "a"}}}""", "added_tokens_decoder.x")]
    public void A_malformed_file_is_refused_with_the_place(string json, string message) =>
        Assert.Contains(message, Assert.Throws<TokenizerException>(() => Parse(json)).Message);

    private static TokenizerConfig Parse(string json) => TokenizerConfig.Parse(System.Text.Encoding.UTF8.GetBytes(json), "tokenizer_config.json");
}
