using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hieno.Formats.Tokenizers;
using Hieno.Tests.Shared;

namespace Hieno.Formats.Tests.Tokenizers;

/// <summary>Agreement with the reference implementation, string by string, for eight families of tokenizers.</summary>
[Trait("tier", "golden")]
public sealed class GoldenTokenizerTests
{
    private const string Sentence = "the quick brown fox jumps over the lazy dog and runs far away from here";

    public static TheoryData<string> Families =>
        ["gpt2", "llama3", "qwen2", "roberta", "bert_uncased", "t5_unigram", "llama2_sp", "xlmr_unigram_bytefallback"];

    [SkippableTheory]
    [MemberData(nameof(Families))]
    public void Single_texts_agree_in_every_field(string family)
    {
        (Tokenizer tokenizer, JsonElement golden) = Load(family);
        var faults = new List<string>();
        foreach (JsonElement expected in golden.GetProperty("cases").EnumerateArray())
        {
            string text = expected.GetProperty("text").GetString()!;
            bool addSpecial = expected.GetProperty("add_special").GetBoolean();
            Hieno.Formats.Tokenizers.Encoding actual = tokenizer.Encode(text, addSpecial);
            string label = $"{JsonSerializer.Serialize(text)} special={addSpecial}";
            Compare(faults, label, "ids", Ints(expected, "ids"), Join(actual.Ids));
            Compare(faults, label, "tokens", Strings(expected, "tokens"), string.Join('|', actual.Tokens));
            Compare(faults, label, "offsets", Pairs(expected, "offsets"), Join(actual.CodePointOffsets(text)));
            Compare(faults, label, "type_ids", Ints(expected, "type_ids"), Join(actual.TypeIds));
            Compare(faults, label, "special_mask", Ints(expected, "special_mask"), Join(actual.SpecialTokensMask));
            Compare(faults, label, "word_ids", Ints(expected, "word_ids"), Join(actual.WordIds));
            Compare(faults, label, "decoded", expected.GetProperty("decoded").GetString()!, tokenizer.Decode(actual.Ids, skipSpecialTokens: false));
            Compare(faults, label, "decoded_skip", expected.GetProperty("decoded_skip").GetString()!, tokenizer.Decode(actual.Ids));
        }

        Assert.True(golden.GetProperty("cases").GetArrayLength() >= 156);
        Assert.True(faults.Count == 0, $"{faults.Count} differences:\n" + string.Join('\n', faults.Take(12)));
    }

