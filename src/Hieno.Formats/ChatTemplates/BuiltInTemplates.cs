namespace Hieno.Formats.ChatTemplates;

/// <summary>Templates for models that come without one.</summary>
/// <remarks>Both mark the assistant's turns with <c>{% generation %}</c>, and read the roles system, user and assistant.</remarks>
public static class BuiltInTemplates
{
    /// <summary>Each turn between <c>&lt;|im_start|&gt;role</c> and <c>&lt;|im_end|&gt;</c>, the layout that many chat models share.</summary>
    public const string ChatMl =
        """
        {% for message in messages %}
        {{- '<|im_start|>' + message['role'] + '\n' -}}
        {% if message['role'] == 'assistant' %}
        {% generation %}
        {{- message['content'] + '<|im_end|>\n' -}}
        {% endgeneration %}
        {% else %}
        {{- message['content'] + '<|im_end|>\n' -}}
        {% endif %}
        {% endfor %}
        {% if add_generation_prompt %}
        {{- '<|im_start|>assistant\n' -}}
        {% endif %}

        """;

    /// <summary>
    /// Sections under <c>### Instruction:</c> and <c>### Response:</c> headings, for base models without special tokens. An answer
    /// ends with the <c>eos_token</c> when the tokenizer has one.
    /// </summary>
    public const string Plain =
        """
        {% for message in messages %}
        {% if message['role'] == 'system' %}
        {{- message['content'] + '\n\n' -}}
        {% elif message['role'] == 'user' %}
        {{- '### Instruction:\n' + message['content'] + '\n\n' -}}
        {% elif message['role'] == 'assistant' %}
        {{- '### Response:\n' -}}
        {% generation %}
        {{- message['content'] + (eos_token or '') -}}
        {% endgeneration %}
        {{- '\n\n' -}}
        {% else %}
        {{- raise_exception('The plain template knows the roles system, user and assistant, not ' + message['role']) -}}
        {% endif %}
        {% endfor %}
        {% if add_generation_prompt %}
        {{- '### Response:\n' -}}
        {% endif %}

        """;

    /// <summary>The built-in template of that name: <c>chatml</c> or <c>plain</c>.</summary>
    /// <param name="name">Name of the template.</param>
    /// <exception cref="ArgumentException">There is no built-in template of that name.</exception>
    public static ChatTemplate Get(string name) => ChatTemplate.Parse(
        name switch
        {
            "chatml" => ChatMl,
            "plain" => Plain,
            _ => throw new ArgumentException($"BuiltInTemplates: there is no template '{name}'. Use chatml or plain.", nameof(name)),
        },
        name);
}
