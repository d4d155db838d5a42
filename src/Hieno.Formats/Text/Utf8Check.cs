using System.Text;
using System.Text.Unicode;

namespace Hieno.Formats.Text;

// Text that is not UTF-8 is refused, never repaired: a replacement character would be trained on.
internal static class Utf8Check
{
    public static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Raises an error at the first byte that is not UTF-8.</summary>
    /// <param name="bytes">Text that may have line ends in it.</param>
    /// <param name="file">The file, for the message.</param>
    /// <param name="line">The line the text begins at.</param>
    /// <param name="column">The byte of that line the text begins at.</param>
    public static void ThrowIfInvalid(ReadOnlySpan<byte> bytes, string file, long line, long column)
    {
        if (Utf8.IsValid(bytes))
        {
            return;
        }

        while (Rune.DecodeFromUtf8(bytes, out var rune, out int length) == System.Buffers.OperationStatus.Done)
        {
            (line, column) = rune.Value == '\n' ? (line + 1, 1) : (line, column + length);
            bytes = bytes[length..];
        }

        throw new DatasetException(ErrorCodes.DatasetNotUtf8, file, line, column,
            $"byte 0x{bytes[0]:X2} is not UTF-8 here", "Convert the file to UTF-8");
    }
}
