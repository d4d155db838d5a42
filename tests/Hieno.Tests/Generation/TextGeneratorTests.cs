using Hieno.Formats;
using Hieno.Formats.Tokenizers;
using Hieno.Generation;
using Hieno.Models;
using Hieno.Tensors;
using Hieno.Tensors.Cpu;
using Hieno.Tuning;

namespace Hieno.Tests.Generation;

public class TextGeneratorTests
{
    private static readonly GenerationOptions Greedy = new() { Temperature = 0f, MaxNewTokens = 12 };

    private static readonly GenerationPrompt[] Prompts =
        [new([10, 20, 30, 40, 50]) { Draw = 7 }, new([3]) { Draw = 8 }, new([.. Enumerable.Range(60, 17)]) { Draw = 9 }];

    // The whole text goes through the model again for each token.
    private static (List<int> Ids, List<float> LogProbabilities) WithoutCache(TextModel model, IEnumerable<int> prompt, int count)
    {
        List<int> tokens = [.. prompt];
        List<float> logProbabilities = [];
        int promptLength = tokens.Count;
        for (int i = 0; i < count; i++)
        {
            using var tape = Tape.Begin(record: false);
            float[] logits = model.Logits(new TokenBatch([.. tokens], [tokens.Count])).ToArray()[^model.Backbone.VocabularySize..];
            int id = Array.IndexOf(logits, logits.Max());
            logProbabilities.Add((float)(logits[id] - Math.Log(logits.Sum(x => Math.Exp(x)))));
            tokens.Add(id);
        }

        return (tokens[promptLength..], logProbabilities);
    }

    [Fact]
    public void The_cached_path_equals_the_uncached_one_for_rows_of_different_lengths()
    {
        TextModel model = TinyModels.Gpt2();
        IReadOnlyList<GeneratedText> texts = new TextGenerator(model, null).Generate(Prompts, Greedy);
        for (int row = 0; row < Prompts.Length; row++)
        {
            (List<int> ids, List<float> logProbabilities) = WithoutCache(model, Prompts[row].Tokens, 12);
            Assert.Equal(ids, texts[row].Tokens);
            Assert.True(ids.Distinct().Count() > 3, "The reference repeats itself too much to prove anything.");
            Assert.All(texts[row].LogProbabilities.Zip(logProbabilities), pair => Assert.Equal(pair.Second, pair.First, 1e-4f));
            Assert.Equal((FinishReason.Length, Prompts[row].Tokens.Count), (texts[row].Finish, texts[row].PromptTokens));
        }
    }

    [Fact]
    public void Virtual_tokens_stand_once_before_each_text_and_take_positions_from_it()
    {
        TextModel model = TinyModels.Gpt2(positions: 40);
        new PromptTuningOptions { VirtualTokens = 5 }.Create().Apply(model, seed: 2);
        IReadOnlyList<GeneratedText> texts = new TextGenerator(model, null).Generate(Prompts, Greedy with { MaxNewTokens = 100 });
        Assert.All(texts.Zip(Prompts), pair =>
        {
            Assert.Equal(35 - pair.Second.Tokens.Count, pair.First.Tokens.Count); // up to the last position
            Assert.Equal(WithoutCache(model, pair.Second.Tokens, 10).Ids, pair.First.Tokens.Take(10));
        });
    }

    [Fact]
    public void A_prompt_longer_than_one_part_is_read_like_a_short_one()
    {
        TextModel model = TinyModels.Gpt2(positions: 3000);
        int[] lengths = [1, 511, 512, 513, 1300, 700];
        GenerationPrompt[] prompts = [.. lengths.Select(n => new GenerationPrompt([.. Enumerable.Range(0, n).Select(i => i * i % 251)]))];
        IReadOnlyList<GeneratedText> texts = new TextGenerator(model, null).Generate(prompts, Greedy with { MaxNewTokens = 3 });
        for (int row = 0; row < prompts.Length; row++)
        {
            Assert.Equal(WithoutCache(model, prompts[row].Tokens, 3).Ids, texts[row].Tokens);
        }
    }

