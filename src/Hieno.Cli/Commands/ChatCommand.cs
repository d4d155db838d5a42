using System.CommandLine;
using System.Text;
using Hieno.Cli.Generation;
using Hieno.Formats.ChatTemplates;
using Hieno.Generation;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno chat MODEL</c>: a conversation, turn by turn.</summary>
internal static class ChatCommand
{
    private const string Help = "/exit ends, /reset forgets the conversation, /system TEXT sets the system turn, /help shows this.";

    // Room that is kept for an answer where the model's longest text allows it.
    private const int AnswerRoom = 64;

    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "chat",
            "Talks with a model, turn by turn, by its chat template. " + Help,
            "hieno chat runs/support --temperature 0.7");
        Argument<string> model = verb.Required("MODEL", "A run folder, a model folder or an adapter folder.");
        Option<string?> system = verb.Text("--system", "TEXT", "A system turn before the conversation.");
        var flags = new GenerationFlags(verb);
        verb.SetAction(async (parsed, cancellation) =>
        {
            LoadedModel loaded = flags.Open(parsed, parsed.GetRequiredValue(model));
            ChatPrompt template = flags.Chat(parsed, loaded.Tokenizer);
            var conversation = new Conversation(
                terminal, GenerationFlags.Generator(loaded, template), template, flags.Options(parsed, template), loaded.Text.Backbone.MaxTextLength)
            {
                System = parsed.GetValue(system),
            };
            if (terminal.IsInteractive)
            {
                terminal.WriteLine(Help);
            }

            await conversation.RunAsync(cancellation);
            return ExitCode.Done;
        });
        return verb;
    }

    private sealed class Conversation(Terminal terminal, TextGenerator generator, ChatPrompt template, GenerationOptions options, int longest)
    {
        private readonly List<ChatMessage> _turns = [];

        public string? System { get; set; }

        public async Task RunAsync(CancellationToken cancellation)
        {
            while (true)
            {
                if (terminal.IsInteractive)
                {
                    terminal.Output.Write("> ");
                    terminal.Output.Flush();
                }

                // Reading a console cannot be cancelled; waiting for it can.
                string? line = await Task.Run(terminal.Input.ReadLine, CancellationToken.None).WaitAsync(cancellation);
                switch (line?.Trim())
                {
                    case null or "/exit":
                        return;
                    case "":
                        break;
                    case "/reset":
                        _turns.Clear();
                        break;
                    case "/help":
                        terminal.WriteLine(Help);
                        break;
                    case { } command when command.StartsWith("/system", StringComparison.Ordinal):
                        string text = command["/system".Length..].Trim();
                        System = text.Length > 0 ? text : null;
                        break;
                    default:
                        Answer(line, cancellation);
                        break;
                }
            }
        }

        private void Answer(string question, CancellationToken cancellation)
        {
            _turns.Add(new ChatMessage("user", question));
            GenerationPrompt prompt = Fit();
            var answer = new StringBuilder();

            // Each answer is drawn anew: the number of turns tells the draws of two answers apart.
            foreach (GeneratedToken token in GenerationFlags.Stream(generator, [prompt with { Draw = (ulong)_turns.Count }], options, cancellation))
            {
                answer.Append(token.Text);
                terminal.Output.Write(token.Text);
                terminal.Output.Flush();
            }

            terminal.WriteLine();
            cancellation.ThrowIfCancellationRequested();
            _turns.Add(new ChatMessage("assistant", answer.ToString().Trim()));
        }

        // The oldest question and answer are forgotten until there is room for a new answer.
        private GenerationPrompt Fit()
        {
            int room = Math.Min(AnswerRoom, longest / 4);
            int forgotten = 0;
            GenerationPrompt prompt = Render();
            while (prompt.Tokens.Count + room > longest && _turns.Count > 2)
            {
                _turns.RemoveRange(0, 2);
                forgotten++;
                prompt = Render();
            }

            if (forgotten > 0)
            {
                terminal.Error.WriteLine($"note: the model reads at most {longest} tokens; the oldest {(forgotten == 1 ? "turn was" : $"{forgotten} turns were")} forgotten");
            }

            return prompt;
        }

        private GenerationPrompt Render() => template.Render(System is null ? _turns : [new ChatMessage("system", System), .. _turns]);
    }
}
