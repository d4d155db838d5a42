using System.Text.Json;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.ChatTemplates;
using Hieno.Formats.Text;
using Hieno.Formats.Tokenizers;
using Hieno.Models;

namespace Hieno.Objectives;

/// <summary>Settings of <see cref="SupervisedFineTuning"/>.</summary>
public sealed record SupervisedFineTuningOptions : ObjectiveOptions
{
    /// <summary>True learns the prompts as well as the answers. Default false: only what the assistant says.</summary>
    public bool LearnPrompts { get; init; }

    /// <inheritdoc/>
    public override IObjective Create() => new SupervisedFineTuning(this);
}

/// <summary>
/// Supervised fine-tuning on conversations: the model reads them as its chat template writes them, and learns what the assistant said, each
/// turn's end included, so that it also learns to stop.
/// </summary>
/// <remarks>Ouyang et al. 2022, <see href="https://arxiv.org/abs/2203.02155"/>, section 3.5, with the loss on the answers only.</remarks>
public sealed class SupervisedFineTuning(SupervisedFineTuningOptions options) : LanguageModeling
{
    private ChatTemplate _template = null!;

    /// <summary>The chat template in use.</summary>
    public ChatTemplate Template => _template;

    /// <inheritdoc/>
    public override void Prepare(ObjectiveContext context, IReadOnlyList<DataRow> train)
    {
        ArgumentNullException.ThrowIfNull(context);
        base.Prepare(context, train);
        _template = context.Tokenizer.ChooseTemplate(context.Data.ChatTemplate);
        context.Log($"chat template: {_template.Name}");
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Example> Encode(IReadOnlyList<DataRow> rows, ICollection<DatasetException> invalid)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(invalid);
        var examples = new List<Example>(rows.Count);
        int cut = 0;
        foreach (DataRow row in rows)
        {
            try
            {
                Example example = EncodeRow(row, out bool wasCut);
                cut += wasCut ? 1 : 0;
                examples.Add(example);
            }
            catch (DatasetException fault)
            {
                invalid.Add(fault);
            }
            catch (ChatTemplateException fault)
            {
                invalid.Add(row.Error(ErrorCodes.DatasetRowInvalid, $"the chat template refuses it: {fault.Message}", "Change the row's turns, or choose another 'data.chatTemplate'"));
            }
        }

        if (cut > 0)
        {
            Context.Log($"{cut} of {rows.Count} rows were longer than {Context.MaxLength} tokens and were cut at the end");
        }

        return examples;
    }

    private Example EncodeRow(DataRow row, out bool wasCut)
    {
        var conversation = Conversation.Read(row, Context.Data.Layout);
        (string text, List<(int Start, int End, float Weight)> spans) = conversation.IsPlain ? Join(conversation) : Render(row, conversation);
        Encoding encoding = Context.Tokenizer.Tokenizer.Encode(text, addSpecialTokens: conversation.IsPlain);
        int[] ids = encoding.Ids;
        int[] labels = new int[ids.Length];
        float[] weights = new float[ids.Length];
        for (int i = 0; i < ids.Length; i++)
        {
            // A token that begins before a span also holds text the model is only given, so it is not learned.
            TextRange range = encoding.Offsets[i];
            int span = spans.FindIndex(s => range.Start >= s.Start && range.Start < s.End && range.End > range.Start);
            bool learned = options.LearnPrompts ? i > 0 : span >= 0;
            labels[i] = learned && !(span >= 0 && spans[span].Weight == 0) ? ids[i] : Example.Ignore;
            weights[i] = span >= 0 ? spans[span].Weight : 1f;
        }

        (ids, labels, weights) = EndText(ids, labels, weights, conversation);
        wasCut = ids.Length > Context.MaxLength;
        if (wasCut)
        {
            (ids, labels, weights) = (ids[..Context.MaxLength], labels[..Context.MaxLength], weights[..Context.MaxLength]);
        }

        return labels.Skip(1).Any(label => label != Example.Ignore)
            ? new Example
            {
                Ids = ids,
                TokenLabels = labels,
                TokenWeights = Array.TrueForAll(weights, weight => weight == 1f) ? null : weights,
                Source = $"{Path.GetFileName(row.File)}, line {row.Line}",
            }
            : throw row.Error(ErrorCodes.DatasetRowInvalid, wasCut ? $"the prompt alone fills all {Context.MaxLength} tokens, so that nothing is left to learn" : "no token of it would be learned", "Raise 'data.maxLength', shorten the prompt, or set 'data.skipInvalid: true'");
    }

