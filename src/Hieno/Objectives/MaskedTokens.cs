using Hieno.Data;
using Hieno.Formats.Tokenizers;

namespace Hieno.Objectives;

/// <summary>A row's tokens, and for each of them whether it is learned and how much it counts.</summary>
/// <param name="Ids">Token ids, [T].</param>
/// <param name="Labels">A token's own id where it is learned, else <see cref="Example.Ignore"/>, [T].</param>
/// <param name="Weights">How much each counts, [T].</param>
internal sealed record MaskedTokens(int[] Ids, int[] Labels, float[] Weights)
{
    /// <summary>Tokenizes a text so that each answer begins where the tokens of its prompt alone would end, and masks all but the answers.</summary>
    /// <param name="tokenizer">The tokenizer; special tokens of the text are read as such, and none are added.</param>
    /// <param name="rendered">The text.</param>
    /// <param name="learnPrompts">True to learn what stands between the answers as well.</param>
    public static MaskedTokens Of(ModelTokenizer tokenizer, RenderedConversation rendered, bool learnPrompts)
    {
        var pieces = new Pieces(tokenizer.Tokenizer, rendered.Text, [.. rendered.Answers.Select(answer => answer.Start)]);
        (int Start, int End)[] places = [.. rendered.Answers.Select(answer => (pieces.TokenAt(answer.Start), pieces.TokenAt(answer.End)))];
        int[] ids = pieces.ToIds();
        int[] labels = learnPrompts ? [.. ids] : [.. Enumerable.Repeat(Example.Ignore, ids.Length)];
        float[] weights = [.. Enumerable.Repeat(1f, ids.Length)];
        foreach ((Answer answer, (int start, int end)) in rendered.Answers.Zip(places))
        {
            int last = WithoutLineEnd(tokenizer.Tokenizer, ids, start, end);
            for (int i = start; i < end; i++)
            {
                bool learned = answer.Weight > 0 && (i < last || learnPrompts);
                (labels[i], weights[i]) = (learned ? ids[i] : Example.Ignore, answer.Weight);
            }
        }

        return new MaskedTokens(ids, labels, weights);
    }

    /// <summary>The first tokens only.</summary>
    public MaskedTokens Cut(int length) => new(Ids[..length], Labels[..length], Weights[..length]);

    /// <summary>With the special tokens of a text by itself around it, and an end-of-text token that is learned, or the model would never stop.</summary>
    public MaskedTokens Framed(ModelTokenizer tokenizer)
    {
        (int[] before, int[] after) = tokenizer.Frame();
        before = Ids.AsSpan().StartsWith(before) ? [] : before; // the text brings its own
        int[] ends = tokenizer.EndId is { } end && (Ids.Length == 0 || Ids[^1] != end) ? [end] : [];
        after = ends.Length > 0 && after.Length > 0 && after[^1] == ends[0] ? after[..^1] : after;
        return new MaskedTokens(
            [.. before, .. Ids, .. after, .. ends],
            [.. Ignored(before), .. Labels, .. Ignored(after), .. ends],
            [.. Ones(before), .. Weights, .. Ones(after), .. Ones(ends)]);
    }

    private static IEnumerable<int> Ignored(int[] ids) => ids.Select(_ => Example.Ignore);

    private static IEnumerable<float> Ones(int[] ids) => ids.Select(_ => 1f);

    // A line end after the special token that ends a turn is never generated: by then the model has stopped.
    private static int WithoutLineEnd(Tokenizer tokenizer, int[] ids, int start, int end)
    {
        int last = end;
        while (last > start && string.IsNullOrWhiteSpace(tokenizer.Decode([ids[last - 1]], skipSpecialTokens: false)))
        {
            last--;
        }

        return last > start && tokenizer.AddedTokens.ContainsKey(ids[last - 1]) ? last : end;
    }

    // The tokens of a text. Where a token would reach from a prompt into its answer, the text is tokenized anew from the answer on: the
    // model will be given the prompt's own tokens.
    private sealed class Pieces
    {
        private readonly Tokenizer _tokenizer;
        private readonly string _text;
        private readonly List<(int From, int FirstToken, Encoding Tokens)> _pieces = [];

        public Pieces(Tokenizer tokenizer, string text, IReadOnlyList<int> starts)
        {
            (_tokenizer, _text) = (tokenizer, text);
            var cuts = new SortedSet<int> { 0 };
            Split(cuts);
            for (int unclean = FirstUnclean(starts, cuts); unclean >= 0; unclean = FirstUnclean(starts, cuts))
            {
                cuts.Add(unclean);
                Split(cuts);
            }
        }

        public int[] ToIds() => [.. _pieces.SelectMany(piece => piece.Tokens.Ids)];

        /// <summary>The first token that lies wholly at or after a character.</summary>
        public int TokenAt(int character)
        {
            (int from, int firstToken, Encoding tokens) = _pieces.FindLast(piece => piece.From <= character);
            int before = CountBefore(from, character, tokens);
            if (before < 0)
            {
                before = Array.FindIndex(tokens.Offsets, range => range.Start >= character - from);
            }

            return firstToken + (before < 0 ? tokens.Length : before);
        }

        // How many tokens the text before a character has by itself, or -1 where they are others than in the whole piece.
        private int CountBefore(int from, int character, Encoding tokens)
        {
            int[] head = character == from ? [] : _tokenizer.Encode(_text[from..character], addSpecialTokens: false).Ids;
            return tokens.Ids.AsSpan().StartsWith(head) ? head.Length : -1;
        }

        private int FirstUnclean(IReadOnlyList<int> starts, SortedSet<int> cuts)
        {
            foreach (int start in starts)
            {
                (int from, _, Encoding tokens) = _pieces.FindLast(piece => piece.From <= start);
                if (!cuts.Contains(start) && CountBefore(from, start, tokens) < 0)
                {
                    return start;
                }
            }

            return -1;
        }

        private void Split(SortedSet<int> cuts)
        {
            _pieces.Clear();
            int[] from = [.. cuts, _text.Length];
            int count = 0;
            for (int i = 0; i + 1 < from.Length; i++)
            {
                Encoding tokens = _tokenizer.Encode(_text[from[i]..from[i + 1]], addSpecialTokens: false);
                _pieces.Add((from[i], count, tokens));
                count += tokens.Length;
            }
        }
    }
}
