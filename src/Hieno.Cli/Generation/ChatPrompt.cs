using Hieno.Data;
using Hieno.Formats.ChatTemplates;
using Hieno.Formats.Tokenizers;
using Hieno.Generation;

namespace Hieno.Cli.Generation;

/// <summary>Turns of a conversation as a model reads them, and how its answers end.</summary>
internal sealed class ChatPrompt
{
    private readonly ModelTokenizer _tokenizer;
    private readonly ChatTemplate _template;

    /// <summary>Takes the template.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="choice">A file with a template, a built-in one by name, or null for the model's own, else <c>plain</c>.</param>
    public ChatPrompt(ModelTokenizer tokenizer, string? choice)
    {
        (_tokenizer, _template) = (tokenizer, tokenizer.ChooseTemplate(choice));
        (EndToken, StopText) = FindEnd();
    }

    /// <summary>The token with which the template closes an answer, or null.</summary>
    public int? EndToken { get; }

    /// <summary>Where there is no such token: the text that begins the next question, at which an answer has to stop; else null.</summary>
    public string? StopText { get; }

    /// <summary>The tokens up to where the model is to answer.</summary>
    public GenerationPrompt Render(IReadOnlyList<ChatMessage> turns) =>
        new(_tokenizer.Tokenizer.Encode(Text(turns, isAnswerNext: true), addSpecialTokens: false).Ids);

    private string Text(IReadOnlyList<ChatMessage> turns, bool isAnswerNext) => _template.RenderMessages(turns, isAnswerNext, _tokenizer.SpecialTokens).Text;

    // What stands between an answer and the next question tells how answers end.
    private (int? Token, string? Text) FindEnd()
    {
        const string Answer = "ANSWER", Question = "QUESTION";
        string text = Text([new ChatMessage("user", "x"), new ChatMessage("assistant", Answer), new ChatMessage("user", Question)], isAnswerNext: false);
        int begin = text.IndexOf(Answer, StringComparison.Ordinal) + Answer.Length;
        int end = text.IndexOf(Question, StringComparison.Ordinal);
        if (begin < Answer.Length || end < begin)
        {
            return (null, null); // the template drops earlier turns
        }

        string between = text[begin..end];
        int[] ids = _tokenizer.Tokenizer.Encode(between, addSpecialTokens: false).Ids;
        bool isSpecial = ids.Length > 0 && _tokenizer.Tokenizer.AddedTokens.TryGetValue(ids[0], out AddedToken? added) && added.Special;
        string heading = between.Trim();
        return isSpecial ? (ids[0], null) : (null, heading.Length > 0 ? heading : null);
    }
}
