using System.Runtime.CompilerServices;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>Counts what a render has used. Every loop over data, every recursion and every text built asks here first.</summary>
internal sealed class Budget(ChatTemplateOptions options)
{
    private long _work;
    private int _depth;

    public ChatTemplateOptions Options => options;

    /// <summary>Books work: one unit an evaluation or an element.</summary>
    public void Work(long units = 1)
    {
        _work += units;
        if (_work > options.MaxWork)
        {
            throw TemplateFault.Limit($"the template needs more than {options.MaxWork:N0} units of work", nameof(options.MaxWork));
        }
    }

    /// <summary>Books reading <paramref name="length"/> characters of text.</summary>
    public void Read(long length) => Work(length / 16);

    /// <summary>Books building a text of this length, before it is built.</summary>
    public void Text(long length)
    {
        CheckLength(length);
        Read(length);
    }

    /// <summary>Refuses a text of this length, without booking it: for texts that grow piece by piece.</summary>
    public void CheckLength(long length)
    {
        if (length > options.MaxTextLength)
        {
            throw TemplateFault.Limit(
                $"the template builds a text of more than {options.MaxTextLength:N0} characters", nameof(options.MaxTextLength));
        }
    }

    /// <summary>Goes one level deeper; <see cref="Leave"/> comes back. Guards the thread's stack as well as the bound.</summary>
    public void Enter()
    {
        Work();
        if (++_depth > options.MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw TemplateFault.Limit($"the template nests more than {Math.Min(_depth - 1, options.MaxDepth):N0} levels deep", nameof(options.MaxDepth));
        }
    }

    public void Leave() => _depth--;
}
