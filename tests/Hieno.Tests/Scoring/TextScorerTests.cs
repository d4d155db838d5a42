using Hieno.Data;
using Hieno.Generation;
using Hieno.Models;
using Hieno.Scoring;
using Hieno.Tensors;
using Hieno.Tests.Shared;
using Hieno.Tuning;

namespace Hieno.Tests.Scoring;

/// <summary>On the decoder of this repository, which has seen enough English to prefer it.</summary>
public sealed class TextScorerTests
{
    private static readonly string s_folder = Path.Combine(SharedFolder.RepositoryRoot, "models", "hieno-decoder");
    private static readonly string[] s_texts = ["the king is dead", "a", "to be or not to be, that is the question: whether it is nobler in the mind to suffer"];

    private readonly TextModel _model = TextModel.Load(s_folder, HeadChoice.Language);
    private readonly ModelTokenizer _tokenizer = ModelTokenizer.Load(s_folder);

    [Fact]
    public void A_text_is_as_probable_as_its_tokens_one_after_the_other_and_its_end()
    {
        IReadOnlyList<TextScore> scores = new TextScorer(_model, _tokenizer).Score(s_texts);
        int end = _tokenizer.EndId!.Value;
        foreach ((string text, TextScore score) in s_texts.Zip(scores))
        {
            int[] ids = [end, .. _tokenizer.Tokenizer.Encode(text, addSpecialTokens: false).Ids, end];
            double expected = 0;
            for (int i = 1; i < ids.Length; i++)
            {
                expected += LogProbability(ids[..i], ids[i]);
            }

            Assert.Equal(ids.Length - 1, score.Tokens);
            Assert.Equal(expected, score.LogProbability, 1e-3);
            Assert.Equal(Math.Exp(-expected / (ids.Length - 1)), score.Perplexity, 1e-1);
        }
    }

    [Fact]
    public void A_text_has_the_same_score_whatever_stands_beside_it()
    {
        var scorer = new TextScorer(_model, _tokenizer);
        string[] many = [.. Enumerable.Range(0, 60).SelectMany(_ => s_texts)]; // more than one batch, and more than one piece of logits
        IReadOnlyList<TextScore> together = scorer.Score(many);
        for (int i = 0; i < many.Length; i++)
        {
            Assert.Equal(scorer.Score([many[i]])[0].LogProbability, together[i].LogProbability, 1e-4);
        }
    }

    [Fact]
    public void English_is_likelier_than_the_same_words_in_disorder()
    {
        IReadOnlyList<TextScore> scores = new TextScorer(_model, _tokenizer).Score(["I have not seen the king.", "King the seen I. not have"]);
        Assert.True(scores[0].LogProbability > scores[1].LogProbability + 5);
    }

    [Fact]
    public void A_soft_prompt_is_read_before_each_text_and_is_not_scored()
    {
        TextScore plain = new TextScorer(_model, _tokenizer).Score(["the king is dead"])[0];
        Adapter adapter = new PromptTuningOptions { VirtualTokens = 4 }.Create().Apply(_model, seed: 1, _tokenizer.Tokenizer).Adapter!;
        TextScore prompted = new TextScorer(_model, _tokenizer).Score(["the king is dead"])[0];
        Assert.Equal(plain.Tokens, prompted.Tokens);
        Assert.NotEqual(plain.LogProbability, prompted.LogProbability, 3);
        adapter.Enable(false);
        Assert.Equal(plain, new TextScorer(_model, _tokenizer).Score(["the king is dead"])[0]);
    }

    [Fact]
    public void A_text_beyond_the_models_positions_is_refused()
    {
        string text = string.Join(' ', Enumerable.Repeat("king", 600));
        var fault = Assert.Throws<GenerationException>(() => new TextScorer(_model, _tokenizer).Score([text]));
        Assert.Contains("more than the 512 that the model can read", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_that_does_not_predict_the_next_token_is_refused()
    {
        TextModel classifier = TextModel.Load(s_folder, HeadChoice.Classification(2));
        Assert.Contains("that was opened as a classifier", Assert.Throws<GenerationException>(() => new TextScorer(classifier, _tokenizer)).Message, StringComparison.Ordinal);
        string bert = Path.Combine(SharedFolder.RepositoryRoot, "models", "hieno-encoder");
        TextModel masked = TextModel.Load(bert, HeadChoice.Language);
        Assert.Contains("whose tokens see the whole text", Assert.Throws<GenerationException>(() => new TextScorer(masked, ModelTokenizer.Load(bert))).Message, StringComparison.Ordinal);
    }

    // In double precision, from a pass over the beginning alone.
    private double LogProbability(int[] beginning, int next)
    {
        using Tape tape = Tape.Begin(record: false);
        float[] logits = _model.Logits(new TokenBatch(beginning, [beginning.Length])).ToArray()[^_model.Backbone.VocabularySize..];
        double largest = logits.Max();
        return logits[next] - largest - Math.Log(logits.Sum(logit => Math.Exp(logit - largest)));
    }
}
