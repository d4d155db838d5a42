using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Tokenizers;
using Hieno.Generation;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tests.Generation;

/// <summary>A random GPT-2, untied so that it does not repeat its input, and a tokenizer that knows each byte: milliseconds to run.</summary>
internal static class TinyModels
{
    /// <summary>The id behind the 256 bytes; it ends a text.</summary>
    public const int Eos = 256;

    public static TextModel Gpt2(int positions = 64, int vocabulary = 257, Backend? backend = null, float spread = 0.3f) =>
        TextModel.Create(Config($$"""
            { "model_type": "gpt2", "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": {{positions}}, "vocab_size": {{vocabulary}},
              "tie_word_embeddings": false, "initializer_range": {{spread.ToString(System.Globalization.CultureInfo.InvariantCulture)}} }
            """), HeadChoice.Language, seed: 1, backend: backend);

    public static ModelConfig Config(string json) => ModelConfig.From(JsonDocument.Parse(json).RootElement.Clone(), "config.json");

    /// <summary>GPT-2's byte alphabet without merges: the id of each token is its byte.</summary>
    public static Tokenizer Bytes()
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        int next = 256; // bytes that do not print are written as the letters from U+0100 on
        for (int value = 0; value < 256; value++)
        {
            bool prints = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            vocabulary[((char)(prints ? value : next++)).ToString()] = value;
        }

        return Tokenizer.Parse(System.Text.Encoding.UTF8.GetBytes($$"""
            {
              "added_tokens": [{ "id": {{Eos}}, "content": "<end>", "special": true }],
              "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": false, "use_regex": true },
              "decoder": { "type": "ByteLevel" },
              "model": { "type": "BPE", "vocab": {{JsonSerializer.Serialize(vocabulary)}}, "merges": [] }
            }
            """), "tiny.json");
    }

    /// <summary>A generator whose text is given: the model runs, but all other tokens are ruled out.</summary>
    public static TextGenerator Scripted(string text, int positions = 64) =>
        Scripted(System.Text.Encoding.UTF8.GetBytes(text).Select(value => (int)value), positions);

    public static TextGenerator Scripted(IEnumerable<int> tokens, int positions = 64) =>
        new(Gpt2(positions), Bytes(), new GenerationDefaults { EosTokens = [Eos] }) { Processors = () => [new Script([.. tokens])] };

    private sealed class Script(int[] tokens) : ILogitsProcessor
    {
        public void Process(TokenHistory history, Span<float> logits)
        {
            logits.Fill(float.NegativeInfinity);
            logits[tokens[history.Generated.Length]] = 0f;
        }
    }
}
