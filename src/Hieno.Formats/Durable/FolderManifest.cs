using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;

namespace Hieno.Formats.Durable;

// The list of a folder's files with their sizes and checksums. It is written last, so a folder that has one was complete,
// and every byte that changed since is found: by CRC32C cheaply, by SHA-256 beyond doubt.
internal static class FolderManifest
{
    public const string FileName = "manifest.json";

    private const int Version = 1;

    private readonly record struct Item(string Name, long Size, string Crc32C, string Sha256);

    /// <summary>Writes the manifest of all files in the folder and its subfolders.</summary>
    public static void Write(string folder)
    {
        using var stream = File.Create(Path.Combine(folder, FileName));
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        json.WriteStartObject();
        json.WriteNumber("version", Version);
        json.WriteStartArray("files");
        foreach (string path in FilesOf(folder))
        {
            var item = Measure(folder, Path.GetRelativePath(folder, path).Replace('\\', '/'));
            json.WriteStartObject();
            json.WriteString("name", item.Name);
            json.WriteNumber("size", item.Size);
            json.WriteString("crc32c", item.Crc32C);
            json.WriteString("sha256", item.Sha256);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>All files of a folder but its manifest, in ordinal order.</summary>
    public static IEnumerable<string> FilesOf(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(path => !string.Equals(path, Path.Combine(folder, FileName), StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);

    /// <summary>Compares a folder with its manifest.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="content">Whether to read the files; false compares only their presence and size.</param>
    /// <returns>What is wrong, or null when all is well.</returns>
    public static string? Fault(string folder, bool content)
    {
        try
        {
            if (!File.Exists(Path.Combine(folder, FileName)))
            {
                return $"it has no {FileName}, so it was never completed";
            }

            foreach (var expected in Read(folder))
            {
                var info = new FileInfo(Path.Combine(folder, expected.Name));
                if (!info.Exists)
                {
                    return $"{expected.Name} is missing";
                }

                if (info.Length != expected.Size)
                {
                    return $"{expected.Name} has {info.Length} bytes, {FileName} says {expected.Size}";
                }

                if (content && Measure(folder, expected.Name) != expected)
                {
                    return $"the content of {expected.Name} has changed since it was written";
                }
            }

            return null;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return $"its {FileName} is damaged";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"it cannot be read ({e.Message.TrimEnd('.')})";
        }
    }

    private static List<Item> Read(string folder)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, FileName)), new JsonDocumentOptions { AllowDuplicateProperties = false });
        if (document.RootElement.GetProperty("version").GetInt32() != Version)
        {
            throw new FormatException($"Only version {Version} is known.");
        }

        var items = new List<Item>();
        foreach (var file in document.RootElement.GetProperty("files").EnumerateArray())
        {
            string name = file.GetProperty("name").GetString()!;
            if (!IsInside(name))
            {
                throw new FormatException($"'{name}' leaves the folder.");
            }

            items.Add(new Item(name, file.GetProperty("size").GetInt64(), file.GetProperty("crc32c").GetString()!, file.GetProperty("sha256").GetString()!));
        }

        return items;
    }

    /// <summary>Whether a relative name with forward slashes stays inside its folder.</summary>
    public static bool IsInside(string name) =>
        name.Length > 0 && name.AsSpan().IndexOfAny("\\:\0") < 0
        && name.Split('/').All(part => part is not ("" or "." or ".."));

    private static Item Measure(string folder, string name)
    {
        using var stream = new FileStream(Path.Combine(folder, name), FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 18]; // fits the second-level cache, so each byte comes from memory once for both sums
        uint crc = uint.MaxValue;
        long size = 0;
        for (int read; (read = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)) > 0; size += read)
        {
            sha.AppendData(buffer, 0, read);
            crc = Crc32C(crc, buffer.AsSpan(0, read));
        }

        return new Item(name, size, (~crc).ToString("x8", CultureInfo.InvariantCulture), Convert.ToHexStringLower(sha.GetHashAndReset()));
    }

    /// <summary>Continues a CRC with the Castagnoli polynomial; begin with all bits set and invert the result.</summary>
    internal static uint Crc32C(uint crc, ReadOnlySpan<byte> bytes)
    {
        // Eight bytes an instruction where the processor has one for it (SSE4.2, ARMv8), a table otherwise.
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
        {
            crc = BitOperations.Crc32C(crc, word);
        }

        foreach (byte b in bytes[(words.Length * sizeof(ulong))..])
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return crc;
    }
}
