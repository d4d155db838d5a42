using Hieno.Tests.Shared;

namespace Hieno.Formats.Tests;

public sealed class ModelConfigTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Values_are_read_with_their_types_and_null_counts_as_missing()
    {
        var config = Read("""{"model_type":"llama","n":3,"eps":1e-05,"tie":true,"none":null,"list":[1,2],"names":["a"],"rope":{"type":"linear","factor":2}}""");
        Assert.Equal(("llama", 3, 1e-5, true), (config.ModelType, config.GetInt("n"), config.GetDouble("eps"), config.GetBool("tie")));
        Assert.Equal((7, 0.5, 1e-5f, false, "x"), (config.GetInt("none", 7), config.GetDouble("absent", 0.5), config.GetFloat("eps", 0), config.GetBool("absent", false), config.GetString("absent", "x")));
        Assert.Equal([1, 2], config.GetInts("list")!);
        Assert.Equal([1.0, 2.0], config.GetDoubles("list")!);
        Assert.Equal(["a"], config.GetStrings("names")!);
        Assert.Equal(2.0, config.GetSection("rope")!.GetDouble("factor"));
        Assert.Null(config.GetSection("none"));
        Assert.False(config.Has("none"));
    }

    [Fact]
    public void Errors_name_the_file_the_key_and_the_value()
    {
        var config = Read("""{"n":"3","f":1.5,"big":3000000000,"inf":1e999,"rope":{"factor":"x"},"list":[1,"a"]}""");
        AssertError(ErrorCodes.CheckpointConfigKeyMissing, "config.json: there is no 'hidden_size'.", () => config.GetInt("hidden_size"));
        AssertError(ErrorCodes.CheckpointConfigKeyInvalid, "'n' is \"3\", expected a whole number", () => config.GetInt("n", 1));
        AssertError(ErrorCodes.CheckpointConfigKeyInvalid, "'f' is 1.5", () => config.GetInt("f"));
        AssertError(ErrorCodes.CheckpointConfigKeyInvalid, "'big' is 3000000000", () => config.GetInt("big"));
        AssertError(ErrorCodes.CheckpointConfigKeyInvalid, "'inf' is 1e999", () => config.GetDouble("inf"));
        AssertError(ErrorCodes.CheckpointConfigKeyInvalid, "'rope.factor' is \"x\"", () => config.GetSection("rope")!.GetDouble("factor"));
        AssertError(ErrorCodes.CheckpointConfigKeyInvalid, "'list[1]' is \"a\"", () => config.GetInts("list"));
        AssertError(ErrorCodes.CheckpointConfigKeyInvalid, "'list' is", () => config.GetBool("list"));
        AssertError(ErrorCodes.CheckpointConfigKeyInvalid, "'n' is", () => config.GetSection("n"));
    }

    [Theory]
    [InlineData(null, ErrorCodes.CheckpointFileUnreadable)]
    [InlineData("", ErrorCodes.CheckpointNotJson)]
    [InlineData("[1]", ErrorCodes.CheckpointNotJson)]
    [InlineData("{\"a\":1,\"a\":2}", ErrorCodes.CheckpointNotJson)]
    [InlineData("{\"a\":\"\\udc00\"}", ErrorCodes.CheckpointNotJson)]
    public void A_file_that_is_absent_or_no_object_is_refused(string? text, string code)
    {
        if (text is not null)
        {
            _folder.Write("config.json", text);
        }

        Assert.Equal(code, Assert.Throws<CheckpointException>(() => ModelConfig.Read(_folder.Path)).Code);
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Every_real_configuration_is_read()
    {
        string[] files = Directory.GetFiles(SharedFolder.Require("golden"), "config.json", SearchOption.AllDirectories);
        Assert.True(files.Length > 50);
        foreach (string path in files)
        {
            ModelConfig.Read(path);
        }
    }

    private ModelConfig Read(string json) => ModelConfig.Read(Path.GetDirectoryName(_folder.Write("config.json", json))!);

    private static void AssertError(string code, string part, Action read)
    {
        var error = Assert.Throws<CheckpointException>(read);
        Assert.Equal(code, error.Code);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }
}
