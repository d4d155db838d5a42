using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.ChatTemplates;
using Hieno.Formats.Text;

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
        RenderedConversation rendered = conversation.IsPlain ? RenderedConversation.Join(conversation) : RenderedConversation.Render(conversation, row, _template, Context.Tokenizer.SpecialTokens);
        var tokens = MaskedTokens.Of(Context.Tokenizer, rendered, options.LearnPrompts);
        if (conversation.IsPlain)
        {
            tokens = tokens.Framed(Context.Tokenizer);
        }

        wasCut = tokens.Ids.Length > Context.MaxLength;
        tokens = wasCut ? tokens.Cut(Context.MaxLength) : tokens;
        return tokens.Labels.Skip(1).Any(label => label != Example.Ignore)
            ? new Example
            {
                Ids = tokens.Ids,
                TokenLabels = tokens.Labels,
                TokenWeights = Array.TrueForAll(tokens.Weights, weight => weight == 1f) ? null : tokens.Weights,
                Task = Context.TaskOf(row),
                IsCut = wasCut,
                Source = $"{Path.GetFileName(row.File)}, line {row.Line}",
            }
            : throw row.Error(ErrorCodes.DatasetRowInvalid, wasCut ? $"the prompt alone fills all {Context.MaxLength} tokens, so that nothing is left to learn" : "no token of it would be learned", "Raise 'data.maxLength', shorten the prompt, or set 'data.skipInvalid: true'");
    }
}
