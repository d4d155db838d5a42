using System.Globalization;
using System.Text.Json;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.ChatTemplates;
using Hieno.Formats.Text;

namespace Hieno.Objectives;

/// <summary>A part of a text that is to be learned.</summary>
/// <param name="Start">Its first character.</param>
/// <param name="End">The character after its last.</param>
/// <param name="Weight">How much its tokens count; 0 where it is only read.</param>
internal readonly record struct Answer(int Start, int End, float Weight);

/// <summary>A conversation as one text, and where in it the assistant's turns stand, each turn's end included.</summary>
internal sealed record RenderedConversation(string Text, IReadOnlyList<Answer> Answers)
{
    /// <summary>A prompt and its completion, joined as they are.</summary>
    public static RenderedConversation Join(Conversation conversation)
    {
        (Turn prompt, Turn completion) = (conversation.Turns[0], conversation.Turns[1]);
        string text = prompt.Content + completion.Content;
        return new RenderedConversation(text, [new Answer(prompt.Content.Length, text.Length, completion.Weight)]);
    }

    /// <summary>Turns as a chat template writes them.</summary>
    /// <exception cref="ChatTemplateException">The template refuses the turns.</exception>
    /// <exception cref="DatasetException">The place of an answer cannot be told.</exception>
    public static RenderedConversation Render(Conversation conversation, DataRow row, ChatTemplate template, IReadOnlyDictionary<string, string> specialTokens)
    {
        JsonElement? tools = row.TryGet("tools", out JsonElement listed) && listed.ValueKind == JsonValueKind.Array ? listed : null;
        var work = new Work([.. conversation.Turns.Select(turn => turn.ToMessage())], messages => template.RenderMessages(messages, addGenerationPrompt: false, specialTokens, tools),
            messages => template.RenderMessages(messages, addGenerationPrompt: true, specialTokens, tools).Text);

        // A template may say itself where answers are; one that marks some of them only does not tell which.
        RenderedChat whole = work.Whole;
        int[] answers = [.. Enumerable.Range(0, conversation.Turns.Count).Where(i => conversation.Turns[i].Role == "assistant")];
        if (whole.GenerationSpans.Count == answers.Length && !whole.HasLostGenerationText)
        {
            return new RenderedConversation(whole.Text, [.. whole.GenerationSpans.Select((range, i) => new Answer(range.Start.Value, range.End.Value, conversation.Turns[answers[i]].Weight))]);
        }

        var found = new List<Answer>();
        foreach (int i in answers)
        {
            (int Start, int End) place = work.ByPrefix(i) ?? work.ByMark(i) ?? throw row.Error(
                ErrorCodes.DatasetRowInvalid,
                $"the chat template rewrites the text of turn {i + 1}, so the answer's place cannot be told",
                "Mark it in the template with {% generation %} … {% endgeneration %}, or split the row");
            found.Add(new Answer(place.Start, place.End, conversation.Turns[i].Weight));
        }

        return new RenderedConversation(whole.Text, found);
    }

    // Finds where a template wrote one turn.
    private sealed class Work(ChatMessage[] messages, Func<ChatMessage[], RenderedChat> render, Func<ChatMessage[], string> prompt)
    {
        public RenderedChat Whole { get; } = render(messages);

        // What a model is given when it is to answer, and what stands there after the answer: the answer lies between.
        public (int Start, int End)? ByPrefix(int turn)
        {
            string before = prompt(messages[..turn]);
            string with = render(messages[..(turn + 1)]).Text;
            return with.StartsWith(before, StringComparison.Ordinal) && Whole.Text.StartsWith(with.TrimEnd('\n'), StringComparison.Ordinal)
                ? (Math.Min(before.Length, Whole.Text.Length), Math.Min(with.Length, Whole.Text.Length))
                : null;
        }

        // Some templates write a turn otherwise once others follow, such as those that leave old thoughts out. A mark in place of
        // its content then shows where the content stands; the turn's end is what follows the mark when the turn is the last.
        public (int Start, int End)? ByMark(int turn)
        {
            string mark = string.Create(CultureInfo.InvariantCulture, $"\uE000{turn}\uE001");
            ChatMessage[] marked = [.. messages];
            marked[turn] = messages[turn] with { Content = mark };
            string text = render(marked).Text;
            int at = text.IndexOf(mark, StringComparison.Ordinal);
            if (at < 0 || text.IndexOf(mark, at + 1, StringComparison.Ordinal) >= 0 || Whole.Text.Contains(mark, StringComparison.Ordinal))
            {
                return null;
            }

            string rest = text[(at + mark.Length)..];
            if (at + rest.Length > Whole.Text.Length || !Whole.Text.StartsWith(text[..at], StringComparison.Ordinal) || !Whole.Text.EndsWith(rest, StringComparison.Ordinal))
            {
                return null;
            }

            string last = render(marked[..(turn + 1)]).Text;
            string end = last[(last.LastIndexOf(mark, StringComparison.Ordinal) + mark.Length)..];
            return (at, Whole.Text.Length - rest.Length + rest.AsSpan().CommonPrefixLength(end));
        }
    }
}
