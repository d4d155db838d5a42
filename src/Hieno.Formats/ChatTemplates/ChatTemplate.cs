using System.Collections.ObjectModel;
using System.Text.Json;
using Hieno.Formats.ChatTemplates.Runtime;
using Hieno.Formats.ChatTemplates.Syntax;
using Hieno.Formats.ChatTemplates.Values;

namespace Hieno.Formats.ChatTemplates;

/// <summary>A chat template: the Jinja program in a checkpoint that turns messages into the text its model was trained on.</summary>
/// <remarks>
/// The language is the part of Jinja 3.1 that chat templates use, with the settings of the transformers library
/// (<c>trim_blocks</c>, <c>lstrip_blocks</c>, loop controls, <c>{% generation %}</c>, an immutable sandbox, no HTML escaping) and
/// Python's way to compute with and to print values. Inheritance, includes and imports are not part of it.
/// A template is untrusted data: it can reach nothing but the values given to it, and <see cref="ChatTemplateOptions"/> bounds
/// what it uses. Instances hold no state of a render, so one can serve many threads.
/// </remarks>
public sealed class ChatTemplate
{
    private readonly TemplateSource _source;
    private readonly IReadOnlyList<Statement> _statements;
    private readonly ChatTemplateOptions _options;

    private ChatTemplate(TemplateSource source, IReadOnlyList<Statement> statements, ChatTemplateOptions options) =>
        (_source, _statements, _options) = (source, statements, options);

    /// <summary>The name used in errors.</summary>
    public string Name => _source.Name;

    /// <summary>Reads a template.</summary>
    /// <param name="source">Its text. One line end at the very end is ignored.</param>
    /// <param name="name">What to call it in errors, such as the file it came from.</param>
    /// <param name="options">Bounds and clock; null for the defaults.</param>
    /// <exception cref="ChatTemplateException">The text is not a template of the supported language.</exception>
    public static ChatTemplate Parse(string source, string name, ChatTemplateOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        var template = TemplateSource.From(source, name);
        try
        {
            return new ChatTemplate(template, TemplateParser.Parse(template), options ?? new ChatTemplateOptions());
        }
        catch (TemplateFault fault)
        {
            throw new ChatTemplateException(name, template.Locate(fault.At), fault);
        }
    }

    /// <summary>Renders the template.</summary>
    /// <param name="variables">
    /// What the template can read: null, text, numbers, truth values, <see cref="JsonElement"/>s, and dictionaries and lists of these.
    /// </param>
    /// <exception cref="ChatTemplateException">
    /// The template refuses the values by <c>raise_exception</c>, does with them what cannot be done, or reaches a bound.
    /// </exception>
    public RenderedChat Render(IReadOnlyDictionary<string, object?> variables)
    {
        ArgumentNullException.ThrowIfNull(variables);
        var budget = new Budget(_options);
        try
        {
            var scope = new Scope(Globals.Create(budget));
            foreach ((string key, object? value) in variables)
            {
                scope.Set(key, ValueImport.From(value, key, budget));
            }

            return new Renderer(budget).Render(_statements, scope);
        }
        catch (TemplateFault fault)
        {
            throw new ChatTemplateException(Name, _source.Locate(fault.At), fault);
        }
    }

    /// <summary>Renders a chat, with the variables that templates of checkpoints expect.</summary>
    /// <param name="messages">The turns, in order.</param>
    /// <param name="addGenerationPrompt">True to end where the model is to answer; false for training.</param>
    /// <param name="specialTokens">Texts of the tokenizer's special tokens by name: bos_token, eos_token, pad_token, …</param>
    /// <param name="tools">JSON schemas of the tools, an array as in the OpenAI chat format, or null for none.</param>
    /// <param name="extra">Further variables, such as <c>enable_thinking</c>. They win over the ones above.</param>
    /// <exception cref="ChatTemplateException">As for <see cref="Render"/>.</exception>
    public RenderedChat RenderMessages(
        IReadOnlyList<ChatMessage> messages,
        bool addGenerationPrompt,
        IReadOnlyDictionary<string, string>? specialTokens = null,
        JsonElement? tools = null,
        IReadOnlyDictionary<string, object?>? extra = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var variables = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["messages"] = messages.Select(message => message.ToVariables()).ToList(),
            ["tools"] = tools,
            ["documents"] = null, // defined and none, as templates for retrieval test it
            ["add_generation_prompt"] = addGenerationPrompt,
        };
        foreach ((string key, string token) in specialTokens ?? ReadOnlyDictionary<string, string>.Empty)
        {
            variables[key] = token;
        }

        foreach ((string key, object? value) in extra ?? ReadOnlyDictionary<string, object?>.Empty)
        {
            variables[key] = value;
        }

        return Render(variables);
    }
}
