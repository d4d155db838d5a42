namespace Hieno.Formats.Tokenizers.PreTokenizers;

/// <summary>Splits at single characters of some class.</summary>
internal static class CharSplitter
{
    /// <summary>Cuts every piece of <paramref name="text"/> at the characters whose class shares a flag with <paramref name="delimiters"/>.</summary>
    public static void Run(PreTokenizedText text, CharClass delimiters, SplitBehavior behavior) =>
        text.Split((piece, parts) =>
        {
            var found = new List<TextRange>();
            for (int i = 0; i < piece.Length;)
            {
                CharClass class_ = CharClasses.At(piece, i, out int units);
                if ((class_ & delimiters) != CharClass.None)
                {
                    found.Add(new TextRange(i, i + units));
                }

                i += units;
            }

            Segments.Emit(Segments.Between(found, piece.Length), behavior, invert: false, parts);
        });
}
