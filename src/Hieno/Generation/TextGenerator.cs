using Hieno.Formats;
using Hieno.Formats.Tokenizers;
using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Generation;

/// <summary>Continues prompts with a causal language model, each token drawn from the probabilities the model gives.</summary>
/// <remarks>
/// Several prompts run side by side, each reading only its own tokens. What is drawn for a prompt depends on the seed, the prompt's
/// number and the place in the text, not on the prompts beside it or the number of threads.
/// Memory grows with the texts, up to 2 · layers · prompts · (longest prompt + MaxNewTokens) · key width · 4 bytes.
/// </remarks>
public sealed class TextGenerator
{
    private readonly TextModel _model;
    private readonly Tokenizer? _tokenizer;

    /// <summary>Prepares generation with a model.</summary>
    /// <param name="model">A causal model with a token output, with whatever adapters are attached.</param>
    /// <param name="tokenizer">Its tokenizer; null where prompts are tokens and only tokens are wanted.</param>
    /// <param name="defaults">
    /// What the model's folder says, see <see cref="GenerationDefaults.Read"/>. Default: nothing, so that no token ends a text.
    /// </param>
    /// <exception cref="GenerationException">The model cannot generate text.</exception>
    public TextGenerator(TextModel model, Tokenizer? tokenizer, GenerationDefaults? defaults = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (!model.Backbone.IsCausal)
        {
            throw Unsuitable(model, "its tokens see those after them, so it cannot continue a text", "Use a causal model, such as GPT-2");
        }

        if (model.LanguageHead is null)
        {
            throw Unsuitable(model, "it was opened as a classifier, without a token output", "Open it with HeadChoice.Language");
        }

        (_model, _tokenizer, Defaults) = (model, tokenizer, defaults ?? new GenerationDefaults());
    }

    /// <summary>The tokens that end a text and the settings that stand in where a call gives none.</summary>
    public GenerationDefaults Defaults { get; }

    /// <summary>Adapters of the model that prompts may name, each prompt its own, all generated side by side; none may be switched on. Default: none.</summary>
    public AdapterSet? Adapters { get; init; }

    /// <summary>Further changes of the logits, between the penalties and the temperature; made anew for each call. Default: none.</summary>
    public Func<IEnumerable<ILogitsProcessor>>? Processors { get; init; }

    /// <summary>Continues one prompt.</summary>
    /// <param name="prompt">The text, to which the tokenizer adds its special tokens.</param>
    /// <param name="options">The settings; the model's own when null.</param>
    /// <param name="cancellation">Ends the generation before its next step.</param>
    /// <returns>The tokens as they are generated. Each enumeration generates anew.</returns>
    /// <exception cref="ArgumentException">A setting is out of range, or there is no tokenizer.</exception>
    /// <exception cref="GenerationException">The prompt is empty or too long; while enumerating: a logit is NaN, or no token is left.</exception>
    public IEnumerable<GeneratedToken> Stream(string prompt, GenerationOptions? options = null, CancellationToken cancellation = default) =>
        Stream([Encode(prompt)], options, cancellation);

    /// <summary>Continues several prompts side by side.</summary>
    /// <param name="prompts">The prompts.</param>
    /// <param name="options">The settings; the model's own when null.</param>
    /// <param name="cancellation">Ends the generation before its next step.</param>
    /// <returns>The tokens of all texts as they are generated; those of one text in order. Each enumeration generates anew.</returns>
    /// <exception cref="ArgumentException">A setting is out of range, or stop strings are given but no tokenizer.</exception>
    /// <exception cref="TuningException">An adapter that a prompt names cannot be used for some prompts only.</exception>
    /// <exception cref="GenerationException">
    /// A prompt is empty or too long, or has an unknown token; while enumerating: a logit is NaN, or no token is left.
    /// </exception>
    public IEnumerable<GeneratedToken> Stream(
        IReadOnlyList<GenerationPrompt> prompts, GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        options ??= new GenerationOptions();
        GenerationOptions settings = Defaults.Complete(options);
        settings.ThrowIfInvalid(nameof(options));
        if (_tokenizer is null && settings.Stop.Count > 0)
        {
            throw new ArgumentException("TextGenerator: stop strings need a tokenizer. Give one, or leave 'Stop' empty.", nameof(options));
        }

        if (Adapters is null && prompts.FirstOrDefault(prompt => prompt.Adapter is not null) is { } named)
        {
            throw new ArgumentException($"TextGenerator: a prompt names the adapter '{named.Adapter}', but there are none. Set 'Adapters'.", nameof(prompts));
        }

        Adapters?.ThrowUnlessRoutable(prompts.Select(prompt => prompt.Adapter));
        GenerationPrompt[] ready = [.. prompts.Select(WithBegin)];
        for (int i = 0; i < ready.Length; i++)
        {
            ThrowUnlessFit(ready[i], i);
        }

        return ready.Length == 0 ? [] : Run(ready, settings, cancellation);
    }

