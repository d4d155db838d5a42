using System.CommandLine;
using Hieno.Data;
using Hieno.Generation;
using Hieno.Models;
using Hieno.Recipes;
using Hieno.Tuning;

namespace Hieno.Cli.Generation;

/// <summary>The options of verbs that generate text, and the generator that they describe.</summary>
internal sealed class GenerationFlags
{
    private readonly Option<string?> _base;
    private readonly Option<string?> _template;
    private readonly Option<int?> _maxNew;
    private readonly Option<float?> _temperature;
    private readonly Option<int?> _topK;
    private readonly Option<float?> _topP;
    private readonly Option<float?> _minP;
    private readonly Option<float?> _penalty;
    private readonly Option<ulong> _seed;
    private readonly Option<string[]> _stop;
    private readonly Option<string?> _promptTask;
    private readonly PluginFlag _plugins;

    public GenerationFlags(Verb verb)
    {
        Option<T> Number<T>(string name, string description) => verb.With(new Option<T>(name) { Description = description, HelpName = "N" });
        _base = verb.Text("--base", "DIR", "The base of an adapter, where it is no longer where the adapter says.");
        _template = verb.Text("--chat-template", "FILE", "A file with a chat template, or chatml, or plain. Default: the model's own, else plain.");
        _maxNew = Number<int?>("--max-new-tokens", "The most tokens to generate. Default: the model's own, else 256.");
        _temperature = Number<float?>("--temperature", "Below 1 likely tokens become likelier; 0 always takes the likeliest. Default: the model's own, else 1.");
        _topK = Number<int?>("--top-k", "Draws from the N likeliest tokens; 0 turns it off. Default: the model's own, else 0.");
        _topP = Number<float?>("--top-p", "Draws from the fewest tokens that together have this probability; 1 turns it off. Default: the model's own, else 1.");
        _minP = Number<float?>("--min-p", "Draws from tokens at least this many times as probable as the likeliest; 0 turns it off. Default: the model's own, else 0.");
        _penalty = Number<float?>("--repetition-penalty", "Makes tokens that occurred less likely; 1 turns it off. Default: the model's own, else 1.");
        _seed = Number<ulong>("--seed", "Decides what is drawn: the same seed gives the same text. Default 0.");
        _promptTask = verb.Text("--prompt-task", "NAME", "The task of a multitask prompt that the texts are of.");
        _stop = verb.With(new Option<string[]>("--stop") { Description = "A text at which to end; may be repeated.", HelpName = "TEXT", DefaultValueFactory = _ => [] });
        _plugins = new PluginFlag(verb);
    }

    /// <summary>The methods whose adapters are known: the built-in ones and those of the plugins.</summary>
    public KindCatalog Kinds(ParseResult parsed) => _plugins.Kinds(parsed);

    /// <summary>Opens the model as a language model.</summary>
    /// <exception cref="UsageException">A task was chosen that the model's prompt does not know, or for a model without such a prompt.</exception>
    public LoadedModel Open(ParseResult parsed, string folder)
    {
        LoadedModel loaded = ModelFolder.Open(folder, HeadKind.Language, parsed.GetValue(_base), Kinds(parsed));
        if (parsed.GetValue(_promptTask) is { } task)
        {
            MultitaskPromptVectors prompt = loaded.Adapter?.Parts.OfType<MultitaskPromptVectors>().SingleOrDefault()
                ?? throw new UsageException($"--prompt-task: {folder} has no prompt of several tasks.");
            prompt.Task = prompt.Tasks.Contains(task, StringComparer.Ordinal) ? task : throw new UsageException($"--prompt-task: there is no task '{task}'. The prompt knows {string.Join(", ", prompt.Tasks)}.");
        }

        return loaded;
    }

    public ChatPrompt Chat(ParseResult parsed, ModelTokenizer tokenizer) => new(tokenizer, parsed.GetValue(_template));

    /// <summary>A generator that ends at every token with which the model, its tokenizer or its chat template ends a text.</summary>
    public static TextGenerator Generator(LoadedModel loaded, ChatPrompt? chat, AdapterSet? adapters = null)
    {
        GenerationDefaults defaults = GenerationDefaults.Read(Path.GetDirectoryName(loaded.Config.Path)!);
        int[] further = [.. new[] { loaded.Tokenizer.EndId, chat?.EndToken }.OfType<int>()];
        return new TextGenerator(loaded.Text, loaded.Tokenizer.Tokenizer, defaults with { EosTokens = [.. defaults.EosTokens.Union(further)] }) { Adapters = adapters };
    }

    public GenerationOptions Options(ParseResult parsed, ChatPrompt? chat) => new()
    {
        MaxNewTokens = parsed.GetValue(_maxNew),
        Temperature = parsed.GetValue(_temperature),
        TopK = parsed.GetValue(_topK),
        TopP = parsed.GetValue(_topP),
        MinP = parsed.GetValue(_minP),
        RepetitionPenalty = parsed.GetValue(_penalty),
        Seed = parsed.GetValue(_seed),
        Stop = [.. parsed.GetValue(_stop)!, .. chat?.StopText is { } stop ? [stop] : Array.Empty<string>()],
    };

    /// <summary>Begins to generate.</summary>
    /// <exception cref="UsageException">A setting is out of its range.</exception>
    public static IEnumerable<GeneratedToken> Stream(TextGenerator generator, IReadOnlyList<GenerationPrompt> prompts, GenerationOptions options, CancellationToken cancellation)
    {
        try
        {
            return generator.Stream(prompts, options, cancellation); // checks the settings now, generates when read
        }
        catch (ArgumentException fault)
        {
            throw new UsageException(fault.Message);
        }
    }
}