    [Fact]
    public void The_same_seed_gives_the_same_text_alone_and_beside_others()
    {
        var generator = new TextGenerator(TinyModels.Gpt2(), null);
        var options = new GenerationOptions { MaxNewTokens = 20, Seed = 42, TopP = 0.95f };
        IReadOnlyList<GeneratedText> together = generator.Generate(Prompts, options);
        for (int row = 0; row < Prompts.Length; row++)
        {
            GeneratedText alone = generator.Generate([Prompts[row]], options)[0];
            Assert.Equal(together[row].Tokens, alone.Tokens);
            Assert.Equal(together[row].LogProbabilities, alone.LogProbabilities);
        }

        Assert.NotEqual(together[0].Tokens, generator.Generate(Prompts, options with { Seed = 43 })[0].Tokens);
        Assert.NotEqual(together[0].Tokens, generator.Generate([Prompts[0] with { Draw = 1 }], options)[0].Tokens);
    }

    [Fact]
    public void A_text_continued_from_its_middle_goes_on_as_before()
    {
        var generator = new TextGenerator(TinyModels.Gpt2(), null);
        var options = new GenerationOptions { MaxNewTokens = 20, Seed = 42 };
        GeneratedText whole = generator.Generate([Prompts[0]], options)[0];
        GenerationPrompt middle = Prompts[0] with { Tokens = [.. Prompts[0].Tokens, .. whole.Tokens.Take(9)] };
        Assert.Equal(whole.Tokens.Skip(9), generator.Generate([middle], options with { MaxNewTokens = 11 })[0].Tokens);
    }

    [Fact]
    public void The_number_of_threads_changes_nothing()
    {
        using var one = new CpuBackend(threads: 1);
        using var three = new CpuBackend(threads: 3);
        var options = new GenerationOptions { MaxNewTokens = 20, Seed = 3 };
        IReadOnlyList<GeneratedText> expected = new TextGenerator(TinyModels.Gpt2(backend: one), null).Generate(Prompts, options);
        IReadOnlyList<GeneratedText> actual = new TextGenerator(TinyModels.Gpt2(backend: three), null).Generate(Prompts, options);
        for (int row = 0; row < Prompts.Length; row++)
        {
            Assert.Equal(expected[row].Tokens, actual[row].Tokens);
            Assert.Equal(expected[row].LogProbabilities, actual[row].LogProbabilities);
        }
    }

    [Fact]
    public void A_row_that_ends_leaves_the_others_as_they_would_be_alone()
    {
        TextModel model = TinyModels.Gpt2();
        IReadOnlyList<GeneratedText> open = new TextGenerator(model, null).Generate(Prompts, Greedy);
        int ending = open[1].Tokens.Except(open[0].Tokens).Except(open[2].Tokens).First();
        var generator = new TextGenerator(model, null, new GenerationDefaults { EosTokens = [ending] });
        IReadOnlyList<GeneratedText> texts = generator.Generate(Prompts, Greedy);
        Assert.Equal(FinishReason.Eos, texts[1].Finish);
        Assert.Equal(open[1].Tokens.Take(open[1].Tokens.ToList().IndexOf(ending) + 1), texts[1].Tokens);
        Assert.Equal(open[0].Tokens, texts[0].Tokens);
        Assert.Equal(open[2].Tokens, texts[2].Tokens);

        Assert.Equal(open[1].Tokens, generator.Generate(Prompts, Greedy with { IgnoreEos = true })[1].Tokens);
        Assert.DoesNotContain(ending, generator.Generate(Prompts, Greedy with { MinNewTokens = 12 })[1].Tokens);
    }

    [Fact]
    public void Characters_of_several_bytes_are_given_out_whole()
    {
        GeneratedToken[] tokens = [.. TinyModels.Scripted("aé東🙂b").Stream("x", new GenerationOptions { MaxNewTokens = 11 })];
        Assert.Equal(["a", "", "é", "", "", "東", "", "", "", "🙂", "b"], tokens.Select(token => token.Text));
        Assert.Equal(Enumerable.Range(1, 11), tokens.Select(token => token.Position));
        Assert.Equal([.. Enumerable.Repeat((FinishReason?)null, 10), FinishReason.Length], tokens.Select(token => token.Finish));
    }

