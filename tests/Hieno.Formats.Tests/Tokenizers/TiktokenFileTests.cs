using System.Text.Json;
using Hieno.Formats.Tokenizers;
using Hieno.Tests.Shared;

namespace Hieno.Formats.Tests.Tokenizers;

public sealed class TiktokenFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Encodings => ["cl100k_base", "r50k_base"];

    public void Dispose() => _folder.Dispose();

    // What js-tiktoken gives, the port by the library's users; all lines of the corpus are in one hash.
    [SkippableTheory]
    [Trait("tier", "golden")]
    [MemberData(nameof(Encodings))]
    public void Published_encodings_give_the_ids_of_tiktoken(string name)
    {
        JsonElement expected = SentencePieceFileTests.Read("tiktoken.json").GetProperty("encodings").EnumerateArray().Single(item => item.GetProperty("name").GetString() == name);
        Tokenizer tokenizer = Tokenizer.Load(SharedFolder.Require($"data/tokenizers/tiktoken/{name}.tiktoken"));
        int i = 0;
        foreach (JsonElement text in SentencePieceFileTests.Read("sentencepiece.json").GetProperty("texts").EnumerateArray())
        {
            int[] ids = [.. expected.GetProperty("ids")[i++].EnumerateArray().Select(id => id.GetInt32())];
            Assert.Equal(ids, tokenizer.Encode(text.GetString()!).Ids);
            Assert.Equal(text.GetString(), tokenizer.Decode(ids));
        }

        (int count, string hash) = SentencePieceFileTests.Corpus(tokenizer);
        Assert.Equal((expected.GetProperty("corpusTokens").GetInt32(), expected.GetProperty("corpusSha256").GetString()), (count, hash));
        Assert.Equal(name == "cl100k_base" ? [100257] : [50256], tokenizer.Encode("<|endoftext|>").Ids);
    }

    [Fact]
    public void Llama_3s_file_is_known_by_its_number_of_tokens_and_begins_each_text()
    {
        string[] lines = [.. Bytes(), .. Enumerable.Range(256, 128_000 - 256).Select(i => $"{Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes($"ab{i}"))} {i}")];
        _folder.Write("tokenizer.model", string.Join('\n', lines) + "\n");
        Tokenizer tokenizer = Tokenizer.FromFolder(_folder.Path);
        Assert.Equal([128_000, 'a', 'b'], tokenizer.Encode("ab").Ids);
        Assert.Equal([128_009], tokenizer.Encode("<|eot_id|>", addSpecialTokens: false).Ids);
        Assert.Equal("<|reserved_special_token_250|>", tokenizer.Decode([128_255], skipSpecialTokens: false));
    }

    [Fact]
    public void Malformed_lines_missing_bytes_and_unknown_encodings_are_refused_with_their_place()
    {
        string Refusal(string name, IEnumerable<string> lines) => Assert.Throws<TokenizerException>(() => Tokenizer.Load(_folder.Write(name, string.Join('\n', lines)))).Message;
        Assert.Contains("line 257", Refusal("r50k_base.tiktoken", [.. Bytes(), "no base64! 256"]), StringComparison.Ordinal);
        Assert.Contains("line 257", Refusal("r50k_base.tiktoken", [.. Bytes(), "YWI= many"]), StringComparison.Ordinal);
        Assert.Contains("listed before", Refusal("r50k_base.tiktoken", [.. Bytes(), "YQ== 256"]), StringComparison.Ordinal);
        Assert.Contains("the byte 0xFF has no token", Refusal("r50k_base.tiktoken", Bytes().SkipLast(1)), StringComparison.Ordinal);
        Assert.Contains("Known are r50k_base", Refusal("mine.tiktoken", Bytes()), StringComparison.Ordinal);
    }

    private static IEnumerable<string> Bytes() => Enumerable.Range(0, 256).Select(b => $"{Convert.ToBase64String([(byte)b])} {b}");
}
