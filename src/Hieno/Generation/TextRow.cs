using Hieno.Formats.Tokenizers;

namespace Hieno.Generation;

/// <summary>One text while it grows: its tokens, how many of them the model has read, and the text given out.</summary>
internal sealed class TextRow
{
    private const int DecodedPrompt = 8; // prompt tokens the decoder sees first, as a token's text can depend on those before it

    private readonly int[] _tokens;
    private readonly DecodeStream? _decoder;
    private readonly StopStrings _stops;

    /// <summary>A text that consists of its prompt.</summary>
    /// <param name="index">The prompt's index.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="limit">The most tokens, those of the prompt included.</param>
    /// <param name="tokenizer">Turns tokens into text; null where only tokens are wanted.</param>
    /// <param name="stops">The stop strings.</param>
    public TextRow(int index, GenerationPrompt prompt, int limit, Tokenizer? tokenizer, IReadOnlyList<string> stops)
    {
        (Index, Draw, Adapter, PromptLength) = (index, prompt.Draw ?? (ulong)index, prompt.Adapter, prompt.Tokens.Count);
        _tokens = new int[limit];
        for (int i = 0; i < PromptLength; i++)
        {
            _tokens[i] = prompt.Tokens[i];
        }

        Count = PromptLength;
        _stops = new StopStrings(stops);
        _decoder = tokenizer?.CreateDecodeStream();
        for (int i = Math.Max(0, PromptLength - DecodedPrompt); i < PromptLength; i++)
        {
            _decoder?.Step(_tokens[i]);
        }
    }

    /// <summary>The prompt's index.</summary>
    public int Index { get; }

    /// <summary>Decides, with the seed, what is drawn.</summary>
    public ulong Draw { get; }

    /// <summary>The adapter that continues it, or null.</summary>
    public string? Adapter { get; }

    /// <summary>Tokens of the prompt.</summary>
    public int PromptLength { get; }

    /// <summary>Tokens so far, those of the prompt included.</summary>
    public int Count { get; private set; }

    /// <summary>Tokens that the model has read.</summary>
    public int Read { get; set; }

    /// <summary>Why the text ended, or null while it grows.</summary>
    public FinishReason? Finish { get; private set; }

    /// <summary>The tokens so far.</summary>
    public TokenHistory History => new(_tokens.AsSpan(0, Count), PromptLength);

    /// <summary>The next <paramref name="count"/> tokens that the model has not read.</summary>
    public ReadOnlySpan<int> Unread(int count) => _tokens.AsSpan(Read, count);

    /// <summary>Adds a token.</summary>
    /// <param name="choice">The token and its probability.</param>
    /// <param name="isEos">True where it ends the text.</param>
    public GeneratedToken Add(TokenChoice choice, bool isEos)
    {
        int position = Count;
        _tokens[Count++] = choice.Id;
        string text = isEos || _decoder is null ? string.Empty : _stops.Push(_decoder.Step(choice.Id));
        Finish = isEos ? FinishReason.Eos : _stops.Met ? FinishReason.Stop : Count == _tokens.Length ? FinishReason.Length : null;
        if (Finish is FinishReason.Eos or FinishReason.Length && _decoder is not null)
        {
            text += _stops.Push(_decoder.Finish()) + _stops.Finish();
        }

        return new GeneratedToken(Index, position, choice.Id, text, choice.LogProbability, Finish);
    }
}