    // Prompt and completion are joined as they are; the end-of-text token is learned, or the model would never stop.
    private (int[] Ids, int[] Labels, float[] Weights) EndText(int[] ids, int[] labels, float[] weights, Conversation conversation)
    {
        if (!conversation.IsPlain || Context.Tokenizer.EndId is not { } end || (ids.Length > 0 && ids[^1] == end))
        {
            return (ids, labels, weights);
        }

        return ([.. ids, end], [.. labels, end], [.. weights, 1f]);
    }

    private static (string Text, List<(int Start, int End, float Weight)> Spans) Join(Conversation conversation)
    {
        string prompt = conversation.Turns[0].Content;
        string completion = conversation.Turns[1].Content;
        return (prompt + completion, [(prompt.Length, prompt.Length + completion.Length, conversation.Turns[1].Weight)]);
    }

    // Where each answer stands in the rendered text: from the template's generation blocks, or by rendering the turns before it and with it.
    private (string Text, List<(int Start, int End, float Weight)> Spans) Render(DataRow row, Conversation conversation)
    {
        List<ChatMessage> messages = [.. conversation.Turns.Select(ToMessage)];
        JsonElement? tools = row.TryGet("tools", out JsonElement listed) && listed.ValueKind == JsonValueKind.Array ? listed : null;
        RenderedChat whole = _template.RenderMessages(messages, addGenerationPrompt: false, Context.Tokenizer.SpecialTokens, tools);
        float[] weights = [.. conversation.Turns.Where(turn => turn.Role == "assistant").Select(turn => turn.Weight)];
        if (whole.GenerationSpans.Count == weights.Length && !whole.HasLostGenerationText)
        {
            return (whole.Text, [.. whole.GenerationSpans.Select((range, i) => (range.Start.Value, range.End.Value, weights[i]))]);
        }

        var spans = new List<(int Start, int End, float Weight)>();
        for (int i = 0; i < messages.Count; i++)
        {
            if (conversation.Turns[i].Role != "assistant")
            {
                continue;
            }

            string before = _template.RenderMessages(messages[..i], addGenerationPrompt: true, Context.Tokenizer.SpecialTokens, tools).Text;
            string with = _template.RenderMessages(messages[..(i + 1)], addGenerationPrompt: false, Context.Tokenizer.SpecialTokens, tools).Text;
            if (!with.StartsWith(before, StringComparison.Ordinal) || !whole.Text.StartsWith(with.TrimEnd('\n'), StringComparison.Ordinal))
            {
                throw row.Error(ErrorCodes.DatasetRowInvalid, $"the chat template rewrites earlier turns when turn {i + 1} is added, so the answer's place cannot be told", "Mark it in the template with {% generation %} … {% endgeneration %}, or split the row");
            }

            spans.Add((before.Length, Math.Min(with.Length, whole.Text.Length), conversation.Turns[i].Weight));
        }

        return (whole.Text, spans);
    }

    private static ChatMessage ToMessage(Turn turn) => new(turn.Role, turn.Content)
    {
        Weight = turn.Weight,
        ToolCalls = turn.Raw is { } raw && raw.TryGetProperty("tool_calls", out JsonElement calls) ? calls : null,
        ToolCallId = turn.Raw is { } source && source.TryGetProperty("tool_call_id", out JsonElement id) ? id.GetString() : null,
        Name = turn.Raw is { } named && named.TryGetProperty("name", out JsonElement name) ? name.GetString() : null,
    };
}
