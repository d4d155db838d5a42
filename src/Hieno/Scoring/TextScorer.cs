using Hieno.Data;
using Hieno.Formats;
using Hieno.Generation;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Scoring;

/// <summary>How probable a model finds a text.</summary>
/// <param name="LogProbability">Natural logarithm of the text's probability, its end included where the model has a token for that.</param>
/// <param name="Tokens">How many tokens were predicted.</param>
public readonly record struct TextScore(double LogProbability, int Tokens)
{
    /// <summary>e to the mean negative log-probability of a token.</summary>
    public double Perplexity => Math.Exp(-LogProbability / Tokens);
}

/// <summary>Gives texts the log-probability that a causal language model gives them, each by itself, with whatever adapter the model carries.</summary>
/// <remarks>
/// log p(text) = Σ log p(tᵢ | start, t₁ … tᵢ₋₁), the token that ends a text included. The start is what the tokenizer puts before a text; where it
/// puts nothing, the token that ends one, which stands between texts in <c>causal-lm</c>; where there is neither, the first token is given and not predicted.
/// </remarks>
public sealed class TextScorer
{
    private const int BatchTokens = 512; // rows are read together up to so many tokens
    private const int LogitRows = 64;    // logits are held of so many tokens at once

    private readonly TextModel _model;
    private readonly ModelTokenizer _tokenizer;
    private readonly int[] _start;
    private readonly int[] _end;

    /// <summary>Prepares a model.</summary>
    /// <param name="model">A causal model with a token output.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <exception cref="GenerationException">The model does not predict the next token.</exception>
    public TextScorer(TextModel model, ModelTokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        if (model.LanguageHead is null || !model.Backbone.IsCausal)
        {
            throw new GenerationException(ErrorCodes.GenerationModelUnsuitable, "TextScorer", $"a '{model.Config.ModelType}' model {(model.LanguageHead is null ? "that was opened as a classifier" : "whose tokens see the whole text")} does not predict the next token", "Give a causal language model");
        }

        (_model, _tokenizer) = (model, tokenizer);
        int[] before = tokenizer.Frame().Before;
        _end = tokenizer.EndId is { } end ? [end] : [];
        _start = before.Length > 0 ? before : _end;
    }

    /// <summary>Scores texts; each one's score depends on itself alone.</summary>
    /// <param name="texts">The texts; not empty.</param>
    /// <returns>A score for each, in order.</returns>
    /// <exception cref="GenerationException">A text is empty, or longer than the model can read.</exception>
    public IReadOnlyList<TextScore> Score(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        int[][] rows = [.. texts.Select(Encode)];
        var scores = new TextScore[rows.Length];
        for (int next = 0; next < rows.Length;)
        {
            int first = next;
            int tokens = 0;
            do
            {
                tokens += rows[next++].Length;
            }
            while (next < rows.Length && tokens + rows[next].Length <= BatchTokens);
            Score(rows[first..next], scores.AsSpan(first, next - first));
        }

        return scores;
    }

    private int[] Encode(string text)
    {
        int[] ids = [.. _start, .. _tokenizer.Tokenizer.Encode(text, addSpecialTokens: false).Ids, .. _end];
        int most = _model.Backbone.MaxTextLength;
        string shown = text.Length > 40 ? text[..40] + "…" : text;
        return ids.Length > most ? throw new GenerationException(ErrorCodes.GenerationPromptTooLong, $"'{shown}'", $"the text has {ids.Length} tokens, more than the {most} that the model can read", "Cut it")
            : ids.Length < 2 ? throw new GenerationException(ErrorCodes.GenerationPromptInvalid, $"'{shown}'", "there is no token to predict", "Leave empty texts out")
            : ids;
    }

    private void Score(int[][] rows, Span<TextScore> scores)
    {
        using Tape tape = Tape.Begin(record: false, backend: _model.Backbone.TokenTable.Value.Backend);
        var batch = new TokenBatch([.. rows.SelectMany(row => row)], [.. rows.Select(row => row.Length)]);
        Tensor hidden = _model.Backbone.Forward(batch); // [N, C]
        double[] next = new double[batch.Ids.Length];   // log p of the token after each
        for (int first = 0; first < next.Length; first += LogitRows)
        {
            int[] places = [.. Enumerable.Range(first, Math.Min(LogitRows, next.Length - first))];
            Tensor logits = _model.LanguageHead!.Logits(Ops.Rows(hidden, places)); // [places, V]
            foreach (int place in places.Where(place => place + 1 < next.Length))
            {
                next[place] = LogProbability(logits.Span.Slice((place - first) * logits.Shape[^1], logits.Shape[^1]), batch.Ids[place + 1]);
            }
        }

        for (int row = 0, start = 0; row < rows.Length; start += rows[row++].Length)
        {
            int given = Math.Max(1, _start.Length); // these are not predicted
            int count = rows[row].Length - given;
            double sum = 0;
            for (int i = 0; i < count; i++)
            {
                sum += next[start + given - 1 + i];
            }

            scores[row] = new TextScore(sum, count);
        }
    }

    private static double LogProbability(ReadOnlySpan<float> logits, int token)
    {
        float largest = Logits.Largest(logits);
        return logits[token] - largest - Math.Log(Logits.Weight(logits, largest));
    }
}
