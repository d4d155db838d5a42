using System.CommandLine;
using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.ChatTemplates;
using Hieno.Formats.Text;
using Hieno.Formats.Tokenizers;
using Hieno.Objectives;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno tokenizer</c>: learns a tokenizer from texts and writes it as model folders have it.</summary>
internal static class TokenizerCommand
{
    private const string EndOfText = "<|endoftext|>";
    private const string TurnStart = "<|im_start|>";
    private const string TurnEnd = "<|im_end|>";

    private sealed record Request(string Kind, int Vocabulary, int MinFrequency, bool Cased, int? MaxLength, string Folder);

    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "tokenizer",
            "Learns a tokenizer from texts, for a model that is pretrained from random weights. Writes tokenizer.json, tokenizer_config.json and special_tokens_map.json.",
            "hieno tokenizer --kind wordpiece --vocab 8000 --data corpus.txt --out models/tiny-bert",
            "hieno tokenizer --kind bpe --vocab 16000 --data corpus.jsonl chats.jsonl --out models/tiny-gpt2");
        Option<string> kind = verb.With(new Option<string>("--kind") { Description = "wordpiece (BERT's kind) or bpe (byte-level, GPT-2's kind, with chat tokens).", Required = true });
        kind.AcceptOnlyFromAmong("wordpiece", "bpe");
        Option<int> vocabulary = verb.With(new Option<int>("--vocab") { Description = "Entries to end with, special tokens included.", HelpName = "N", DefaultValueFactory = _ => 30_000 });
        Option<string[]> data = verb.Texts("--data", "FILE", "Files or folders of texts: .txt, .jsonl, .json, .csv, .tsv. Turns of conversations are read too.");
        data.Required = true;
        Option<string[]> columns = verb.Texts("--text-columns", "COLUMN", "The columns that hold the text. Default: text, or sentence, or the turns of a conversation.");
        Option<int> frequency = verb.With(new Option<int>("--min-frequency") { Description = "How often a pair must occur to become an entry.", HelpName = "N", DefaultValueFactory = _ => 2 });
        Option<bool> cased = verb.Flag("--cased", "Keeps upper case and accents (wordpiece; bpe always does).");
        Option<int?> maxLength = verb.With(new Option<int?>("--max-length") { Description = "The longest input of the model, in tokens, to be noted in tokenizer_config.json.", HelpName = "N" });
        Option<string?> output = verb.Text("--out", "DIR", "The folder to write to.");
        output.Required = true;
        verb.SetAction(parsed =>
        {
            var request = new Request(
                parsed.GetRequiredValue(kind), parsed.GetValue(vocabulary), parsed.GetValue(frequency), parsed.GetValue(cased), parsed.GetValue(maxLength), parsed.GetRequiredValue(output)!);
            Run(terminal, request, parsed.GetRequiredValue(data), new DataOptions { Train = [], TextColumns = parsed.GetValue(columns)! });
        });
        return verb;
    }

    private static void Run(Terminal terminal, Request request, string[] files, DataOptions options)
    {
        var counted = new Counts();
        Tokenizer tokenizer;
        try
        {
            tokenizer = terminal.During($"learning {Figures.Count(request.Vocabulary)} entries …", () => Train(request, Texts(files, options, counted)));
        }
        catch (ArgumentException tooSmall)
        {
            throw new UsageException($"tokenizer: --vocab {request.Vocabulary} is too small. {tooSmall.Message}");
        }

        Directory.CreateDirectory(request.Folder);
        tokenizer.Save(Path.Combine(request.Folder, "tokenizer.json"));
        (JsonObject special, JsonObject config) = request.Kind == "bpe" ? DescribeBpe() : DescribeWordPiece(request);
        if (request.MaxLength is { } longest)
        {
            config["model_max_length"] = longest;
        }

        config["added_tokens_decoder"] = new JsonObject(tokenizer.AddedTokens
            .OrderBy(pair => pair.Key)
            .Select(pair => KeyValuePair.Create(pair.Key.ToString(System.Globalization.CultureInfo.InvariantCulture), Describe(pair.Value))));
        foreach ((string name, JsonNode? token) in special)
        {
            config[name] = token?.DeepClone();
        }

        Write(Path.Combine(request.Folder, "special_tokens_map.json"), special);
        Write(Path.Combine(request.Folder, "tokenizer_config.json"), config);
        terminal.WriteLine($"{Figures.Count(tokenizer.VocabularySize)} entries from {Figures.Count(counted.Texts)} texts with {Figures.Count(counted.Characters)} characters: {request.Folder}");
        if (tokenizer.VocabularySize < request.Vocabulary)
        {
            terminal.Error.WriteLine($"note: the texts give no more than {Figures.Count(tokenizer.VocabularySize)} of the {Figures.Count(request.Vocabulary)} entries asked for");
        }
    }

    private static Tokenizer Train(Request request, IEnumerable<string> texts) => request.Kind == "bpe"
        ? new BpeTrainer { VocabularySize = request.Vocabulary, MinFrequency = request.MinFrequency, SpecialTokens = [EndOfText, TurnStart, TurnEnd] }.Train(texts)
        : new WordPieceTrainer { VocabularySize = request.Vocabulary, MinFrequency = request.MinFrequency, Lowercase = !request.Cased }.Train(texts);

    private static IEnumerable<string> Texts(string[] files, DataOptions options, Counts counted)
    {
        foreach (DataRow row in files.SelectMany(file => DataFile.Read(file))) // row by row: a corpus may be larger than memory
        {
            string text = options.TextColumns.Count > 0 || row.TryGet("text", out _) || row.TryGet("sentence", out _)
                ? CausalLanguageModeling.TextOf(row, options)
                : string.Join('\n', Conversation.Read(row, RowLayout.Auto).Turns.Select(turn => turn.Content));
            counted.Texts++;
            counted.Characters += text.Length;
            yield return text;
        }

        if (counted.Texts == 0)
        {
            throw new DatasetException(ErrorCodes.DatasetEmpty, string.Join(", ", files), 0, 0, "there are no texts", "Give files with at least one row");
        }
    }

    private static (JsonObject Special, JsonObject Config) DescribeWordPiece(Request request) => (
        new JsonObject { ["unk_token"] = "[UNK]", ["sep_token"] = "[SEP]", ["pad_token"] = "[PAD]", ["cls_token"] = "[CLS]", ["mask_token"] = "[MASK]" },
        new JsonObject
        {
            ["tokenizer_class"] = "BertTokenizer",
            ["do_lower_case"] = !request.Cased,
            ["strip_accents"] = null,
            ["tokenize_chinese_chars"] = true,
            ["clean_up_tokenization_spaces"] = true,
        });

    // The chat template closes each turn with <|im_end|>; <|endoftext|> closes a text.
    private static (JsonObject Special, JsonObject Config) DescribeBpe() => (
        new JsonObject { ["bos_token"] = EndOfText, ["eos_token"] = EndOfText, ["unk_token"] = EndOfText, ["additional_special_tokens"] = new JsonArray(TurnStart, TurnEnd) },
        new JsonObject
        {
            ["tokenizer_class"] = "GPT2Tokenizer",
            ["add_prefix_space"] = false,
            ["clean_up_tokenization_spaces"] = false,
            ["chat_template"] = BuiltInTemplates.ChatMl,
        });

    private static JsonNode? Describe(AddedToken token) => new JsonObject
    {
        ["content"] = token.Content,
        ["lstrip"] = token.LStrip,
        ["normalized"] = token.Normalized,
        ["rstrip"] = token.RStrip,
        ["single_word"] = token.SingleWord,
        ["special"] = token.Special,
    };

    private static void Write(string path, JsonObject content) => File.WriteAllText(path, content.ToJsonString(JsonOutput.Options) + "\n");

    private sealed class Counts
    {
        public long Texts { get; set; }

        public long Characters { get; set; }
    }
}
