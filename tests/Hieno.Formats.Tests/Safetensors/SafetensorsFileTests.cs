using System.Buffers.Binary;
using System.Text;
using Hieno.Formats.Safetensors;
using Hieno.Tests.Shared;

namespace Hieno.Formats.Tests.Safetensors;

public sealed unsafe class SafetensorsFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_made_by_hand_gives_its_tensors_metadata_and_bytes()
    {
        string path = _folder.Write("a.safetensors", SafetensorsBytes.Of(
            """{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"s":{"dtype":"U8","shape":[],"data_offsets":[8,9]},"e":{"dtype":"BF16","shape":[0,7],"data_offsets":[9,9]}}""", 9));

        using var file = SafetensorsFile.Open(path);

        Assert.Equal(["w", "s", "e"], file.Entries.Keys);
        Assert.Equal("pt", file.Metadata["format"]);
        var w = file.Entries["w"];
        Assert.Equal(SafetensorsDType.F32, w.DType);
        Assert.Equal([1, 2], w.Shape);
        Assert.Equal((2, 8), (w.ElementCount, w.ByteLength));
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7], file.Bytes(w).ToArray());
        Assert.Equal((byte)8, *file.PointerTo(file.Require("s")));
        Assert.Equal(1, file.Entries["s"].ElementCount);
        Assert.Equal(0, file.Entries["e"].ElementCount);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{}      ")]
    [InlineData("\t\n{}\r ")]
    [InlineData("""{"__metadata__":null}""")]
    public void A_file_without_tensors_is_legal(string header)
    {
        using var file = SafetensorsFile.Open(_folder.Write("empty.safetensors", SafetensorsBytes.Of(header)));
        Assert.Empty(file.Entries);
    }

    [Fact]
    public void Tensors_need_not_be_listed_in_the_order_of_their_bytes()
    {
        string path = _folder.Write("a.safetensors", SafetensorsBytes.Of(
            """{"b":{"dtype":"I8","shape":[3],"data_offsets":[1,4]},"a":{"data_offsets":[0,1],"shape":[1],"dtype":"I8","note":{"x":[1]}}}""", 4));
        using var file = SafetensorsFile.Open(path);
        Assert.Equal(["a", "b"], file.Entries.Keys);
        Assert.Equal([1, 2, 3], file.Bytes(file.Entries["b"]).ToArray());
    }

    public static TheoryData<string, string, int> MalformedHeaders => new()
    {
        // code, header, bytes of data
        { ErrorCodes.CheckpointNotJson, "", 0 },
        { ErrorCodes.CheckpointNotJson, "[]", 0 },
        { ErrorCodes.CheckpointNotJson, "{", 0 },
        { ErrorCodes.CheckpointNotJson, "{}x", 0 },
        { ErrorCodes.CheckpointNotJson, "{}{}", 0 },
        { ErrorCodes.CheckpointNotJson, "{}\0", 0 },
        { ErrorCodes.CheckpointNotJson, """{"__metadata__":[]}""", 0 },
        { ErrorCodes.CheckpointNotJson, """{"__metadata__":{"format":1}}""", 0 },
        { ErrorCodes.CheckpointNotJson, """{"\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1 },
        { ErrorCodes.CheckpointDuplicateName, """{"__metadata__":{"a":"1","a":"2"}}""", 0 },
        { ErrorCodes.CheckpointDuplicateName, """{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"w":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2 },
        { ErrorCodes.CheckpointDuplicateName, """{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0077":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2 },
        { ErrorCodes.CheckpointDuplicateName, """{"w":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1 },
        { ErrorCodes.CheckpointEntryInvalid, """{"w":1}""", 0 },
        { ErrorCodes.CheckpointEntryInvalid, """{"w":{"dtype":"F33","shape":[1],"data_offsets":[0,1]}}""", 1 },
        { ErrorCodes.CheckpointEntryInvalid, """{"w":{"dtype":3,"shape":[1],"data_offsets":[0,1]}}""", 1 },
        { ErrorCodes.CheckpointEntryInvalid, """{"w":{"shape":[1],"data_offsets":[0,1]}}""", 1 },
        { ErrorCodes.CheckpointEntryInvalid, """{"w":{"dtype":"U8","data_offsets":[0,1]}}""", 1 },
        { ErrorCodes.CheckpointEntryInvalid, """{"w":{"dtype":"U8","shape":[1]}}""", 1 },
        { ErrorCodes.CheckpointEntryInvalid, """{"w":{"dtype":"U8","shape":[1],"data_offsets":[0]}}""", 1 },
        { ErrorCodes.CheckpointEntryInvalid, """{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}""", 1 },
        { ErrorCodes.CheckpointEntryInvalid, """{"w":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}""", 1 },
        { ErrorCodes.CheckpointEntryInvalid, """{"w":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}}""", 0 },
        { ErrorCodes.CheckpointEntryInvalid, """{"w":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}""", 1 },
        { ErrorCodes.CheckpointEntryInvalid, """{"w":{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}}""", 1 },
        { ErrorCodes.CheckpointEntryInvalid, """{"w":{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}}""", 1 },
        { ErrorCodes.CheckpointEntryInvalid, """{"w":{"dtype":"U8","shape":1,"data_offsets":[0,1]}}""", 1 },
        { ErrorCodes.CheckpointEntryInvalid, """{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,18446744073709551615]}}""", 1 },
        { ErrorCodes.CheckpointOffsetsInvalid, """{"w":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2 },
        { ErrorCodes.CheckpointOffsetsInvalid, """{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"v":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1 },
        { ErrorCodes.CheckpointOffsetsInvalid, """{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"v":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}""", 3 },
        { ErrorCodes.CheckpointOffsetsInvalid, """{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"v":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}""", 3 },
        { ErrorCodes.CheckpointOffsetsInvalid, """{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"v":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}""", 1 },
        { ErrorCodes.CheckpointSizeOverflow, """{"w":{"dtype":"U8","shape":[4294967296,4294967296,2],"data_offsets":[0,0]}}""", 0 },
        { ErrorCodes.CheckpointSizeOverflow, """{"w":{"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,0]}}""", 0 },
        { ErrorCodes.CheckpointSizeMismatch, """{"w":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}""", 2 },
        { ErrorCodes.CheckpointSizeMismatch, """{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4 },
        { ErrorCodes.CheckpointSizeMismatch, """{"w":{"dtype":"F32","shape":[0],"data_offsets":[0,4]}}""", 4 },
        { ErrorCodes.CheckpointLengthMismatch, """{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 2 },
        { ErrorCodes.CheckpointLengthMismatch, """{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", 1 },
        { ErrorCodes.CheckpointLengthMismatch, "{}", 1 },
    };

    [Theory]
    [MemberData(nameof(MalformedHeaders))]
    public void A_malformed_header_is_refused_with_its_own_code(string code, string header, int dataBytes)
    {
        string path = _folder.Write("bad.safetensors", SafetensorsBytes.Of(header, dataBytes));
        var error = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path));
        Assert.Equal(code, error.Code);
        Assert.StartsWith(path + ": ", error.Message, StringComparison.Ordinal);
        if (error.Tensor is { } tensor)
        {
            Assert.Contains($"'{tensor}'", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_header_that_is_too_long_truncated_or_not_text_is_refused()
    {
        AssertRefused(ErrorCodes.CheckpointHeaderTruncated, []);
        AssertRefused(ErrorCodes.CheckpointHeaderTruncated, [2, 0, 0, 0, 0, 0, 0]);
        AssertRefused(ErrorCodes.CheckpointHeaderTruncated, [3, 0, 0, 0, 0, 0, 0, 0, (byte)'{', (byte)'}']);
        AssertRefused(ErrorCodes.CheckpointHeaderTooLarge, [255, 255, 255, 255, 255, 255, 255, 255, (byte)'{', (byte)'}']);
        byte[] oneTooMany = new byte[10];
        BinaryPrimitives.WriteUInt64LittleEndian(oneTooMany, 100_000_001);
        AssertRefused(ErrorCodes.CheckpointHeaderTooLarge, oneTooMany);
        AssertRefused(ErrorCodes.CheckpointNotJson, SafetensorsBytes.Of([(byte)'{', (byte)'"', 0xff, (byte)'"', (byte)'}']));
        AssertRefused(ErrorCodes.CheckpointNotJson, SafetensorsBytes.Of("{\"w\":{\"x\":" + new string('[', 10_000)));
    }

    [Fact]
    public void A_missing_file_or_a_folder_is_a_typed_error()
    {
        Assert.Equal(ErrorCodes.CheckpointFileUnreadable, Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(_folder["none"])).Code);
        Assert.Equal(ErrorCodes.CheckpointFileUnreadable, Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(_folder.Path)).Code);
    }

    [Fact]
    public void A_closed_file_and_a_foreign_entry_are_refused()
    {
        var file = SafetensorsFile.Open(_folder.Write("a.safetensors", SafetensorsBytes.Of("""{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1)));
        var entry = file.Entries["w"];
        Assert.Throws<ArgumentException>(() => file.Bytes(entry with { End = 2 }).Length);
        var missing = Assert.Throws<CheckpointException>(() => file.Require("v"));
        Assert.Equal((ErrorCodes.CheckpointTensorMissing, "v"), (missing.Code, missing.Tensor));
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Bytes(entry).Length);
    }

    [Fact]
    public void Ten_thousand_damaged_headers_give_a_typed_error_or_a_consistent_file()
    {
        byte[] valid = SafetensorsBytes.Of(
            """{"__metadata__":{"format":"pt"},"model.embed.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[5],"data_offsets":[24,34]},"s":{"dtype":"I64","shape":[],"data_offsets":[34,42]}}""", 42);
        int headerEnd = valid.Length - 42;
        var random = new Random(20240607);
        byte[][] inserts = [.. new[] { "{", "}", "[", "]", ",", ":", "\"", "\\", "-", "0", "9", "1e9", "null", "18446744073709551615", "\ud83d\ude00", "\0", "\\ud800", "{\"a\":" }
            .Select(Encoding.UTF8.GetBytes)];
        int refused = 0, accepted = 0;

        for (int i = 0; i < 10_000; i++)
        {
            var bytes = valid.ToList();
            for (int change = random.Next(1, 4); change > 0 && bytes.Count > 0; change--)
            {
                int at = random.Next(0, Math.Min(headerEnd, bytes.Count));
                switch (random.Next(6))
                {
                    case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                    case 1: bytes[at] = (byte)random.Next(256); break;
                    case 2: bytes.RemoveRange(at, Math.Min(random.Next(1, 9), bytes.Count - at)); break;
                    case 3: bytes.InsertRange(at, inserts[random.Next(inserts.Length)]); break;
                    case 4: bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 60), bytes.Count - at))); break;
                    default: bytes.RemoveRange(at, bytes.Count - at); break;
                }
            }

            // Half of them keep a true length field, so that the damage reaches the JSON.
            if (random.Next(2) == 0 && bytes.Count > 8 + 42)
            {
                byte[] length = BitConverter.GetBytes((long)bytes.Count - 8 - 42);
                for (int b = 0; b < 8; b++)
                {
                    bytes[b] = length[b];
                }
            }

            byte[] file = [.. bytes];
            try
            {
                int length = SafetensorsHeader.ReadLength(file.AsSpan(0, Math.Min(8, file.Length)), file.Length, "fuzz");
                var header = SafetensorsHeader.Parse(file.AsSpan(8, length), file.Length, "fuzz");
                Assert.Equal(file.Length - 8 - length, header.Entries.Values.Sum(entry => entry.ByteLength));
                Assert.All(header.Entries.Values, entry => Assert.Equal(entry.ByteLength, entry.DType.ByteLength(entry.Shape)));
                accepted++;
            }
            catch (CheckpointException e)
            {
                Assert.StartsWith("HN11", e.Code, StringComparison.Ordinal);
                refused++;
            }
        }

        // Changing a letter of a name leaves a valid file; most other damage must be noticed.
        Assert.True(refused > 8_000 && accepted > 100, $"{refused} refused, {accepted} accepted");
    }

    [Fact]
    [Trait("tier", "slow")]
    public void A_million_tensors_open_within_seconds()
    {
        var header = new StringBuilder("{");
        for (int i = 0; i < 1_000_000; i++)
        {
            header.Append($"\"t{i}\":{{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[{i},{i + 1}]}},");
        }

        header[^1] = '}';
        byte[] json = Encoding.UTF8.GetBytes(header.ToString());
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var parsed = SafetensorsHeader.Parse(json, 8 + json.Length + 1_000_000, "many");
        Assert.Equal(1_000_000, parsed.Entries.Count);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"took {watch.Elapsed}");
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Every_real_file_opens()
    {
        int files = 0;
        foreach (string folder in new[] { SharedFolder.Require("data"), SharedFolder.Require("golden") })
        {
            foreach (string path in Directory.EnumerateFiles(folder, "*.safetensors", SearchOption.AllDirectories))
            {
                using var file = SafetensorsFile.Open(path);
                Assert.NotEmpty(file.Entries);
                files++;
            }
        }

        Assert.True(files > 500, $"only {files} files");
    }

    private void AssertRefused(string code, byte[] bytes)
    {
        string path = _folder.Write("bad.safetensors", bytes);
        Assert.Equal(code, Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path)).Code);
    }
}
