using System.Text.Json;

namespace Hieno.Cli.Tests.Commands;

public sealed class InspectCommandTests(TinyProject project) : IClassFixture<TinyProject>
{
    // Tables: 120·16 + 32·16 + 2·16 + 2·16. A block: 4·(16·16 + 16) + 2·(2·16) + 2·16·32 + 32 + 16 = 2,224. Vocabulary head: 16·16 + 16 + 2·16 + 120.
    private const long BertWeights = 2_496 + (2 * 2_224) + 424;

    [Fact]
    public async Task Weights_of_a_configuration_are_listed_and_counted()
    {
        CliRun run = await CliRun.Of("inspect", project.Path("bert"));

        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Contains("bert, 2 blocks of width 16, 120 tokens, at most 32 positions", run.Output, StringComparison.Ordinal);
        Assert.Contains("they would start at random", run.Output, StringComparison.Ordinal);
        Assert.Matches(@"bert\.encoder\.layer\.\*\.intermediate\.dense\.weight +\[32, 16\]  F32 +512 +2 KiB +× 2\n", run.Output);
        Assert.Matches($@"\nall +{BertWeights:N0} ", run.Output);
    }

    [Fact]
    public async Task A_recipe_tells_what_its_method_would_train()
    {
        CliRun run = await CliRun.Of("inspect", project.Path("bert"), "--recipe", project.Recipe("{ kind: lora, rank: 2, targets: [query, value] }"));

        // Four layers of 16·2 + 2·16 weights. The head learns too: every weight of a random start is new, so all of the head's modules are saved.
        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Matches(@"\nadapter on attention +256 +1 KiB +256\n", run.Output);
        Assert.Matches(@"\nattention +2,176 +8\.5 KiB +0\n", run.Output);
    }

    // 10 tokens of width 16, a multiply-add as two, an offset or a sum as one, a norm as 8 and a GELU as 20 for each number.
    [Fact]
    public async Task The_operations_of_a_step_are_counted()
    {
        CliRun full = await CliRun.Of("inspect", project.Path("bert"), "--tokens", "10", "--json");
        CliRun head = await CliRun.Of("inspect", project.Path("bert"), "--recipe", project.Recipe("{ kind: head }"), "--tokens", "10");
        CliRun wrong = await CliRun.Of("inspect", project.Path("bert"), "--tokens", "100");

        using JsonDocument json = JsonDocument.Parse(full.Output);
        JsonElement flops = json.RootElement.GetProperty("flops");
        Assert.Equal(2 * 10 * 16 * 32, flops.GetProperty("weightGradients").GetProperty("bert.encoder.layer.1.intermediate.dense.weight").GetInt64());
        Assert.Equal(10 * 32, flops.GetProperty("weightGradients").GetProperty("bert.encoder.layer.1.intermediate.dense.bias").GetInt64());
        const long Square = (2 * 10 * 16 * 16) + (10 * 16);
        const long Inner = (2 * 2 * 10 * 16 * 32) + (10 * (32 + 16)) + (20 * 10 * 32);
        const long Block = (4 * Square) + (4 * 10 * 10 * 16) + Inner + (2 * 8 * 10 * 16) + (2 * 10 * 16);
        const long Embedding = (2 * 10 * 16) + (8 * 10 * 16);
        const long Head = Square + (20 * 10 * 16) + (8 * 10 * 16) + (10 * ((2 * 16 * 120) + 120));
        Assert.Equal(Embedding + (2 * Block) + Head, flops.GetProperty("forward").GetInt64());

        Assert.Equal((ExitCode.Done, ExitCode.Usage), (head.Code, wrong.Code));
        Assert.Matches(@"\nAttention +2 +[\d.]+ K +0\n", head.Output);
        Assert.Contains("Give 1 to 32", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_lists_every_weight_with_its_shape()
    {
        CliRun run = await CliRun.Of("inspect", project.Path("gpt2"), "--json");

        using JsonDocument json = JsonDocument.Parse(run.Output);
        JsonElement[] tensors = [.. json.RootElement.GetProperty("tensors").EnumerateArray()];
        long weights = tensors.Sum(tensor => tensor.GetProperty("shape").EnumerateArray().Aggregate(1L, (product, extent) => product * extent.GetInt64()));
        Assert.Equal(json.RootElement.GetProperty("weights").GetInt64(), weights);
        Assert.Contains(tensors, tensor => tensor.GetProperty("name").GetString() == "transformer.h.1.attn.c_attn.weight");
    }

    [Fact]
    public async Task A_model_without_a_tokenizer_and_a_tuned_run_can_be_inspected()
    {
        Directory.CreateDirectory(project.Path("bare"));
        File.Copy(project.Path("gpt2/config.json"), project.Path("bare/config.json"));
        await CliRun.Of("train", project.Recipe(), "--quiet", "--output", project.Path("inspected"));

        CliRun bare = await CliRun.Of("inspect", project.Path("bare"));
        CliRun tuned = await CliRun.Of("inspect", project.Path("inspected"), "--all");
        CliRun nothing = await CliRun.Of("inspect", project.Path("nowhere"));

        Assert.Equal((ExitCode.Done, ExitCode.Done, ExitCode.Failed), (bare.Code, tuned.Code, nothing.Code));
        Assert.Matches(@"\nclassifier\.weight +\[2, 16\] ", tuned.Output);
        Assert.Contains("bert.encoder.layer.1.attention.self.query.weight", tuned.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("at random", tuned.Output, StringComparison.Ordinal);
        Assert.Matches("^error HN11", nothing.Error);
    }

    [Fact]
    public async Task Two_models_are_compared_by_half_block_and_component()
    {
        await CliRun.Of("train", project.Recipe(), "--quiet", "--output", project.Path("compared"));

        CliRun moved = await CliRun.Of("inspect", project.Path("bert"), "--against", project.Path("compared"));
        CliRun same = await CliRun.Of("inspect", project.Path("compared"), "--against", project.Path("compared"), "--json");

        Assert.Equal((ExitCode.Done, ExitCode.Done), (moved.Code, same.Code));
        Assert.Matches(@"\nattention\.1 +1,088 +\d\.\d{4} ", moved.Output);
        Assert.Matches(@"\nbert\.encoder\.layer\.\*\.output\.LayerNorm\.weight +32 ", moved.Output);
        using JsonDocument json = JsonDocument.Parse(same.Output);
        Assert.All(json.RootElement.GetProperty("units").EnumerateArray(), unit => Assert.Equal(0, unit.GetProperty("angle").GetDouble()));
    }
}
