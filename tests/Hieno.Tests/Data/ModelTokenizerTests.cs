using Hieno.Data;
using Hieno.Formats;
using Hieno.Tests.Objectives;

namespace Hieno.Tests.Data;

public sealed class ModelTokenizerTests : IDisposable
{
    private readonly ObjectiveSetup _setup = new();

    public void Dispose() => _setup.Dispose();

    [Fact]
    public void Special_tokens_are_known_by_name_id_and_place()
    {
        ModelTokenizer bert = _setup.WordPiece();
        Assert.Equal(4, bert.MaskId);
        Assert.Null(bert.EndId);
        Assert.Equal([2], bert.Frame().Before);
        Assert.Equal([3], bert.Frame().After);
        Assert.Equal("[SEP]", bert.SpecialTokens["sep_token"]);

        ModelTokenizer gpt = _setup.Bpe(begin: true);
        Assert.Equal(0, gpt.EndId);
        Assert.Equal([3], gpt.Frame().Before);
        Assert.Empty(gpt.Frame().After);
    }

    [Fact]
    public void A_template_is_the_one_named_else_the_models_else_plain()
    {
        ModelTokenizer own = _setup.Bpe("{{ messages|length }}");
        Assert.Same(own.Template, own.ChooseTemplate(null));
        Assert.Equal("chatml", own.ChooseTemplate("chatml").Name);
        string file = Path.Combine(_setup.Folder, "mine.jinja");
        File.WriteAllText(file, "{{ messages }}");
        Assert.Equal(file, own.ChooseTemplate(file).Name);
        Assert.Equal("plain", _setup.Bpe().ChooseTemplate(null).Name);
        var error = Assert.Throws<CheckpointException>(() => own.ChooseTemplate("chat-ml"));
        Assert.Equal("data.chatTemplate: there is no file 'chat-ml'. Give a file with a chat template, or chatml or plain.", error.Message);
    }
}
