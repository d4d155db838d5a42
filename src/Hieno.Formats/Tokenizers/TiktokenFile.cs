using System.Buffers.Text;
using System.Globalization;
using Hieno.Formats.Tokenizers.Decoders;
using Hieno.Formats.Tokenizers.Models;
using Hieno.Formats.Tokenizers.PostProcessors;
using Hieno.Formats.Tokenizers.PreTokenizers;

namespace Hieno.Formats.Tokenizers;

/// <summary>Reads a tokenizer in tiktoken's form: a line for each token, its bytes in base64 and its rank, which is its id.</summary>
/// <remarks>
/// Neighbours are merged whose bytes together are the token of lowest rank, of equals the leftmost. The file holds neither the pattern that cuts a text into
/// words nor the special tokens: these follow from the encoding's name, or from the number of tokens where the file is called <c>tokenizer.model</c>, as Llama 3's is.
/// </remarks>
internal static class TiktokenFile
{
    private const string Llama3Pattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private static readonly ByteLevelSettings s_bytes = new(AddPrefixSpace: false, TrimOffsets: true, UseRegex: true);

    /// <summary>True for content that begins with a token in base64, a space and a number.</summary>
    public static bool Recognizes(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf((byte)'\n');
        ReadOnlySpan<byte> line = (end < 0 ? bytes : bytes[..end]).TrimEnd((byte)'\r');
        int space = line.IndexOf((byte)' ');
        return space > 0 && line.Length < 1000 && Base64.IsValid(line[..space]) && Utf8Parser.TryParse(line[(space + 1)..], out int _, out int used) && used == line.Length - space - 1;
    }

    /// <summary>The parts of the tokenizer.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="source">Its name, by which the encoding is known.</param>
    /// <param name="config">The settings beside it.</param>
    /// <exception cref="TokenizerException">A line is malformed, a byte has no token, or the encoding is not known.</exception>
    public static TokenizerParts Read(ReadOnlySpan<byte> bytes, string source, TokenizerConfig config)
    {
        Dictionary<string, int> ids = ReadTokens(bytes, source);
        Encoding encoding = EncodingOf(source, ids.Count);
        MergeTable merges = Merges(ids);
        foreach ((string token, int id) in encoding.Special)
        {
            ids[token] = id;
        }

        TokenizerException Fault(string problem) => new(source, null, problem);
        for (int b = 0; b < 256; b++)
        {
            if (!ids.ContainsKey(ByteAlphabet.Char((byte)b).ToString()))
            {
                throw Fault($"the byte 0x{b:X2} has no token. The file is truncated.");
            }
        }

        var model = new BpeModel(new Vocabulary(ids, Fault), merges, new BpeOptions { IgnoreMerges = true }, Fault);
        PreTokenizer words = encoding.Pattern is { } pattern
            ? new PreTokenizerSequence([new Split(TextPattern.OfRegex(pattern), SplitBehavior.Isolated, invert: false), new ByteLevel(s_bytes with { UseRegex = false })])
            : new ByteLevel(s_bytes);
        bool begins = config.AddBosToken ?? encoding.Begin is not null;
        return new TokenizerParts(model)
        {
            PreTokenizer = words,
            Decoder = new ByteLevelDecoder(s_bytes),
            PostProcessor = begins && (config.BosToken ?? encoding.Begin) is { } begin ? Beginning(begin, ids, Fault) : null,
            AddedTokens = [.. encoding.Special.Select(special => new AddedToken(special.Token))],
        };
    }

    private static TemplateProcessing Beginning(string token, Dictionary<string, int> ids, Func<string, TokenizerException> fault)
    {
        int id = ids.TryGetValue(token, out int known) ? known : throw fault($"texts are to begin with '{token}', which is none of its tokens.");
        return new TemplateProcessing(
            [new TemplatePart(-1, token, 0), new TemplatePart(0, null, 0)],
            [new TemplatePart(-1, token, 0), new TemplatePart(0, null, 0), new TemplatePart(-1, token, 1), new TemplatePart(1, null, 1)],
            new Dictionary<string, (int[] Ids, string[] Tokens)>(StringComparer.Ordinal) { [token] = ([id], [token]) });
    }

