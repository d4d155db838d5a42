using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Generation;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Benchmarks.Workloads;

/// <summary>Greedy generation with a model of GPT-2 124M's shape and random weights: each step reads its prompts and generates all tokens.</summary>
/// <param name="name">The row.</param>
/// <param name="target">The smallest ratio that passes.</param>
/// <param name="batch">Texts side by side.</param>
internal sealed class Gpt2Generation(string name, double target, int batch) : IStepBenchmark
{
    private const int Layers = 12, Width = 768, Heads = 12, Vocabulary = 50257, Positions = 1024, Prompt = 128, Tokens = 128, Seed = 7;

    private TextGenerator _generator = null!;
    private GenerationPrompt[] _prompts = [];

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public double Target => target;

    /// <inheritdoc/>
    public double StockTarget => target;

    /// <inheritdoc/>
    public double MemoryTarget => 1;

    /// <summary>A token passes through the blocks, 12·C² weights each, and attends to those before it; the last of a prompt and each generated one through the head.</summary>
    public double MatrixFlops
    {
        get
        {
            double read = Prompt + Tokens - 1; // the last token is generated and never read
            double blocks = read * Layers * 12 * Width * Width;
            double attention = Layers * 2 * Width * (read * (read + 1) / 2);
            double head = (double)Tokens * Vocabulary * Width;
            return 2 * batch * (blocks + attention + head);
        }
    }

    /// <inheritdoc/>
    public PeerTask Peer => new("generation.py", new JsonObject
    {
        ["layers"] = Layers,
        ["width"] = Width,
        ["heads"] = Heads,
        ["vocabulary"] = Vocabulary,
        ["positions"] = Positions,
        ["batch"] = batch,
        ["prompt"] = Prompt,
        ["tokens"] = Tokens,
        ["seed"] = Seed,
    });

    /// <inheritdoc/>
    public void Setup()
    {
        JsonElement json = JsonSerializer.SerializeToElement(new
        {
            model_type = "gpt2",
            n_layer = Layers,
            n_embd = Width,
            n_head = Heads,
            n_positions = Positions,
            vocab_size = Vocabulary,
            activation_function = "gelu_new",
        });
        TextModel model = TextModel.Create(ModelConfig.From(json, name), HeadChoice.Language, Seed);
        _generator = new TextGenerator(model, tokenizer: null);

        var rng = new Rng(Seed, RngStream.DataOrder);
        _prompts = new GenerationPrompt[batch];
        for (int row = 0; row < batch; row++)
        {
            int[] ids = new int[Prompt];
            for (int i = 0; i < Prompt; i++)
            {
                ids[i] = rng.Below(Vocabulary, (ulong)row, (ulong)i);
            }

            _prompts[row] = new GenerationPrompt(ids);
        }
    }

    /// <inheritdoc/>
    public double Step()
    {
        IReadOnlyList<GeneratedText> texts = _generator.Generate(_prompts, new GenerationOptions { MaxNewTokens = Tokens, Temperature = 0 });
        return -texts.Average(text => text.LogProbabilities[^1]);
    }
}
