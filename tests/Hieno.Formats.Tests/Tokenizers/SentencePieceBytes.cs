using System.Buffers.Binary;
using System.Text;

namespace Hieno.Formats.Tests.Tokenizers;

/// <summary>Writes SentencePiece models, field by field.</summary>
internal static class SentencePieceBytes
{
    /// <summary>A model whose normaliser has no table, puts a space before a text and drops superfluous ones.</summary>
    /// <param name="kind">1 unigram, 2 BPE, 3 words, 4 characters.</param>
    /// <param name="pieces">Text, score, and kind: 1 normal, 2 unknown, 3 control, 4 defined by the user, 6 a byte.</param>
    public static byte[] Model(int kind, params (string Text, float Score, int Kind)[] pieces)
    {
        var file = new List<byte>();
        foreach ((string text, float score, int type) in pieces)
        {
            byte[] number = new byte[4];
            BinaryPrimitives.WriteSingleLittleEndian(number, score);
            byte[] utf8 = Encoding.UTF8.GetBytes(text);
            Message(file, 1, [0x0A, (byte)utf8.Length, .. utf8, 0x15, .. number, 0x18, (byte)type]);
        }

        Message(file, 2, [0x18, (byte)kind]);
        Message(file, 3, [0x0A, 8, .. "identity"u8]);
        return [.. file];
    }

    private static void Message(List<byte> file, int field, byte[] content) => file.AddRange([(byte)((field << 3) | 2), (byte)content.Length, .. content]);
}
