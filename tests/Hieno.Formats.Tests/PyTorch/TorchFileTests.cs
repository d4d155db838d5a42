using System.IO.Compression;
using System.Runtime.InteropServices;
using Hieno.Formats.PyTorch;
using Hieno.Formats.Safetensors;
using Hieno.Tests.Shared;

namespace Hieno.Formats.Tests.PyTorch;

public sealed class TorchFileTests : IDisposable
{
    private const int Damaged = 1000; // 10,000 of each form were run once

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Forms => ["zip", "legacy"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_file_that_PyTorch_wrote_gives_its_tensors_types_and_numbers(string form)
    {
        using TorchFile file = TorchFile.Open(_folder.Write("w.pt", form == "zip" ? TorchSamples.Zip : TorchSamples.Legacy));
        Assert.Equal(["a", "t", "row", "b", "h", "d", "n", "e", "p"], file.Entries.Keys);
        Assert.Equal("a: F32 [3, 4]", file.Entries["a"].ToString());
        Assert.Equal(Enumerable.Range(0, 12).Select(i => (float)i), Floats(file, "a"));
        Assert.Equal([4, 3], file.Entries["t"].Shape);
        Assert.Equal([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11], Floats(file, "t"));
        Assert.Equal([4, 5, 6, 7], Floats(file, "row"));
        Assert.Equal("b: BF16 [2]", file.Entries["b"].ToString());
        Assert.Equal([0xC0, 0x3F, 0x00, 0xC0], file.Bytes(file.Entries["b"]).ToArray());
        Assert.Equal((Half)0.5, MemoryMarshal.Read<Half>(file.Bytes(file.Require("h"))));
        Assert.Equal(3.25, MemoryMarshal.Read<double>(file.Bytes(file.Require("d"))));
        Assert.Equal((SafetensorsDType.I64, 0), (file.Entries["n"].DType, file.Entries["n"].Shape.Length));
        Assert.Equal(7L, MemoryMarshal.Read<long>(file.Bytes(file.Require("n"))));
        Assert.Equal(0, file.Entries["e"].ByteLength);
        Assert.Equal([1, 1], Floats(file, "p"));

        byte[] part = new byte[8];
        file.Read(file.Entries["t"], 4, part);
        Assert.Equal([4, 8], MemoryMarshal.Cast<byte, float>(part).ToArray());
        file.Read(file.Entries["row"], 8, part);
        Assert.Equal([6, 7], MemoryMarshal.Cast<byte, float>(part).ToArray());
    }

    [Fact]
    public void A_folder_with_pytorch_model_bin_is_opened_like_any_other_and_safetensors_win()
    {
        _folder.Write("pytorch_model.bin", TorchSamples.Zip);
        using (var files = CheckpointFiles.Open(_folder.Path))
        {
            Assert.IsType<TorchFile>(Assert.Single(files.Files));
            Assert.Equal(48, files.Bytes(files.Require("a")).Length);
        }

        CheckpointFiles.Write(_folder.Path, [SafetensorsItem.FromBytes("s", SafetensorsDType.U8, [1], new byte[1])]);
        using var both = CheckpointFiles.Open(_folder.Path);
        Assert.Equal(["s"], both.Entries.Keys);
    }

    [Fact]
    public void Shards_and_their_index_are_opened_as_one()
    {
        _folder.Write("pytorch_model-00001-of-00002.bin", TorchSamples.Zip);
        _folder.Write("pytorch_model-00002-of-00002.bin", PickleBytes.Tensor(4, 0, [2, 2], [2, 1]).Zip());
        _folder.Write("pytorch_model.bin.index.json", """{"weight_map":{"a":"pytorch_model-00001-of-00002.bin","w":"pytorch_model-00002-of-00002.bin"}}"""u8.ToArray());
        using var files = CheckpointFiles.Open(_folder.Path);
        Assert.Equal(["a", "w"], files.Entries.Keys);
        Assert.Equal(16, files.Bytes(files.Require("w")).Length);
    }

    [Theory]
    [InlineData("state_dict", "module.w", "w")]
    [InlineData("model", "w", "w")]
    [InlineData("model_state_dict", "model.w", "model.w")]
    public void The_tensors_may_lie_in_a_dictionary_inside_and_begin_with_module(string wrapper, string name, string expected)
    {
        byte[] inner = PickleBytes.Tensor(4, 0, [4], [1]).ToArray()[2..^1]; // without protocol and end
        byte[] renamed = [.. inner.Take(2), (byte)name.Length, 0, 0, 0, .. System.Text.Encoding.ASCII.GetBytes(name), .. inner.Skip(7)];
        byte[] file = new PickleBytes().Op("}").Text("epoch").Int(3).Op("s").Text(wrapper).Raw(renamed).Op("s.").Zip();
        using TorchFile opened = TorchFile.Open(_folder.Write("c.th", file));
        Assert.Equal([expected], opened.Entries.Keys);
    }

    [Theory]
    [InlineData("os", "system")]
    [InlineData("posix", "system")]
    [InlineData("nt", "system")]
    [InlineData("subprocess", "Popen")]
    [InlineData("builtins", "eval")]
    [InlineData("builtins", "exec")]
    [InlineData("builtins", "getattr")]
    [InlineData("__builtin__", "eval")]
    [InlineData("torch", "load")]
    [InlineData("torch.hub", "load")]
    [InlineData("numpy.core.multiarray", "_reconstruct")]
    public void Names_that_have_no_place_among_weights_are_refused_and_named(string module, string name)
    {
        byte[] file = new PickleBytes().Global(module, name).Text("echo").Raw(0x85).Op("R.").Zip();
        var error = Assert.Throws<CheckpointException>(() => TorchFile.Open(_folder.Write("evil.pt", file)));
        Assert.Equal(ErrorCodes.CheckpointPickleUnsafe, error.Code);
        Assert.Contains($"at byte 2, it names {module}.{name}", error.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing of it was run", error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, byte[], string> Unsafe => new()
    {
        { "STACK_GLOBAL", [0x93], "opcode 0x93" },
        { "INST", "(ios\nsystem\n"u8.ToArray(), "opcode 0x69" },
        { "OBJ", "(o"u8.ToArray(), "opcode 0x6f" },
        { "NEWOBJ_EX", [0x92], "opcode 0x92" },
        { "EXT1", [0x82, 1], "opcode 0x82" },
        { "PERSID", "Pfile\n"u8.ToArray(), "opcode 0x50" },
        { "BUILD of a tuple", ")}b"u8.ToArray(), "gives a state to an object" },
        { "a call of a type", [.. "ctorch\nFloatStorage\n)R"u8], "calls torch.FloatStorage" },
        { "a call of a text", [.. "U\u0001x)R"u8], "called that is not a name" },
        { "an object of a function", [.. "ctorch._utils\n_rebuild_tensor_v2\n)"u8, 0x81], "makes an object of torch._utils._rebuild_tensor_v2" },
    };

    [Theory]
    [MemberData(nameof(Unsafe))]
    public void Opcodes_that_weights_do_not_need_are_refused(string what, byte[] opcodes, string fact)
    {
        byte[] file = new PickleBytes().Raw(opcodes).Op(".").Zip();
        var error = Assert.Throws<CheckpointException>(() => TorchFile.Open(_folder.Write("evil.pt", file)));
        Assert.True(error.Code == ErrorCodes.CheckpointPickleUnsafe, what);
        Assert.Contains(fact, error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<byte[], string> Lies => new()
    {
        { PickleBytes.Tensor(4, 0, [5], [1]).Zip(), "shape [5]" },
        { PickleBytes.Tensor(4, 1, [4], [1]).Zip(), "from element 1" },
        { PickleBytes.Tensor(4, 0, [2, 2], [3, 1]).Zip(), "strides [3, 1]" },
        { PickleBytes.Tensor(4, 0, [1000, 1000], [0, 0]).Zip(), "shape [1000, 1000]" }, // one number, a million times
        { PickleBytes.Tensor(4, 0, [2147483647, 2147483647, 2147483647], [1, 1, 1]).Zip(), "does not lie in its storage" },
        { PickleBytes.Tensor(4, -1, [1], [1]).Zip(), "none may be negative" },
        { PickleBytes.Tensor(4, 0, [-4], [1]).Zip(), "none may be negative" },
        { PickleBytes.Tensor(4, 0, [4], [-1]).Zip(), "none may be negative" },
        { PickleBytes.Tensor(4, 0, [4], [1, 1]).Zip(), "something else than storage, offset, shape and strides" },
        { PickleBytes.Tensor(4, 0, [4], [1]).Zip(storageBytes: 12), "has 12 bytes, and 16 in the pickle" },
        { PickleBytes.Tensor(1 << 30, 0, [4], [1]).Zip(), "is larger than the file" },
        { PickleBytes.Tensor(4, 0, [4], [1]).Zip(compression: CompressionLevel.Optimal), "is compressed" },
        { PickleBytes.Tensor(4, 0, [4], [1]).Zip(more: ("code/__torch__.py", [1])), "holds a program (TorchScript)" },
        { PickleBytes.Tensor(4, 0, [4], [1]).Zip(more: ("byteorder", "big"u8.ToArray())), "big-endian" },
        { new PickleBytes().Op("}.").Zip(), "no tensors under their names, but nothing" },
        { new PickleBytes().Op("}").Text("epoch").Int(3).Op("s.").Zip(), "no tensors under their names, but epoch" },
        { new PickleBytes().Op("].").Zip(), "no dictionary of tensors" },
        { new PickleBytes().Op("}}.").Zip(), "it ends with 2 values" },
        { new PickleBytes().Op(".").Zip(), "a value is missing" },
        { new PickleBytes().Op("h").Raw(9).Op(".").Zip(), "the value 9 is used before it is there" },
        { new PickleBytes().Op("X").Raw(255, 255, 255, 127).Op(".").Zip(), "it ends early" },
        { new PickleBytes().Raw(0x80, 4).Op(".").Zip(), "its protocol is 4" },
        { new PickleBytes().Op("t.").Zip(), "a mark is missing" },
        { new PickleBytes().Op("(s.").Zip(), "a value is missing" },
        { new PickleBytes().Op("]N}s.").Zip(), "what is no dictionary" },
        { new PickleBytes().Op("}Na.").Zip(), "what is no list" },
    };

    [Theory]
    [MemberData(nameof(Lies))]
    public void Files_that_lie_about_sizes_or_are_malformed_are_refused(byte[] file, string fact)
    {
        var error = Assert.Throws<CheckpointException>(() => TorchFile.Open(_folder.Write("bad.pt", file)));
        Assert.Contains(error.Code, new[] { ErrorCodes.CheckpointPickleInvalid, ErrorCodes.CheckpointPickleUnsafe });
        Assert.Contains(fact, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Every_truncation_is_refused(string form)
    {
        byte[] whole = form == "zip" ? TorchSamples.Zip : TorchSamples.Legacy;
        for (int length = 0; length < whole.Length; length++)
        {
            Assert.Throws<CheckpointException>(() => TorchFile.Open(_folder.Write("cut.pt", whole[..length])).Dispose());
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Damaged_files_are_read_or_refused_but_never_crash(string form)
    {
        byte[] whole = form == "zip" ? TorchSamples.Zip : TorchSamples.Legacy;
        var random = new Random(11);
        int refused = 0;
        for (int i = 0; i < Damaged; i++)
        {
            byte[] damaged = [.. whole];
            for (int change = random.Next(1, 6); change > 0; change--)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            try
            {
                using TorchFile file = TorchFile.Open(_folder.Write("fuzz.pt", damaged));
                foreach (SafetensorsEntry entry in file.Entries.Values)
                {
                    file.Bytes(entry).ToArray();
                }
            }
            catch (CheckpointException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, Damaged / 2, Damaged - 1);
    }

    [SkippableTheory]
    [Trait("tier", "checkpoint")]
    [InlineData("data/resnet-cifar10/resnet20-12fca82f")]
    [InlineData("data/resnet-cifar10/resnet56-4bfd9763")]
    public void Published_weights_have_the_bytes_of_their_safetensors_twin(string path)
    {
        using TorchFile torch = TorchFile.Open(SharedFolder.Require($"{path}.th"));
        using SafetensorsFile twin = SafetensorsFile.Open(SharedFolder.Require($"{path}.safetensors"));
        string[] shared = [.. torch.Entries.Keys.Intersect(twin.Entries.Keys.Select(name => name.Replace("module.", string.Empty, StringComparison.Ordinal)), StringComparer.Ordinal)];
        Assert.True(shared.Length > 60, $"{shared.Length} names in common of {torch.Entries.Count} and {twin.Entries.Count}");
        foreach (SafetensorsEntry entry in twin.Entries.Values)
        {
            SafetensorsEntry mine = torch.Require(entry.Name.Replace("module.", string.Empty, StringComparison.Ordinal));
            Assert.Equal(entry.Shape, mine.Shape);
            Assert.True(twin.Bytes(entry).SequenceEqual(torch.Bytes(mine)), entry.Name);
        }
    }

    [SkippableTheory]
    [Trait("tier", "checkpoint")]
    [InlineData("data/peft-adapters/roberta_base_lora_mnli.bin", 52)]
    [InlineData("data/mnist/cnn/mnist.pt", 0)]
    [InlineData("data/mnist/vit/vit_mnist.pth", 0)]
    public void Other_files_that_people_publish_are_opened(string path, int tensors)
    {
        using TorchFile file = TorchFile.Open(SharedFolder.Require(path));
        Assert.True(tensors == 0 ? file.Entries.Count > 5 : file.Entries.Count == tensors, $"{file.Entries.Count} tensors");
        Assert.All(file.Entries.Values.Where(entry => entry.DType == SafetensorsDType.F32), entry =>
            Assert.All(MemoryMarshal.Cast<byte, float>(file.Bytes(entry)).ToArray(), number => Assert.True(float.IsFinite(number))));
    }

    private static float[] Floats(TorchFile file, string name) => MemoryMarshal.Cast<byte, float>(file.Bytes(file.Require(name))).ToArray();
}
