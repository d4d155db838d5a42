using Hieno.Formats;
using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class AdapterFoldersTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Each_adapter_lies_in_a_folder_of_its_own_that_opens_alone()
    {
        TunedModel tuned = new SeveralOptions { Methods = [new LoRAOptions { Rank = 2 }, new IA3Options { Targets = ["k_proj"] }] }.Create().Apply(TinyTuning.Language("llama"), seed: 1);
        AdapterFolders.Save(tuned.Adapters, _folder.Path, "base");
        Assert.Equal([_folder.PathOf("lora"), _folder.PathOf("ia3")], AdapterFolders.Of(_folder.Path));
        Assert.True(AdapterFolders.Exists(_folder.Path));
        Assert.False(PeftFolder.Exists(_folder.Path));
        Adapter alone = PeftFolder.Load(TinyTuning.Language("llama"), _folder.PathOf("ia3"));
        Assert.IsType<IA3Options>(alone.Options);
    }

    [Theory]
    [InlineData("""{ "adapters": ["../lora"] }""")]
    [InlineData("""{ "adapters": ["lora", "lora"] }""")]
    [InlineData("""{ "adapters": [] }""")]
    [InlineData("{}")]
    public void A_list_that_names_no_folders_beside_it_is_refused(string list)
    {
        File.WriteAllText(_folder.PathOf(AdapterFolders.FileName), list);
        var error = Assert.Throws<CheckpointException>(() => AdapterFolders.Of(_folder.Path));
        Assert.Contains("is not a list of different folder names", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_that_does_not_fit_leaves_nothing_behind()
    {
        TunedModel tuned = new SeveralOptions { Methods = [new IA3Options { Targets = ["k_proj"] }, new LoRAOptions { Rank = 2 }] }.Create().Apply(TinyTuning.Language("llama"), seed: 1);
        AdapterFolders.Save(tuned.Adapters, _folder.Path, "base");
        File.Delete(Path.Combine(_folder.PathOf("lora"), "adapter_model.safetensors"));
        TextModel model = TinyTuning.Language("llama");
        Assert.ThrowsAny<HienoException>(() => AdapterFolders.Load(model, _folder.Path));
        Assert.Empty(model.AttachedParts());
    }
}