    [Fact]
    public void A_character_that_never_becomes_whole_ends_the_text_as_a_replacement_character() =>
        Assert.Equal("a\uFFFD", TinyModels.Scripted("aé").Generate("x", new GenerationOptions { MaxNewTokens = 2 }).Text);

    [Fact]
    public void The_ending_token_is_counted_but_gives_no_text()
    {
        GeneratedText text = TinyModels.Scripted(['h', 'i', TinyModels.Eos]).Generate("x");
        Assert.Equal(("hi", FinishReason.Eos, 1, 3), (text.Text, text.Finish, text.PromptTokens, text.Tokens.Count));
    }

    [Fact]
    public void A_stop_string_ends_the_text_though_it_spans_tokens_and_the_wrong_track_is_given_out_later()
    {
        var options = new GenerationOptions { Stop = ["STOP", "\n\n"] };
        GeneratedToken[] tokens = [.. TinyModels.Scripted("a ST\nSTOPb").Stream("x", options)];
        Assert.Equal(["a", " ", "", "", "ST", "\n", "", "", ""], tokens.Select(token => token.Text));
        Assert.Equal("a ST\n", string.Concat(tokens.Select(token => token.Text)));
        Assert.Equal(FinishReason.Stop, tokens[^1].Finish);
        Assert.Equal(9, tokens.Length);
    }

    [Fact]
    public void What_was_held_back_is_given_out_when_the_text_ends_otherwise()
    {
        var options = new GenerationOptions { Stop = ["STOP"] };
        GeneratedText text = TinyModels.Scripted(['a', 'S', 'T', TinyModels.Eos]).Generate("x", options);
        Assert.Equal(("aST", FinishReason.Eos), (text.Text, text.Finish));
        text = TinyModels.Scripted("aST").Generate("x", options with { MaxNewTokens = 3 });
        Assert.Equal(("aST", FinishReason.Length), (text.Text, text.Finish));
    }

    [Fact]
    public void The_text_ends_at_the_models_longest()
    {
        var generator = new TextGenerator(TinyModels.Gpt2(positions: 16), null);
        GenerationPrompt[] prompts = [new([1, 2, 3]), new([.. Enumerable.Range(0, 15)])];
        IReadOnlyList<GeneratedText> texts = generator.Generate(prompts, Greedy with { MaxNewTokens = 100 });
        Assert.Equal([13, 1], texts.Select(text => text.Tokens.Count));
        Assert.All(texts, text => Assert.Equal(FinishReason.Length, text.Finish));
    }

