using System.Text;
using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Normalizers;

/// <summary>The Unicode normalization forms NFC, NFD, NFKC and NFKD, keeping track of where each character came from.</summary>
/// <remarks>
/// .NET normalizes strings but does not say which character came from where. So the text is cut into blocks that cannot influence
/// each other (a base and what may combine with it), each block is normalized as a whole, and the result is matched with the
/// decompositions of the block's own characters.
/// </remarks>
internal sealed class UnicodeForm(NormalizationForm form) : Normalizer
{
    // Text with more combining marks than this in a row is not writing. Cutting there keeps the cost linear.
    private const int LongestBlock = 1024;
    private const int Stretch = 4096;

    static UnicodeForm()
    {
        // Without ICU, string.Normalize returns its input for most characters: every token would be wrong and nobody would know.
        if ("\u00E9".Normalize(NormalizationForm.FormD).Length != 2)
        {
            throw new PlatformNotSupportedException(
                "Unicode normalization is off (invariant globalization, or no ICU library). Install libicu and leave InvariantGlobalization unset.");
        }
    }

    public override void Normalize(AlignedText source, int start, int length, AlignedText target) => Apply(form, source, start, length, target);

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", form switch
        {
            NormalizationForm.FormC => "NFC",
            NormalizationForm.FormD => "NFD",
            NormalizationForm.FormKC => "NFKC",
            _ => "NFKD",
        });
        json.WriteEndObject();
    }

    public static void Apply(NormalizationForm form, AlignedText source, int start, int length, AlignedText target)
    {
        int end = start + length;
        while (start < end)
        {
            // Most text is in its form already, and asking that of a long stretch at once is cheap. The stretch is limited because
            // .NET needs quadratic time for long runs of combining marks.
            int stretchEnd = Math.Min(start + Stretch, end);
            while (stretchEnd < end && stretchEnd < start + Stretch + LongestBlock && !StartsBlock(source, stretchEnd))
            {
                stretchEnd++;
            }

            ReadOnlySpan<char> text = source.Slice(start, stretchEnd - start);
            if (Ascii.IsValid(text) || (!MayHaveNoncharacter(text) && text.ToString().IsNormalized(form)))
            {
                target.AppendFrom(source, start, stretchEnd - start);
            }
            else
            {
                ApplyToBlocks(form, source, start, stretchEnd, target);
            }

            start = stretchEnd;
        }
    }

    private static void ApplyToBlocks(NormalizationForm form, AlignedText source, int start, int end, AlignedText target)
    {
        while (start < end)
        {
            int blockEnd = EndOfBlock(source, start, end);
            if ((blockEnd == start + 1 && source[start] < 0x80) || IsNoncharacter(source.RuneAt(start)))
            {
                target.AppendFrom(source, start, blockEnd - start);
            }
            else
            {
                ApplyToBlock(form, source, start, blockEnd, target);
            }

            start = blockEnd;
        }
    }

    /// <summary>Code points that will never be characters; .NET throws when asked to normalize one.</summary>
    private static bool IsNoncharacter(Rune rune) => (rune.Value & 0xFFFE) == 0xFFFE || rune.Value is >= 0xFDD0 and <= 0xFDEF;

    /// <summary>A quick look for units that noncharacters are made of.</summary>
    private static bool MayHaveNoncharacter(ReadOnlySpan<char> text) =>
        text.IndexOfAnyInRange('\uFDD0', '\uFDEF') >= 0 || text.IndexOfAny("\uFFFE\uFFFF\uDFFE\uDFFF") >= 0;

    private static bool StartsBlock(AlignedText source, int index) =>
        !char.IsLowSurrogate(source[index]) && !MayJoinLeft(source.RuneAt(index));

    private static int EndOfBlock(AlignedText source, int start, int end)
    {
        int next = start + source.RuneAt(start).Utf16SequenceLength;
        if (IsNoncharacter(source.RuneAt(start)))
        {
            return next;
        }

        while (next < end && next - start < LongestBlock && MayJoinLeft(source.RuneAt(next)))
        {
            next += source.RuneAt(next).Utf16SequenceLength;
        }

        return next;
    }

    /// <summary>Whether a character may combine with, or be reordered among, what stands before it.</summary>
    private static bool MayJoinLeft(Rune rune) =>
        !rune.IsAscii
        && (CharClasses.Of(rune).HasFlag(CharClass.Mark)
            || rune.Value is (>= 0x1100 and <= 0x11FF)  // Hangul vowels and finals; leading consonants come along
                or (>= 0x3131 and <= 0x318E)            // the same as compatibility letters
                or (>= 0xFF9E and <= 0xFFDC));          // half-width voicing marks and Hangul

    private static void ApplyToBlock(NormalizationForm form, AlignedText source, int start, int end, AlignedText target)
    {
        string block = source.Slice(start, end - start).ToString();
        if (block.IsNormalized(form))
        {
            target.AppendFrom(source, start, end - start);
            return;
        }

        bool compatibility = form is NormalizationForm.FormKC or NormalizationForm.FormKD;
        var decomposition = compatibility ? NormalizationForm.FormKD : NormalizationForm.FormD;

        // Each decomposed character with its "change": 0 stands for a character of the block, 1 was added by a decomposition.
        var supply = new Dictionary<Rune, Queue<int>>();
        foreach (Rune rune in block.EnumerateRunes())
        {
            int change = 0;
            foreach (Rune part in rune.ToString().Normalize(decomposition).EnumerateRunes())
            {
                if (!supply.TryGetValue(part, out Queue<int>? changes))
                {
                    supply.Add(part, changes = new Queue<int>());
                }

                changes.Enqueue(change);
                change = 1;
            }
        }

        int cursor = start;
        foreach (Rune rune in block.Normalize(form).EnumerateRunes())
        {
            int change = TakeChange(form, rune, supply);
            if (change > 0)
            {
                target.Append(rune, source.OriginOf(Math.Max(cursor - 1, start)));
                continue;
            }

            // Stands for the character at the cursor and for −change more that were composed into it.
            target.Append(rune, source.OriginOf(Math.Min(cursor, end - 1)));
            for (int taken = 0; taken <= -change && cursor < end; taken++)
            {
                cursor += source.RuneAt(cursor).Utf16SequenceLength;
            }
        }
    }

    /// <summary>The change of an output character: the sum over the characters it is composed of, less the joins.</summary>
    private static int TakeChange(NormalizationForm form, Rune rune, Dictionary<Rune, Queue<int>> supply)
    {
        if (form is NormalizationForm.FormD or NormalizationForm.FormKD)
        {
            return Take(rune, supply);
        }

        int change = 1;
        foreach (Rune part in rune.ToString().Normalize(NormalizationForm.FormD).EnumerateRunes())
        {
            change += Take(part, supply) - 1;
        }

        return change;
    }

    private static int Take(Rune rune, Dictionary<Rune, Queue<int>> supply) =>
        supply.TryGetValue(rune, out Queue<int>? changes) && changes.TryDequeue(out int change) ? change : 0;
}
