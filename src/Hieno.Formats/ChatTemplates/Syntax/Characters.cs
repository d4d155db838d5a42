namespace Hieno.Formats.ChatTemplates.Syntax;

/// <summary>Python's idea of a character, where it differs from .NET's.</summary>
internal static class Characters
{
    /// <summary>White space as <c>str.isspace</c> sees it: .NET's, and the four ASCII separators.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    /// <summary>The text's code points, one string each: Python counts and cuts text by code point, .NET by UTF-16 unit.</summary>
    public static List<string> Split(string text)
    {
        var characters = new List<string>(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            bool isPair = char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]);
            characters.Add(isPair ? text.Substring(i++, 2) : text[i].ToString());
        }

        return characters;
    }

    /// <summary>Number of code points.</summary>
    public static int Count(string text)
    {
        int count = text.Length;
        for (int i = 1; i < text.Length; i++)
        {
            count -= char.IsLowSurrogate(text[i]) && char.IsHighSurrogate(text[i - 1]) ? 1 : 0;
        }

        return count;
    }
}
