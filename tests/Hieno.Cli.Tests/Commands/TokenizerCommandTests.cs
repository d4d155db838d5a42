using Hieno.Formats.Tokenizers;

namespace Hieno.Cli.Tests.Commands;

public sealed class TokenizerCommandTests(TinyProject project) : IClassFixture<TinyProject>
{
    [Fact]
    public void A_wordpiece_folder_is_read_back_with_its_special_tokens()
    {
        Tokenizer tokenizer = Tokenizer.FromFolder(project.Path("bert"));
        TokenizerConfig config = TokenizerConfig.FromFolder(project.Path("bert"));

        Assert.Equal(["[CLS]", "the", "hall", "[SEP]"], tokenizer.Encode("The HALL").Tokens);
        Assert.Equal(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"), (config.PadToken, config.UnkToken, config.ClsToken, config.SepToken, config.MaskToken));
        Assert.Equal(4, tokenizer.TokenToId("[MASK]"));
    }

    [Fact]
    public void A_bpe_folder_has_an_end_token_chat_tokens_and_a_chat_template()
    {
        Tokenizer tokenizer = Tokenizer.FromFolder(project.Path("gpt2"));
        TokenizerConfig config = TokenizerConfig.FromFolder(project.Path("gpt2"));

        Assert.Equal(("<|endoftext|>", "<|endoftext|>"), (config.BosToken, config.EosToken));
        Assert.Equal([1, 2], tokenizer.Encode("<|im_start|><|im_end|>").Ids);
        Assert.Contains("<|im_start|>", config.ChatTemplate, StringComparison.Ordinal);
        Assert.Equal("The hall was närrisch 🙂", tokenizer.Decode(tokenizer.Encode("The hall was närrisch 🙂").Ids));
    }

    [Fact]
    public async Task Too_few_entries_and_an_unknown_kind_are_usage_errors()
    {
        CliRun small = await CliRun.Of("tokenizer", "--kind", "bpe", "--vocab", "100", "--data", project.Path("train.jsonl"), "--out", project.Path("small"));
        CliRun kind = await CliRun.Of("tokenizer", "--kind", "bytes", "--data", project.Path("train.jsonl"), "--out", project.Path("small"));

        Assert.Equal((ExitCode.Usage, ExitCode.Usage), (small.Code, kind.Code));
        Assert.StartsWith("error: tokenizer: --vocab 100 is too small.", small.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(project.Path("small")));
    }

    [Fact]
    public async Task Files_without_a_text_are_an_error_and_nothing_is_written()
    {
        await File.WriteAllTextAsync(project.Path("empty.jsonl"), "\n");

        CliRun run = await CliRun.Of("tokenizer", "--kind", "bpe", "--data", project.Path("empty.jsonl"), "--out", project.Path("none"));

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.StartsWith("error HN1207: ", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(project.Path("none")));
    }

    [Fact]
    public async Task An_absent_data_file_is_an_error_with_its_code()
    {
        CliRun run = await CliRun.Of("tokenizer", "--kind", "bpe", "--data", project.Path("nothing.jsonl"), "--out", project.Path("none"));

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.StartsWith("error HN1201: ", run.Error, StringComparison.Ordinal);
    }
}
