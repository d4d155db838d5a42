using Hieno.Formats.ChatTemplates;

namespace Hieno.Formats.Tests.ChatTemplates;

public sealed class BuiltInTemplatesTests
{
    private static readonly ChatMessage[] Chat =
    [
        new("system", "Be brief."),
        new("user", "Hi"),
        new("assistant", "Hello!"),
        new("user", "Bye"),
    ];

    [Fact]
    public void Chatml_writes_each_turn_between_its_markers_and_marks_the_answers()
    {
        var chat = BuiltInTemplates.Get("chatml").RenderMessages(Chat, addGenerationPrompt: true);

        Assert.Equal(
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n"
            + "<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n",
            chat.Text);
        Assert.Equal(["Hello!<|im_end|>\n"], chat.GenerationSpans.Select(span => chat.Text[span]));
    }

    [Fact]
    public void Plain_writes_sections_and_marks_the_answers_with_their_end_of_text()
    {
        var tokens = new Dictionary<string, string> { ["eos_token"] = "</s>" };

        var chat = BuiltInTemplates.Get("plain").RenderMessages(Chat, addGenerationPrompt: true, tokens);

        Assert.Equal(
            "Be brief.\n\n### Instruction:\nHi\n\n### Response:\nHello!</s>\n\n### Instruction:\nBye\n\n### Response:\n", chat.Text);
        Assert.Equal(["Hello!</s>"], chat.GenerationSpans.Select(span => chat.Text[span]));
    }

    [Theory]
    [InlineData("chatml")]
    [InlineData("plain")]
    public void A_longer_chat_begins_with_the_text_of_its_beginning(string name)
    {
        var template = BuiltInTemplates.Get(name);
        string whole = template.RenderMessages(Chat, addGenerationPrompt: false).Text;

        for (int turns = 0; turns < Chat.Length; turns++)
        {
            Assert.StartsWith(template.RenderMessages(Chat[..turns], addGenerationPrompt: false).Text, whole, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("chatml")]
    [InlineData("plain")]
    public void The_generation_prompt_is_how_an_answer_begins(string name)
    {
        var template = BuiltInTemplates.Get(name);

        string prompt = template.RenderMessages(Chat[..2], addGenerationPrompt: true).Text;

        Assert.StartsWith(prompt + "Hello!", template.RenderMessages(Chat[..3], addGenerationPrompt: false).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Plain_refuses_a_role_it_does_not_know()
    {
        var error = Assert.Throws<ChatTemplateException>(
            () => BuiltInTemplates.Get("plain").RenderMessages([new ChatMessage("tool", "x")], addGenerationPrompt: false));

        Assert.Equal("The plain template knows the roles system, user and assistant, not tool", error.RaisedMessage);
    }

    [Fact]
    public void Unknown_name_is_refused_with_the_known_ones()
    {
        var error = Assert.Throws<ArgumentException>(() => BuiltInTemplates.Get("alpaca"));

        Assert.Contains("Use chatml or plain", error.Message, StringComparison.Ordinal);
    }
}
