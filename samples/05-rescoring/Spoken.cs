using System.Text;

namespace Rescoring;

/// <summary>Texts as recognisers write them: lower case, no punctuation.</summary>
internal static class Spoken
{
    /// <summary>Keeps letters, digits and the apostrophes within words; everything else parts words.</summary>
    public static string Of(string text)
    {
        var spoken = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            char letter = text[i] == '’' ? '\'' : char.ToLowerInvariant(text[i]);
            bool isInside = letter == '\'' && i > 0 && i + 1 < text.Length && char.IsLetter(text[i - 1]) && char.IsLetter(text[i + 1]);
            spoken.Append(char.IsLetterOrDigit(letter) || isInside ? letter : ' ');
        }

        return string.Join(' ', spoken.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }
}
