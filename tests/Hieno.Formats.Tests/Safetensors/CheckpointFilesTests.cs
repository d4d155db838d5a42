using System.Text.Json;
using Hieno.Formats.Safetensors;
using Hieno.Tests.Shared;

namespace Hieno.Formats.Tests.Safetensors;

public sealed class CheckpointFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_small_model_is_one_file()
    {
        Assert.Equal(["model.safetensors"], CheckpointFiles.Write(_folder.Path, Items(3)));
        using var files = CheckpointFiles.Open(_folder.Path);
        Assert.Equal(3, files.Entries.Count);
        Assert.Equal("pt", ((SafetensorsFile)files.Files[0]).Metadata["format"]);
        Assert.Equal([2, 2, 2, 2], files.Bytes(files.Require("t2")).ToArray());
    }

    [Fact]
    public void A_part_of_a_tensor_is_read_by_itself()
    {
        CheckpointFiles.Write(_folder.Path, [SafetensorsItem.FromBytes("w", SafetensorsDType.U8, [5], new byte[] { 1, 2, 3, 4, 5 })]);
        using var files = CheckpointFiles.Open(_folder.Path);
        SafetensorsEntry entry = files.Require("w");

        Assert.Equal([2, 3], files.Bytes(entry, 1, 2).ToArray());
        Assert.Equal(0, files.Bytes(entry, 5, 0).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => files.Bytes(entry, 4, 2).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => files.Bytes(entry, -1, 2).Length);
    }

    [Fact]
    public void A_large_model_is_split_and_read_as_one()
    {
        // 5 tensors of 4 bytes, at most 9 bytes a file: 2 + 2 + 1.
        var names = CheckpointFiles.Write(_folder.Path, Items(5), maxShardBytes: 9);
        Assert.Equal(["model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors", "model.safetensors.index.json"], names);
        using (var index = JsonDocument.Parse(File.ReadAllText(_folder["model.safetensors.index.json"])))
        {
            Assert.Equal(20, index.RootElement.GetProperty("metadata").GetProperty("total_size").GetInt64());
            Assert.Equal("model-00002-of-00003.safetensors", index.RootElement.GetProperty("weight_map").GetProperty("t2").GetString());
        }

        using var files = CheckpointFiles.Open(_folder.Path);
        Assert.Equal((5, 3), (files.Entries.Count, files.Files.Count));
        for (byte i = 0; i < 5; i++)
        {
            Assert.Equal([i, i, i, i], files.Bytes(files.Entries[$"t{i}"]).ToArray());
        }
    }

    [Fact]
    public void A_tensor_larger_than_a_shard_gets_its_own()
    {
        Assert.Equal(3, CheckpointFiles.Write(_folder.Path, Items(2), maxShardBytes: 1).Count);
        using var files = CheckpointFiles.Open(_folder.Path);
        Assert.Equal(2, files.Files.Count);
    }

    [Fact]
    public void Weights_of_an_earlier_save_do_not_hide_the_new_ones()
    {
        CheckpointFiles.Write(_folder.Path, Items(2));
        CheckpointFiles.Write(_folder.Path, Items(5), maxShardBytes: 4);
        using (var files = CheckpointFiles.Open(_folder.Path))
        {
            Assert.Equal(5, files.Entries.Count);
        }

        CheckpointFiles.Write(_folder.Path, Items(3));
        Assert.Equal(["model.safetensors"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void A_single_file_of_any_name_opens()
    {
        SafetensorsWriter.Write(_folder["adapter_model.safetensors"], Items(1));
        using var files = CheckpointFiles.Open(_folder["adapter_model.safetensors"]);
        Assert.Equal(["t0"], files.Entries.Keys);
    }

    [Theory]
    [InlineData("""{"weight_map":{"t0":"model-00009-of-00009.safetensors"}}""")]
    [InlineData("""{"weight_map":{"missing":"model-00001-of-00002.safetensors"}}""")]
    [InlineData("""{"weight_map":{"t0":"../model-00001-of-00002.safetensors"}}""")]
    [InlineData("""{"weight_map":{"t0":"/etc/passwd"}}""")]
    [InlineData("""{"weight_map":{"t0":"a\\b"}}""")]
    [InlineData("""{"weight_map":{"t0":".."}}""")]
    [InlineData("""{"weight_map":{"t0":""}}""")]
    [InlineData("""{"weight_map":{"t0":3}}""")]
    [InlineData("""{"weight_map":[]}""")]
    [InlineData("""{}""")]
    public void An_index_that_lies_is_refused(string index)
    {
        CheckpointFiles.Write(_folder.Path, Items(2), maxShardBytes: 4);
        _folder.Write("model.safetensors.index.json", index);
        Assert.Equal(ErrorCodes.CheckpointIndexInvalid, Assert.Throws<CheckpointException>(() => CheckpointFiles.Open(_folder.Path)).Code);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("""{"weight_map":{"a":"x","a":"y"}}""")]
    [InlineData("""{"weight_map":{"\ud800":"x"}}""")]
    public void An_index_that_is_no_json_object_is_refused(string index)
    {
        _folder.Write("model.safetensors.index.json", index);
        Assert.Equal(ErrorCodes.CheckpointNotJson, Assert.Throws<CheckpointException>(() => CheckpointFiles.Open(_folder.Path)).Code);
    }

    [Fact]
    public void A_folder_without_weights_says_what_was_looked_for()
    {
        var error = Assert.Throws<CheckpointException>(() => CheckpointFiles.Open(_folder.Path));
        Assert.Contains("model.safetensors.index.json", error.Message, StringComparison.Ordinal);
        Assert.Contains("pytorch_model.bin", error.Message, StringComparison.Ordinal);
        _folder.Write("pytorch_model.bin", "x");
        Assert.Contains("does not begin as files do that PyTorch's 'save' wrote", Assert.Throws<CheckpointException>(() => CheckpointFiles.Open(_folder.Path)).Message, StringComparison.Ordinal);
        Assert.Throws<CheckpointException>(() => CheckpointFiles.Open(_folder["absent"]));
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void A_real_model_keeps_every_byte_when_it_is_cut_into_shards()
    {
        using var whole = CheckpointFiles.Open(SharedFolder.Require("golden/bert"));
        CheckpointFiles.Write(_folder.Path, whole.Entries.Values.Select(entry => SafetensorsItem.FromFile(whole.Files[0], entry)), maxShardBytes: 20_000);
        using var shards = CheckpointFiles.Open(_folder.Path);
        Assert.True(shards.Files.Count > 2);
        Assert.Equal(whole.Entries.Count, shards.Entries.Count);
        foreach (var entry in whole.Entries.Values)
        {
            Assert.True(whole.Bytes(entry).SequenceEqual(shards.Bytes(shards.Require(entry.Name))), entry.Name);
        }
    }

    private static SafetensorsItem[] Items(int count) =>
        [.. Enumerable.Range(0, count).Select(i => SafetensorsItem.FromBytes($"t{i}", SafetensorsDType.U8, [4], new[] { (byte)i, (byte)i, (byte)i, (byte)i }))];
}
