using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Hieno.Training;

/// <summary>Tells two base models apart without reading all of their weights.</summary>
internal static class BaseFingerprint
{
    private const int SampleBytes = 1 << 16;

    private static readonly string[] s_patterns = ["*.safetensors", "config.json", "tokenizer*", "vocab.*", "merges.txt", "*.safetensors.index.json", "preprocessor_config.json"];

    /// <summary>
    /// A hash of names, lengths, and the first and last 64 KiB of the files that a run reads. A change in the middle of a weight file goes
    /// unseen: reading many gigabytes before every start would cost more than that is worth.
    /// </summary>
    public static string Of(string folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(SampleBytes);
        foreach (string path in s_patterns.SelectMany(pattern => Directory.EnumerateFiles(folder, pattern)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(path)}:{file.Length}\n")));
            foreach (long start in (ReadOnlySpan<long>)[0, Math.Max(0, file.Length - SampleBytes)])
            {
                file.Position = start;
                int read = file.ReadAtLeast(buffer.AsSpan(0, SampleBytes), SampleBytes, throwOnEndOfStream: false);
                hash.AppendData(buffer, 0, read);
            }
        }

        ArrayPool<byte>.Shared.Return(buffer);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