    [Fact]
    public void A_prompt_without_room_for_an_answer_is_refused_with_both_numbers()
    {
        var generator = new TextGenerator(TinyModels.Gpt2(positions: 16), null);
        var error = Assert.Throws<GenerationException>(() => generator.Stream([new([1]), new(new int[16])]));
        Assert.Equal(ErrorCodes.GenerationPromptTooLong, error.Code);
        Assert.StartsWith("prompt 1: it has 16 tokens; the model's longest text has 16", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_prompt_begins_with_the_models_first_token_or_is_refused()
    {
        TextModel model = TinyModels.Gpt2();
        var error = Assert.Throws<GenerationException>(() => new TextGenerator(model, null).Stream([new([])]));
        Assert.Equal(ErrorCodes.GenerationPromptInvalid, error.Code);
        var generator = new TextGenerator(model, null, new GenerationDefaults { BosToken = 5 });
        Assert.Equal(generator.Generate([new([5])], Greedy)[0].Tokens, generator.Generate([new([])], Greedy)[0].Tokens);
        Assert.Empty(generator.Generate(Array.Empty<GenerationPrompt>()));
    }

    [Theory]
    [InlineData(257)]
    [InlineData(-1)]
    public void A_token_outside_the_vocabulary_is_refused(int id)
    {
        var error = Assert.Throws<GenerationException>(() => new TextGenerator(TinyModels.Gpt2(), null).Stream([new([1, id])]));
        Assert.Contains($"token 1 has the id {id}; the model knows the ids 0 to 256", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Models_that_cannot_continue_a_text_are_refused()
    {
        ModelConfig bert = TinyModels.Config("""
            { "model_type": "bert", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8,
              "max_position_embeddings": 16, "vocab_size": 20, "type_vocab_size": 2 }
            """);
        var error = Assert.Throws<GenerationException>(() => new TextGenerator(TextModel.Create(bert, HeadChoice.Language, 1), null));
        Assert.Contains("'bert'", error.Message, StringComparison.Ordinal);
        TextModel classifier = TextModel.Create(TinyModels.Gpt2().Config, HeadChoice.Classification(2), 1);
        Assert.Equal(ErrorCodes.GenerationModelUnsuitable, Assert.Throws<GenerationException>(() => new TextGenerator(classifier, null)).Code);
    }

    [Fact]
    public void Text_needs_a_tokenizer()
    {
        var generator = new TextGenerator(TinyModels.Gpt2(), null);
        Assert.Throws<ArgumentException>(() => generator.Stream("a"));
        Assert.Throws<ArgumentException>(() => generator.Stream([new([1])], new GenerationOptions { Stop = ["a"] }));
    }

    [Fact]
    public void A_tokenizer_that_pads_or_cuts_does_not_change_a_prompt_unnoticed()
    {
        var tokenizer = TinyModels.Bytes();
        (tokenizer.Padding, tokenizer.Truncation) = (new Padding { Length = 8 }, new Truncation(6));
        var generator = new TextGenerator(TinyModels.Gpt2(), tokenizer);
        Assert.Equal(["abc".Length], [generator.Encode("abc").Tokens.Count]);
        Assert.Contains("6 tokens", Assert.Throws<GenerationException>(() => generator.Encode("abcdefgh")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NaN_in_the_weights_is_an_error_that_names_the_position()
    {
        TextModel model = TinyModels.Gpt2();
        model.LanguageHead!.Projection.Value.Row(200).Fill(float.NaN);
        using IEnumerator<GeneratedToken> tokens = new TextGenerator(model, null).Stream([new([1, 2, 3])], Greedy).GetEnumerator();
        var error = Assert.Throws<GenerationException>(() => tokens.MoveNext());
        Assert.Equal(ErrorCodes.GenerationLogitsInvalid, error.Code);
        Assert.StartsWith("prompt 0, position 3: the model gave token 200 the logit NaN", error.Message, StringComparison.Ordinal);
        Assert.Null(Tape.Current);
    }

    [Fact]
    public void Cancelling_ends_the_generation_before_its_next_step()
    {
        using var source = new CancellationTokenSource();
        int seen = 0;
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (GeneratedToken token in new TextGenerator(TinyModels.Gpt2(), null).Stream([new([1])], Greedy, source.Token))
            {
                seen++;
                source.Cancel();
            }
        });
        Assert.Equal(1, seen);
        Assert.Null(Tape.Current);
    }

    [Fact]
    public void A_stream_can_be_read_again_and_in_the_middle_of_another()
    {
        TextGenerator generator = new(TinyModels.Gpt2(), null);
        IEnumerable<GeneratedToken> stream = generator.Stream([Prompts[0]], new GenerationOptions { MaxNewTokens = 6 });
        GeneratedToken[] first = [.. stream];
        Assert.Equal(first, stream.Zip(stream, (a, b) => a == b ? a : throw new InvalidOperationException("The two differ.")));
    }

    [Fact]
    public void Memory_is_given_back_after_each_token_and_little_of_the_managed_heap_is_used()
    {
        using var backend = new CpuBackend(threads: 1);
        TextModel model = TinyModels.Gpt2(positions: 256, vocabulary: 20_000, backend); // its logits are 80 kB
        var options = new GenerationOptions { MaxNewTokens = 200, TopK = 40, TopP = 0.9f, Temperature = 0.8f, RepetitionPenalty = 1.1f };
        long before = 0;
        int count = 0;
        foreach (GeneratedToken token in new TextGenerator(model, null).Stream([new([1, 2, 3])], options))
        {
            Assert.Equal(0, backend.Pool.LiveBytes);
            count++;
            before = count == 20 ? GC.GetAllocatedBytesForCurrentThread() : before;
        }

        long perToken = (GC.GetAllocatedBytesForCurrentThread() - before) / (count - 20);
        Assert.True(perToken < 30_000, $"{perToken} bytes of the managed heap for each token.");
    }
}