    private static Dictionary<string, int> ReadTokens(ReadOnlySpan<byte> bytes, string source)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        byte[] token = new byte[1024];
        int number = 0;
        while (!bytes.IsEmpty)
        {
            number++;
            int end = bytes.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = (end < 0 ? bytes : bytes[..end]).TrimEnd((byte)'\r');
            bytes = end < 0 ? [] : bytes[(end + 1)..];
            if (line.IsEmpty)
            {
                continue;
            }

            int space = line.IndexOf((byte)' ');
            if (space <= 0 || space > token.Length || Base64.DecodeFromUtf8(line[..space], token, out _, out int length) != System.Buffers.OperationStatus.Done
                || !Utf8Parser.TryParse(line[(space + 1)..], out int rank, out int used) || used != line.Length - space - 1 || rank < 0)
            {
                throw new TokenizerException(source, string.Create(CultureInfo.InvariantCulture, $"line {number}"), "expected a token in base64, a space and its rank.");
            }

            string text = string.Create(length, token, (chars, all) =>
            {
                for (int i = 0; i < chars.Length; i++)
                {
                    chars[i] = ByteAlphabet.Char(all[i]);
                }
            });
            if (!ids.TryAdd(text, rank))
            {
                throw new TokenizerException(source, string.Create(CultureInfo.InvariantCulture, $"line {number}"), "the same token is listed before.");
            }
        }

        return ids;
    }

    private static MergeTable Merges(Dictionary<string, int> ids)
    {
        var merges = new List<(int Left, int Right, int Result)>();
        var ranks = new List<int>();
        var lookup = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach ((string token, int rank) in ids.OrderBy(item => item.Value))
        {
            for (int cut = 1; cut < token.Length; cut++)
            {
                if (lookup.TryGetValue(token.AsSpan(0, cut), out int left) && lookup.TryGetValue(token.AsSpan(cut), out int right))
                {
                    merges.Add((left, right, rank));
                    ranks.Add(rank);
                }
            }
        }

        return new MergeTable(merges, ranks);
    }

    private static Encoding EncodingOf(string source, int tokens)
    {
        const int Llama3Tokens = 128_000;
        string name = Path.GetFileNameWithoutExtension(source);
        return name switch
        {
            "r50k_base" or "gpt2" => new(null, [("<|endoftext|>", 50256)]),
            "p50k_base" => new(null, [("<|endoftext|>", 50256)]),
            "cl100k_base" => new(Llama3Pattern, [("<|endoftext|>", 100257), ("<|fim_prefix|>", 100258), ("<|fim_middle|>", 100259), ("<|fim_suffix|>", 100260), ("<|endofprompt|>", 100276)]),
            _ when tokens == Llama3Tokens => new(Llama3Pattern, Llama3Special(tokens)) { Begin = "<|begin_of_text|>" },
            _ => throw new TokenizerException(source, null, $"tiktoken's files do not say how texts are cut into words, and '{name}' with {tokens} tokens is no encoding that is known. Known are r50k_base, p50k_base, cl100k_base and Llama 3's."),
        };
    }

    private static (string Token, int Id)[] Llama3Special(int tokens)
    {
        string[] named =
        [
            "<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|reserved_special_token_1|>", "<|reserved_special_token_2|>", "<|reserved_special_token_3|>",
            "<|start_header_id|>", "<|end_header_id|>", "<|reserved_special_token_4|>", "<|eot_id|>",
        ];
        const int Special = 256;
        return [.. Enumerable.Range(0, Special).Select(i => (i < named.Length ? named[i] : string.Create(CultureInfo.InvariantCulture, $"<|reserved_special_token_{i - 5}|>"), tokens + i))];
    }

    /// <summary>What a file leaves out.</summary>
    /// <param name="Pattern">Cuts a text into words; null for GPT-2's.</param>
    /// <param name="Special">The special tokens and their ids.</param>
    private sealed record Encoding(string? Pattern, (string Token, int Id)[] Special)
    {
        /// <summary>The token that begins each text, or null.</summary>
        public string? Begin { get; init; }
    }
}