    /// <summary>Continues one prompt and waits for the whole text.</summary>
    /// <inheritdoc cref="Stream(string, GenerationOptions, CancellationToken)"/>
    /// <returns>The text.</returns>
    public GeneratedText Generate(string prompt, GenerationOptions? options = null, CancellationToken cancellation = default) =>
        Generate([Encode(prompt)], options, cancellation)[0];

    /// <summary>Continues several prompts side by side and waits for all texts.</summary>
    /// <inheritdoc cref="Stream(IReadOnlyList{GenerationPrompt}, GenerationOptions, CancellationToken)"/>
    /// <returns>One text a prompt, in order. For prompts of text, see <see cref="Encode"/>.</returns>
    public IReadOnlyList<GeneratedText> Generate(
        IReadOnlyList<GenerationPrompt> prompts, GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        var tokens = new List<GeneratedToken>[prompts.Count];
        for (int row = 0; row < tokens.Length; row++)
        {
            tokens[row] = [];
        }

        foreach (GeneratedToken token in Stream(prompts, options, cancellation))
        {
            tokens[token.Row].Add(token);
        }

        return [.. tokens.Select(TextOf)];
    }

    /// <summary>The tokens of a prompt, special ones included.</summary>
    /// <param name="text">The prompt.</param>
    /// <exception cref="ArgumentException">There is no tokenizer.</exception>
    /// <exception cref="GenerationException">The tokenizer is set to cut texts, and cut this one.</exception>
    public GenerationPrompt Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (_tokenizer is null)
        {
            throw new ArgumentException(
                "TextGenerator: a prompt of text needs a tokenizer. Give one, or give the prompt as tokens.", nameof(text));
        }

        Encoding encoding = _tokenizer.Encode(text);
        if (encoding.Overflowing.Count > 0)
        {
            throw new GenerationException(
                ErrorCodes.GenerationPromptTooLong,
                "the prompt",
                $"the tokenizer is set to cut texts to {_tokenizer.Truncation?.MaxLength} tokens, and this one is longer",
                "Set the tokenizer's Truncation to null");
        }

        // A tokenizer that is set to pad would have the model continue the padding.
        return new GenerationPrompt([.. encoding.Ids.Where((_, i) => encoding.AttentionMask[i] != 0)]);
    }

    private static GenerationException Unsuitable(TextModel model, string fact, string advice) =>
        new(ErrorCodes.GenerationModelUnsuitable, $"the model '{model.Config.ModelType}'", fact, advice);

    private static GeneratedText TextOf(List<GeneratedToken> tokens) => new()
    {
        Text = string.Concat(tokens.Select(token => token.Text)),
        Tokens = [.. tokens.Select(token => token.Id)],
        LogProbabilities = [.. tokens.Select(token => token.LogProbability)],
        Finish = tokens[^1].Finish!.Value,
        PromptTokens = tokens[0].Position,
    };

    private GenerationPrompt WithBegin(GenerationPrompt prompt) =>
        prompt.Tokens.Count == 0 && Defaults.BosToken is { } bos ? prompt with { Tokens = [bos] } : prompt;

    private void ThrowUnlessFit(GenerationPrompt prompt, int index)
    {
        (int count, int most) = (prompt.Tokens.Count, _model.Backbone.MaxTextLength);
        if (count == 0)
        {
            throw new GenerationException(
                ErrorCodes.GenerationPromptInvalid,
                $"prompt {index}",
                "it has no token, and the model names none to begin with",
                "Give at least one token");
        }

        if (count >= most)
        {
            throw new GenerationException(
                ErrorCodes.GenerationPromptTooLong,
                $"prompt {index}",
                $"it has {count} tokens; the model's longest text has {most}, which leaves no room for an answer",
                $"Shorten it to {most - 1} tokens or fewer");
        }

        for (int i = 0; i < count; i++)
        {
            if ((uint)prompt.Tokens[i] >= (uint)_model.Backbone.VocabularySize)
            {
                throw new GenerationException(
                    ErrorCodes.GenerationPromptInvalid,
                    $"prompt {index}",
                    $"its token {i} has the id {prompt.Tokens[i]}; the model knows the ids 0 to {_model.Backbone.VocabularySize - 1}",
                    "Use the tokenizer that belongs to the model");
            }
        }
    }

    // The run begins when the first token is asked for, so that an enumeration which never starts costs nothing.
    private IEnumerable<GeneratedToken> Run(GenerationPrompt[] prompts, GenerationOptions settings, CancellationToken cancellation)
    {
        int Limit(GenerationPrompt prompt) =>
            (int)Math.Min((long)prompt.Tokens.Count + settings.MaxNewTokens!.Value, _model.Backbone.MaxTextLength);

        TextRow[] rows = [.. prompts.Select((prompt, i) => new TextRow(i, prompt, Limit(prompt), _tokenizer, settings.Stop))];
        var chooser = new TokenChooser(
            [.. LogitsProcessors.For(settings, Defaults, Processors?.Invoke() ?? [])], settings.IsGreedy, settings.Seed);
        var run = new GenerationRun(_model, rows, prompts.Max(Limit), chooser, settings.IgnoreEos ? [] : Defaults.EosTokens);
        foreach (GeneratedToken token in run.Run(cancellation))
        {
            yield return token;
        }
    }
}
