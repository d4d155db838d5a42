using System.Globalization;
using System.Security.Cryptography;
using Hieno.Data;
using Hieno.Formats.Tokenizers;
using Hieno.Objectives;
using Hieno.Recipes;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Training;

/// <summary>A folder with a base model of two small layers, its tokenizer and some rows: a run takes a fraction of a second.</summary>
internal sealed class TinyRun : IDisposable
{
    private static readonly string[] s_words = ["red", "green", "blue", "small", "large", "bird", "fish", "stone", "river", "cloud", "sings", "falls", "waits", "is", "the", "a"];
    private static readonly Lazy<byte[]> s_bytePairs = new(() => JsonOf(new BpeTrainer { VocabularySize = 300 }.Train(Sentences(200))));
    private static readonly Lazy<byte[]> s_wordPieces = new(() => JsonOf(new WordPieceTrainer { VocabularySize = 120 }.Train(Sentences(200))));

    private readonly TemporaryFolder _folder = new();
    private readonly bool _isClassifier;

    private TinyRun(bool isClassifier, int width = 16)
    {
        _isClassifier = isClassifier;
        _folder.Write("base/config.json", isClassifier ? BertConfig : Gpt2Config.Replace("\"n_embd\": 16", $"\"n_embd\": {width}", StringComparison.Ordinal));
        File.WriteAllBytes(_folder.PathOf("base/tokenizer.json"), (isClassifier ? s_wordPieces : s_bytePairs).Value);
        _folder.Write("base/tokenizer_config.json", isClassifier
            ? """{ "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]" }"""
            : """{ "eos_token": "<|endoftext|>" }""");
        WriteRows("train.jsonl", 20);
        WriteRows("validation.jsonl", 6, seed: 1);
    }

    public string Path => _folder.Path;

    public string Base => _folder.PathOf("base");

    public string this[string name] => _folder.PathOf(name);

    /// <summary>Conversations in short sentences, for a GPT-2.</summary>
    public static TinyRun Language() => new(isClassifier: false);

    /// <summary>The same, wide enough for matrix products in bf16.</summary>
    public static TinyRun Wide() => new(isClassifier: false, width: 48);

    /// <summary>Sentences labelled by their colour, for a BERT.</summary>
    public static TinyRun Classifier() => new(isClassifier: true);

    public string Write(string name, string text) => _folder.Write(name, text);

    public string WriteRows(string name, int count, int seed = 0) => Write(name, string.Concat(Sentences(count, seed).Select(sentence => _isClassifier
        ? $$"""{"text": "{{sentence}}", "label": "{{sentence.Split(' ')[1]}}"}{{"\n"}}"""
        : $$"""{"prompt": "{{sentence}}", "completion": " {{string.Join(' ', sentence.Split(' ').Reverse())}}"}{{"\n"}}""")));

    /// <summary>A recipe that trains all weights from random ones: 4 rows in each of two batches a step, dropout on, without validation.</summary>
    public Recipe Recipe(string output = "run", TrainingOptions? training = null, TuningOptions? tuning = null, bool validated = false) => new()
    {
        Base = Base,
        Start = Start.Random,
        Task = _isClassifier ? new ClassificationOptions() : new SupervisedFineTuningOptions(),
        Data = new DataOptions { Train = [_folder.PathOf("train.jsonl")], Validation = validated ? _folder.PathOf("validation.jsonl") : null },
        Tuning = tuning ?? new FullOptions(),
        Training = training ?? Training(),
        Output = _folder.PathOf(output),
        Seed = 7,
    };

    /// <summary>20 rows in batches of 2, two batches a step: 5 steps an epoch.</summary>
    public static TrainingOptions Training(int epochs = 2) =>
        new() { Epochs = epochs, BatchSize = 2, Accumulation = 2, LearningRate = 2e-3, Dropout = 0.1 };

    public static (RunCompleted Result, List<TrainingEvent> Events) Train(Recipe recipe, FineTunerOptions? options = null, CancellationToken cancellation = default)
    {
        var events = new List<TrainingEvent>();
        return (FineTuner.Create(recipe, options).Run(events.Add, cancellation), events);
    }

    /// <summary>Trains until <paramref name="step"/> is done, then cancels.</summary>
    public static void TrainUntil(Recipe recipe, long step, FineTunerOptions? options = null)
    {
        using var stop = new CancellationTokenSource();
        RunCompleted result = FineTuner.Create(recipe, options).Run(
            item =>
            {
                if (item is StepCompleted done && done.Step == step)
                {
                    stop.Cancel();
                }
            },
            stop.Token);
        Assert.Equal(step, result.Step);
    }

    /// <summary>One number for all names and bytes in a folder.</summary>
    public static string HashOf(string folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes(System.IO.Path.GetRelativePath(folder, file)));
            hash.AppendData(File.ReadAllBytes(file));
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    public static string FinalHash(Recipe recipe) => HashOf(System.IO.Path.Combine(recipe.Output, RunFolder.FinalName));

    public void Dispose() => _folder.Dispose();

    private static string[] Sentences(int count, int seed = 0)
    {
        string Word(int i, int place, int choices, int first) => s_words[first + (int)((uint)HashCode(i, place, seed) % (uint)choices)];
        return [.. Enumerable.Range(0, count).Select(i =>
            string.Join(' ', ["the", Word(i, 0, 3, 0), Word(i, 1, 2, 3), Word(i, 2, 5, 5), Word(i, 3, 3, 10), .. Enumerable.Range(0, i % 5).Select(k => Word(i, 4 + k, 16, 0))]))];
    }

    // System.HashCode differs from one process to the next.
    private static int HashCode(int i, int place, int seed) =>
        BitConverter.ToInt32(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{i} {place} {seed}"))));

    private static byte[] JsonOf(Tokenizer tokenizer)
    {
        using var folder = new TemporaryFolder();
        tokenizer.Save(folder.PathOf("tokenizer.json"));
        return File.ReadAllBytes(folder.PathOf("tokenizer.json"));
    }

    private const string Gpt2Config = """
        { "model_type": "gpt2", "vocab_size": 300, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64, "bos_token_id": 0, "eos_token_id": 0 }
        """;

    private const string BertConfig = """
        { "model_type": "bert", "vocab_size": 120, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
          "max_position_embeddings": 32, "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "pad_token_id": 0 }
        """;
}
