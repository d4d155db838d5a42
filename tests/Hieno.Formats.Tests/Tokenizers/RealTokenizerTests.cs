using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Hieno.Formats.Tokenizers;
using Hieno.Tests.Shared;

namespace Hieno.Formats.Tests.Tokenizers;

/// <summary>Published tokenizer files: facts known about them, and texts that must survive.</summary>
[Trait("tier", "golden")]
public sealed class RealTokenizerTests
{
    [SkippableTheory]
    [InlineData("gpt2/tokenizer.json", 50_257)]
    [InlineData("gpt-neox/20B_tokenizer.json", 50_277)]
    public void Byte_level_tokenizers_lose_nothing(string file, int vocabularySize)
    {
        Tokenizer tokenizer = Tokenizer.Load(SharedFolder.Require("data/tokenizers/" + file));
        Assert.Equal(vocabularySize, tokenizer.VocabularySize);
        foreach (string line in File.ReadAllText(SharedFolder.Require("golden/tokenizers/corpus.txt")).Split('\n'))
        {
            // GPT-NeoX normalizes to NFC, so that is what comes back.
            string expected = file.StartsWith("gpt-neox", StringComparison.Ordinal) ? line.Normalize(NormalizationForm.FormC) : line;
            Assert.Equal(expected, tokenizer.Decode(tokenizer.Encode(line).Ids, skipSpecialTokens: false));
        }
    }

    [SkippableFact]
    public void Gpt2_gives_the_published_ids()
    {
        Tokenizer tokenizer = Tokenizer.FromFolder(SharedFolder.Require("data/tokenizers/gpt2"));

        Assert.Equal([15496, 995], tokenizer.Encode("Hello world").Ids);
        Assert.Equal([50256], tokenizer.Encode("<|endoftext|>").Ids);
        Assert.Equal([40, 1101, 1972, 530, 0], tokenizer.Encode("I'm getting one!").Ids);
    }

    [SkippableFact]
    public void Gpt2_from_vocab_and_merges_is_the_same_tokenizer()
    {
        string folder = SharedFolder.Require("data/tokenizers/gpt2");
        Tokenizer fromJson = Tokenizer.FromFolder(folder);
        WithCopies(folder, ["vocab.json", "merges.txt"], copy =>
        {
            Tokenizer fromFiles = Tokenizer.FromFolder(copy);
            foreach (string line in CorpusLines().Append("a<|endoftext|>b"))
            {
                Assert.Equal(fromJson.Encode(line).Ids, fromFiles.Encode(line).Ids);
            }
        });
    }

    // The published file lists merges; the ids follow from their order, as CLIP's own tokenizer counts them.
    [SkippableFact]
    public void Clip_gives_the_published_ids()
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(SharedFolder.Require("data/tokenizers/clip/bpe_simple_vocab_16e6.txt.gz")), CompressionMode.Decompress));
        string[] merges = reader.ReadToEnd().Split('\n')[1..(49_152 - 256 - 2 + 1)];
        string[] bytes = [.. Enumerable.Range('!', 94).Concat(Enumerable.Range(0xA1, 12)).Concat(Enumerable.Range(0xAE, 82)).Concat(Enumerable.Range(256, 68)).Select(c => ((char)c).ToString())];
        string[] tokens = [.. bytes, .. bytes.Select(token => token + "</w>"), .. merges.Select(merge => merge.Replace(" ", string.Empty, StringComparison.Ordinal)), "<|startoftext|>", "<|endoftext|>"];
        string folder = Directory.CreateTempSubdirectory("hieno-clip-").FullName;
        File.WriteAllText(Path.Combine(folder, "vocab.json"), JsonSerializer.Serialize(tokens.Select((token, id) => (token, id)).ToDictionary(item => item.token, item => item.id)));
        File.WriteAllLines(Path.Combine(folder, "merges.txt"), ["#version: 0.2", .. merges]);
        Tokenizer tokenizer = Tokenizer.FromFolder(folder);
        Directory.Delete(folder, recursive: true);

        Assert.Equal(49_408, tokenizer.VocabularySize);
        Assert.Equal([49406, 320, 1125, 539, 320, 2368, 49407], tokenizer.Encode("a photo of a  Cat").Ids);
        Assert.Equal([49406, 320, 22697, 49407], tokenizer.Encode("a diagram").Ids);
        Assert.Equal("a photo of a cat", tokenizer.Decode(tokenizer.Encode("a photo of a  Cat").Ids).Trim());
    }

    [SkippableFact]
    public void Bert_from_vocab_txt_is_the_same_tokenizer()
    {
        string folder = SharedFolder.Require("data/tokenizers/bert-uncased-minilm");
        Tokenizer fromJson = Tokenizer.FromFolder(folder);
        (fromJson.Truncation, fromJson.Padding) = (null, null); // this file cuts and pads to 128
        Assert.Equal([101, 7592, 1010, 2088, 999, 102], fromJson.Encode("Hello, world!").Ids);
        WithCopies(folder, ["vocab.txt"], copy =>
        {
            Tokenizer fromFiles = Tokenizer.FromFolder(copy);
            foreach (string line in CorpusLines().Append("the [MASK] sat"))
            {
                Assert.Equal(fromJson.Encode(line).Ids, fromFiles.Encode(line).Ids);
            }
        });
    }

    [SkippableFact]
    public void A_saved_gpt2_is_the_same_tokenizer()
    {
        Tokenizer tokenizer = Tokenizer.FromFolder(SharedFolder.Require("data/tokenizers/gpt2"));
        byte[] saved = tokenizer.ToUtf8Json();
        Tokenizer again = Tokenizer.Parse(saved, "saved");

        Assert.Equal(saved, again.ToUtf8Json());
        Assert.Equal(tokenizer.Encode("A saved tokenizer, 漢字 😀.").Ids, again.Encode("A saved tokenizer, 漢字 😀.").Ids);
    }

    private static string[] CorpusLines() => File.ReadAllText(SharedFolder.Require("golden/tokenizers/corpus.txt")).Split('\n');

    private static void WithCopies(string folder, string[] names, Action<string> test)
    {
        string copy = Directory.CreateTempSubdirectory("tokenizer").FullName;
        try
        {
            foreach (string name in names)
            {
                File.Copy(Path.Combine(folder, name), Path.Combine(copy, name));
            }

            test(copy);
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }
}
