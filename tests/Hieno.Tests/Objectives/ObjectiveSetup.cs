using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats.Text;
using Hieno.Formats.Tokenizers;
using Hieno.Objectives;
using Hieno.Tensors;
using Hieno.Tests.Tuning;

namespace Hieno.Tests.Objectives;

/// <summary>Tokenizers trained on a few sentences, rows from JSON, and objectives made ready with them.</summary>
internal sealed class ObjectiveSetup : IDisposable
{
    private static readonly string[] s_texts =
    [
        "the cat sat on the mat and the dog sat on the log", "a question is answered with an answer, and the answer is yes or no",
        "What is the capital of Finland? The capital of Finland is Helsinki.", "### Instruction: do this ### Response: done",
    ];

    private readonly TemporaryFolder _folder = new();

    public List<string> Log { get; } = [];

    public string Folder => _folder.Path;

    public void Dispose() => _folder.Dispose();

    /// <summary>Byte-level BPE with an end-of-text token and ChatML's two marks; a begin-of-text token before each text when wanted.</summary>
    public ModelTokenizer Bpe(string? chatTemplate = null, bool begin = false)
    {
        new BpeTrainer { VocabularySize = 340, SpecialTokens = ["<|end|>", "<|im_start|>", "<|im_end|>", "<|begin|>"] }.Train(s_texts).Save(_folder.PathOf("tokenizer.json"));
        if (begin)
        {
            const string Frame = """
                { "type": "TemplateProcessing", "single": [{ "SpecialToken": { "id": "<|begin|>", "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } }],
                  "pair": [{ "Sequence": { "id": "A", "type_id": 0 } }, { "Sequence": { "id": "B", "type_id": 1 } }],
                  "special_tokens": { "<|begin|>": { "id": "<|begin|>", "ids": [3], "tokens": ["<|begin|>"] } } }
                """;
            JsonNode json = JsonNode.Parse(File.ReadAllText(_folder.PathOf("tokenizer.json")))!;
            json["post_processor"] = JsonNode.Parse(Frame);
            File.WriteAllText(_folder.PathOf("tokenizer.json"), json.ToJsonString());
        }

        _folder.Write("tokenizer_config.json", JsonSerializer.Serialize(new { eos_token = "<|end|>", bos_token = "<|begin|>", chat_template = chatTemplate }));
        return ModelTokenizer.Load(_folder.Path);
    }

    /// <summary>WordPiece as BERT has it.</summary>
    public ModelTokenizer WordPiece()
    {
        new WordPieceTrainer { VocabularySize = 120 }.Train(s_texts).Save(_folder.PathOf("tokenizer.json"));
        _folder.Write("tokenizer_config.json", """{ "mask_token": "[MASK]", "sep_token": "[SEP]", "cls_token": "[CLS]", "pad_token": "[PAD]", "unk_token": "[UNK]" }""");
        return ModelTokenizer.Load(_folder.Path);
    }

    /// <summary>One row a line of JSON.</summary>
    public List<DataRow> Rows(params string[] lines) => [.. JsonlReader.Read(_folder.Write("rows.jsonl", string.Join('\n', lines)))];

    /// <summary>An objective that has seen the training rows.</summary>
    public IObjective Prepare(ObjectiveOptions options, ModelTokenizer tokenizer, IReadOnlyList<DataRow> train, DataOptions? data = null, int maxLength = 1000, string family = "bert")
    {
        IObjective objective = options.Create();
        objective.Prepare(new ObjectiveContext(tokenizer, TinyTuning.Config(family), data ?? new DataOptions { Train = ["rows.jsonl"] }, maxLength, Log.Add), train);
        return objective;
    }

    /// <summary>All rows as examples; a fault fails the test.</summary>
    public static IReadOnlyList<Example> Encode(IObjective objective, IReadOnlyList<DataRow> rows)
    {
        var invalid = new List<DatasetException>();
        IReadOnlyList<Example> examples = objective.Encode(rows, invalid);
        Assert.Empty(invalid);
        return examples;
    }

    /// <summary>The message about the one row.</summary>
    public static string Fault(IObjective objective, IReadOnlyList<DataRow> rows)
    {
        var invalid = new List<DatasetException>();
        Assert.Empty(objective.Encode(rows, invalid));
        return Assert.Single(invalid).Message;
    }

    /// <summary>The text of the tokens that are learned, special tokens included, with | where one was left out between.</summary>
    public static string Learned(ModelTokenizer tokenizer, Example example)
    {
        var runs = new List<string>();
        for (int i = 0; i < example.Ids.Length;)
        {
            int start = i;
            while (i < example.Ids.Length && example.TokenLabels![i] != Example.Ignore)
            {
                Assert.Equal(example.Ids[i], example.TokenLabels[i]);
                i++;
            }

            if (i > start)
            {
                runs.Add(tokenizer.Tokenizer.Decode(example.Ids[start..i], skipSpecialTokens: false));
            }

            i++;
        }

        return string.Join('|', runs);
    }

    /// <summary>The whole text that the model reads.</summary>
    public static string Read(ModelTokenizer tokenizer, Example example) => tokenizer.Tokenizer.Decode(example.Ids, skipSpecialTokens: false);

    public static Rng Rng(ulong seed = 1) => new(seed, RngStream.Augmentation);
}