    [SkippableTheory]
    [MemberData(nameof(Families))]
    public void Pairs_of_texts_agree(string family)
    {
        (Tokenizer tokenizer, JsonElement golden) = Load(family);
        var faults = new List<string>();
        foreach (JsonElement expected in golden.GetProperty("pairs").EnumerateArray())
        {
            string text = expected.GetProperty("text").GetString()!;
            string pair = expected.GetProperty("pair").GetString()!;
            Hieno.Formats.Tokenizers.Encoding actual = tokenizer.EncodePair(text, pair);
            Compare(faults, text, "ids", Ints(expected, "ids"), Join(actual.Ids));
            Compare(faults, text, "type_ids", Ints(expected, "type_ids"), Join(actual.TypeIds));
            Compare(faults, text, "seq_ids", Ints(expected, "seq_ids"), Join(actual.SequenceIds));
            Compare(faults, text, "offsets", Pairs(expected, "offsets"), Join(actual.CodePointOffsets(text, pair)));
        }

        Assert.Equal(5, golden.GetProperty("pairs").GetArrayLength());
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [SkippableTheory]
    [MemberData(nameof(Families))]
    public void Truncation_stride_and_padding_agree(string family)
    {
        (Tokenizer tokenizer, JsonElement golden) = Load(family);
        JsonElement expected = golden.GetProperty("truncation_padding");
        tokenizer.Truncation = new Truncation(expected.GetProperty("max_length").GetInt32()) { Stride = expected.GetProperty("stride").GetInt32() };
        tokenizer.Padding = new Padding { Length = expected.GetProperty("pad_to").GetInt32() };

        Assert.Equal(Ints(expected, "ids"), Join(tokenizer.Encode(Sentence).Ids));
        Assert.Equal(Ints(expected, "mask"), Join(tokenizer.Encode(Sentence).AttentionMask));

        // The reference stops at the end of the word that fills the limit, so its overflow ends there; ours covers the whole text.
        bool isOneWord = string.Equals(family, "llama2_sp", StringComparison.Ordinal);
        Assert.Equal(
            expected.GetProperty("overflow").EnumerateArray().Select(o => string.Join(' ', o.EnumerateArray().Select(i => i.GetInt32()))),
            tokenizer.Encode(isOneWord ? Sentence : "the quick brown").Overflowing.Select(o => Join(o.Ids)));
    }

    [SkippableTheory]
    [MemberData(nameof(Families))]
    public void All_lines_of_the_corpus_give_the_same_ids(string family)
    {
        (Tokenizer tokenizer, JsonElement golden) = Load(family);
        JsonElement expected = golden.GetProperty("corpus");
        (int lines, long total, string hash) = HashCorpus(tokenizer);

        Assert.Equal(expected.GetProperty("lines").GetInt32(), lines);
        Assert.Equal(expected.GetProperty("total_ids").GetInt64(), total);
        Assert.Equal(expected.GetProperty("sha256_of_ids_per_line").GetString(), hash);
    }

    [SkippableTheory]
    [MemberData(nameof(Families))]
    public void A_saved_tokenizer_loads_again_and_saves_the_same_bytes(string family)
    {
        (Tokenizer tokenizer, JsonElement golden) = Load(family);
        byte[] saved = tokenizer.ToUtf8Json();
        Tokenizer again = Tokenizer.Parse(saved, "saved");

        Assert.Equal(saved, again.ToUtf8Json());
        foreach (JsonElement expected in golden.GetProperty("cases").EnumerateArray())
        {
            string text = expected.GetProperty("text").GetString()!;
            Assert.Equal(Ints(expected, "ids"), Join(again.Encode(text, expected.GetProperty("add_special").GetBoolean()).Ids));
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Families))]
    public void A_decode_stream_gives_the_text_of_decoding_at_once(string family)
    {
        (Tokenizer tokenizer, JsonElement golden) = Load(family);
        foreach (JsonElement expected in golden.GetProperty("cases").EnumerateArray())
        {
            int[] ids = [.. expected.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())];
            DecodeStream stream = tokenizer.CreateDecodeStream();
            var text = new StringBuilder();
            foreach (int id in ids)
            {
                text.Append(stream.Step(id));
            }

            text.Append(stream.Finish());
            Assert.Equal(expected.GetProperty("decoded_skip").GetString(), text.ToString());
        }
    }

    private static (Tokenizer Tokenizer, JsonElement Golden) Load(string family)
    {
        string folder = SharedFolder.Require("golden/tokenizers/" + family);
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "golden.json")));
        return (Tokenizer.Load(Path.Combine(folder, "tokenizer.json")), golden.RootElement.Clone());
    }

    private static (int Lines, long Total, string Hash) HashCorpus(Tokenizer tokenizer)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int lines = 0;
        long total = 0;
        foreach (string line in File.ReadAllText(SharedFolder.Require("golden/tokenizers/corpus.txt")).Split('\n'))
        {
            if (line.Length == 0)
            {
                continue;
            }

            int[] ids = tokenizer.Encode(line, addSpecialTokens: false).Ids;
            hash.AppendData(System.Text.Encoding.ASCII.GetBytes(string.Join(' ', ids) + "\n"));
            (lines, total) = (lines + 1, total + ids.Length);
        }

        return (lines, total, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    private static void Compare(List<string> faults, string label, string field, string expected, string actual)
    {
        if (!string.Equals(expected, actual, StringComparison.Ordinal))
        {
            faults.Add($"{label} {field}\n  expected {expected}\n  actual   {actual}");
        }
    }

    private static string Join<T>(IEnumerable<T> values) => string.Join(' ', values.Select(v => v switch
    {
        null => "-",
        TextRange range => $"{range.Start}-{range.End}",
        _ => Convert.ToString(v, CultureInfo.InvariantCulture),
    }));

    private static string Ints(JsonElement parent, string name) =>
        string.Join(' ', parent.GetProperty(name).EnumerateArray().Select(i => i.ValueKind == JsonValueKind.Null ? "-" : i.GetRawText()));

    private static string Strings(JsonElement parent, string name) =>
        string.Join('|', parent.GetProperty(name).EnumerateArray().Select(s => s.GetString()));

    private static string Pairs(JsonElement parent, string name) =>
        string.Join(' ', parent.GetProperty(name).EnumerateArray().Select(p => $"{p[0].GetInt32()}-{p[1].GetInt32()}"));
}
