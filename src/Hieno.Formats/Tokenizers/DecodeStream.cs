namespace Hieno.Formats.Tokenizers;

/// <summary>Decodes ids one by one, as a model generates them, and gives out text as soon as it is final.</summary>
/// <remarks>
/// A character can be spread over several tokens, and a decoder may treat the first token differently. So each step decodes a short
/// window of ids twice, without and with the new one, and gives out the difference once it does not end inside a character.
/// </remarks>
public sealed class DecodeStream
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly List<int> _window = [];
    private string _prefix = string.Empty;
    private int _prefixLength;

    internal DecodeStream(Tokenizer tokenizer, bool skipSpecialTokens)
    {
        (_tokenizer, _skipSpecialTokens) = (tokenizer, skipSpecialTokens);
    }

    /// <summary>Takes the next id.</summary>
    /// <param name="id">The id.</param>
    /// <returns>The text that has become final, which may be empty.</returns>
    public string Step(int id)
    {
        if (_prefix.Length == 0 && _window.Count > 0)
        {
            string earlier = _tokenizer.Decode(_window, _skipSpecialTokens);
            if (!EndsInsideCharacter(earlier))
            {
                (_prefix, _prefixLength) = (earlier, _window.Count);
            }
        }

        _window.Add(id);
        string text = _tokenizer.Decode(_window, _skipSpecialTokens);
        if (text.Length <= _prefix.Length || EndsInsideCharacter(text))
        {
            return string.Empty;
        }

        string fresh = text[_prefix.Length..];
        _window.RemoveRange(0, _prefixLength);
        _prefix = _tokenizer.Decode(_window, _skipSpecialTokens);
        _prefixLength = _window.Count;
        return fresh;
    }

    /// <summary>Ends the stream.</summary>
    /// <returns>What is left, such as U+FFFD for a character that never became complete.</returns>
    public string Finish()
    {
        string text = _tokenizer.Decode(_window, _skipSpecialTokens);
        string rest = text.Length > _prefix.Length ? text[_prefix.Length..] : string.Empty;
        _window.Clear();
        (_prefix, _prefixLength) = (string.Empty, 0);
        return rest;
    }

    private static bool EndsInsideCharacter(string text) => text.EndsWith('\uFFFD');
}
