using System.CommandLine;
using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Hieno.Cli.Generation;
using Hieno.Formats.ChatTemplates;
using Hieno.Generation;
using Hieno.Tuning;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno generate MODEL</c>: continues prompts.</summary>
internal static class GenerateCommand
{
    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "generate",
            "Continues a prompt with a causal language model, and prints the text as it is generated.",
            "hieno generate runs/support --chat --prompt \"When does the hall open?\"",
            "hieno generate models/tiny-gpt2 --prompt \"Once upon a time\" --temperature 0.8 --top-p 0.9 --seed 7",
            "hieno generate models/tiny-gpt2 --prompt \"One\" --prompt \"Two\" --json",
            "hieno generate models/hieno-decoder --adapter support=runs/support --adapter sales=runs/sales --prompt \"One\" --use support --prompt \"Two\" --use sales");
        Argument<string> model = verb.Required("MODEL", "A run folder, a model folder or an adapter folder.");
        Option<string[]> prompt = verb.With(new Option<string[]>("--prompt") { Description = "The text to continue; may be repeated. Default: what is on the standard input.", HelpName = "TEXT", DefaultValueFactory = _ => [] });
        Option<bool> chat = verb.Flag("--chat", "Takes the prompt for a user's turn and writes it by the chat template, as in tuning on conversations.");
        Option<string?> system = verb.Text("--system", "TEXT", "A system turn before the prompt; implies --chat.");
        var adapters = new AdapterFlags(verb);
        var flags = new GenerationFlags(verb);
        Option<bool> json = verb.Flag("--json", "Prints a JSON array with texts, tokens and log-probabilities.");
        verb.SetAction((parsed, cancellation) =>
        {
            string[] texts = parsed.GetValue(prompt) is { Length: > 0 } given ? given : [terminal.Input.ReadToEnd()];
            LoadedModel loaded = flags.Open(parsed, parsed.GetRequiredValue(model));
            AdapterSet? held = adapters.Load(parsed, loaded, flags.Kinds(parsed));
            string?[] names = adapters.NamesFor(parsed, held, texts.Length);
            ChatPrompt? template = parsed.GetValue(chat) || parsed.GetValue(system) is not null ? flags.Chat(parsed, loaded.Tokenizer) : null;
            TextGenerator generator = GenerationFlags.Generator(loaded, template, held);
            GenerationPrompt[] prompts = [.. texts.Select((text, i) => (template?.Render(Turns(parsed.GetValue(system), text)) ?? generator.Encode(text)) with { Adapter = names[i] })];
            IEnumerable<GeneratedToken> tokens = GenerationFlags.Stream(generator, prompts, flags.Options(parsed, template), cancellation);
            if (parsed.GetValue(json))
            {
                WriteJson(texts, prompts, tokens, terminal.Output);
            }
            else
            {
                Write(texts, tokens, terminal);
            }

            return Task.FromResult(ExitCode.Done);
        });
        return verb;
    }

    private static ChatMessage[] Turns(string? system, string text) =>
        system is null ? [new ChatMessage("user", text)] : [new ChatMessage("system", system), new ChatMessage("user", text)];

    private static void Write(string[] texts, IEnumerable<GeneratedToken> tokens, Terminal terminal)
    {
        long start = Stopwatch.GetTimestamp();
        int count = 0;
        StringBuilder[] whole = [.. texts.Select(_ => new StringBuilder())];
        foreach (GeneratedToken token in tokens)
        {
            count++;
            whole[token.Row].Append(token.Text);
            if (texts.Length == 1)
            {
                terminal.Output.Write(token.Text); // as it comes
                terminal.Output.Flush();
            }
        }

        if (texts.Length == 1)
        {
            terminal.WriteLine();
        }

        for (int i = 0; i < texts.Length && texts.Length > 1; i++)
        {
            terminal.WriteLine($"[{i + 1}] {texts[i]}");
            terminal.WriteLine(whole[i].ToString());
        }

        if (terminal.IsInteractive)
        {
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            terminal.Error.WriteLine($"{count} tokens in {Figures.Duration(seconds)}, {Figures.Number(count / Math.Max(seconds, 1e-9))} tokens/s");
        }
    }

    private static void WriteJson(string[] texts, GenerationPrompt[] prompts, IEnumerable<GeneratedToken> tokens, TextWriter output)
    {
        ILookup<int, GeneratedToken> rows = tokens.ToLookup(token => token.Row);
        output.WriteLine(new JsonArray([.. texts.Select((text, i) => new JsonObject
        {
            ["prompt"] = text,
            ["adapter"] = prompts[i].Adapter,
            ["text"] = string.Concat(rows[i].Select(token => token.Text)),
            ["promptTokens"] = prompts[i].Tokens.Count,
            ["tokens"] = new JsonArray([.. rows[i].Select(token => JsonValue.Create(token.Id))]),
            ["logProbabilities"] = new JsonArray([.. rows[i].Select(token => JsonOutput.Number(token.LogProbability))]),
            ["finish"] = rows[i].Last().Finish switch { FinishReason.Eos => "eos", FinishReason.Stop => "stop", _ => "length" },
        })]).ToJsonString(JsonOutput.Options));
    }
}
