using System.Globalization;
using System.Text.Json;

namespace Hieno.Cli.Tests;

/// <summary>A folder with tiny base models (configuration and tokenizer, no weights), rows and recipes. Disposing removes it.</summary>
public sealed class TinyProject : IDisposable
{
    private static readonly string[] s_good = ["warm", "friendly", "quick", "clean"];
    private static readonly string[] s_bad = ["cold", "rude", "slow", "dirty"];

    public TinyProject()
    {
        Folder = Directory.CreateTempSubdirectory("hieno-cli-").FullName;
        File.WriteAllLines(Path("train.jsonl"), Enumerable.Range(0, 32).Select(Row));
        File.WriteAllLines(Path("test.jsonl"), Enumerable.Range(32, 8).Select(Row));
        Directory.CreateDirectory(Path("bert"));
        File.WriteAllText(Path("bert/config.json"), """
            {"model_type": "bert", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
             "vocab_size": 120, "max_position_embeddings": 32, "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0}
            """);
        Directory.CreateDirectory(Path("gpt2"));
        File.WriteAllText(Path("gpt2/config.json"), """
            {"model_type": "gpt2", "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64, "vocab_size": 300,
             "embd_pdrop": 0, "attn_pdrop": 0, "resid_pdrop": 0}
            """);
        Train("wordpiece", 120, "bert");
        Train("bpe", 300, "gpt2");
    }

    public string Folder { get; }

    public string Path(string name) => System.IO.Path.Combine(Folder, name);

    /// <summary>Writes a recipe of classification with four steps and gives its path.</summary>
    /// <param name="tuning">The settings under <c>tuning:</c>.</param>
    /// <param name="more">Further lines.</param>
    public string Recipe(string tuning = "full", string more = "")
    {
        string path = Path("recipe.yaml");
        File.WriteAllText(path, string.Create(CultureInfo.InvariantCulture, $$"""
            base: {{Path("bert")}}
            start: random
            task: classification
            data: { train: {{Path("train.jsonl")}}, validation: 25%, test: {{Path("test.jsonl")}} }
            tuning: {{tuning}}
            training: { epochs: 1, batchSize: 6, learningRate: 1e-2 }
            output: {{Path("run")}}
            {{more}}
            """));
        return path;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static string Row(int i)
    {
        bool isGood = i % 2 == 0;
        string word = (isGood ? s_good : s_bad)[i / 2 % 4];
        return JsonSerializer.Serialize(new { text = $"The hall was {word} on visit {i}.", label = isGood ? "good" : "bad" });
    }

    private void Train(string kind, int entries, string folder)
    {
        using var output = new StringWriter();
        string[] args = ["tokenizer", "--kind", kind, "--vocab", entries.ToString(CultureInfo.InvariantCulture), "--data", Path("train.jsonl"), "--out", Path(folder)];
        Task<int> run = Program.RunAsync(args, new Terminal(output, output, TextReader.Null, isInteractive: false));
        Assert.True(run.GetAwaiter().GetResult() == ExitCode.Done, output.ToString());
    }
}
