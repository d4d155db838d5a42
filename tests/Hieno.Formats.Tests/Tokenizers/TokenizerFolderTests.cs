using Hieno.Formats.Tokenizers;

namespace Hieno.Formats.Tests.Tokenizers;

public sealed class TokenizerFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tokenizer").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_folder_without_any_tokenizer_says_what_it_looked_for()
    {
        TokenizerException e = Assert.Throws<TokenizerException>(() => Tokenizer.FromFolder(_folder));
        Assert.Contains("no tokenizer.json, no vocab.json with merges.txt, no vocab.txt, no tokenizer.model", e.Message);
        Assert.False(Tokenizer.ExistsIn(_folder));

        Write("tokenizer.model", "x");
        Assert.True(Tokenizer.ExistsIn(_folder));
        Assert.Contains("tokenizer.model: ", Assert.Throws<TokenizerException>(() => Tokenizer.FromFolder(_folder)).Message);
    }

    [Fact]
    public void A_roberta_vocabulary_gets_its_frame_and_a_mask_that_takes_the_space_before_it()
    {
        Write("vocab.json", """{"<s>":0,"<pad>":1,"</s>":2,"<unk>":3,"a":4,"b":5,"Ġ":6,"Ġa":7,"ab":8,"<mask>":9}""");
        Write("merges.txt", "#version: 0.2\nĠ a\na b\n");
        Tokenizer tokenizer = Tokenizer.FromFolder(_folder);

        Assert.Equal([0, 8, 7, 9, 2], tokenizer.Encode("ab a <mask>").Ids);
        Assert.Equal([0, 4, 2, 2, 5, 2], tokenizer.EncodePair("a", "b").Ids);
    }

    [Fact]
    public void A_bert_vocabulary_follows_the_config()
    {
        Write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nHi\nhi\n##gh\n");
        Assert.Equal([2, 6, 3], Tokenizer.FromFolder(_folder).Encode("Hi").Ids);

        Write("tokenizer_config.json", """{"do_lower_case":false}""");
        Assert.Equal([2, 5, 7, 4, 3], Tokenizer.FromFolder(_folder).Encode("High [MASK]").Ids);
    }

    [Fact]
    public void A_clip_vocabulary_ends_words_with_its_suffix()
    {
        Write("vocab.json", """{"a":0,"b":1,"a</w>":2,"b</w>":3,"ab</w>":4,"<|startoftext|>":5,"<|endoftext|>":6}""");
        Write("merges.txt", "#version: 0.2\na b</w>\n");
        Write("tokenizer_config.json", """{"tokenizer_class":"CLIPTokenizer"}""");

        Assert.Equal([5, 4, 2, 6], Tokenizer.FromFolder(_folder).Encode("AB   a").Ids);
    }

    [Fact]
    public void A_faulty_line_is_named()
    {
        Write("vocab.json", """{"a":0}""");
        Write("merges.txt", "#version: 0.2\na b c\n");

        TokenizerException e = Assert.Throws<TokenizerException>(() => Tokenizer.FromFolder(_folder));
        Assert.Equal(("merges.txt", "line 2"), (e.FileName, e.Path));
    }

    private void Write(string name, string content) => File.WriteAllText(Path.Combine(_folder, name), content);
}
