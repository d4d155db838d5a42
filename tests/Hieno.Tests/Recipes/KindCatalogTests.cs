using Hieno.Recipes;

namespace Hieno.Tests.Recipes;

public class KindCatalogTests
{
    [Fact]
    public void Kinds_are_listed_in_the_order_they_were_added() =>
        Assert.Equal(["full", "lora"], TestCatalog.Create().KindsOf(typeof(TuningGroup)).Select(k => k.Key));

    [Fact]
    public void A_kind_and_its_record_find_each_other()
    {
        var catalog = TestCatalog.Create();

        Assert.Equal(typeof(LoraGroup), catalog.Find(typeof(TuningGroup), "lora"));
        Assert.Null(catalog.Find(typeof(TuningGroup), "Lora"));
        Assert.Equal("lora", catalog.KindOf(typeof(TuningGroup), typeof(LoraGroup)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("LoRA")]
    [InlineData("a_b")]
    [InlineData("-a")]
    public void A_malformed_name_is_refused(string name) => Assert.Throws<ArgumentException>(() => new KindCatalog().Add<TuningGroup, LoraGroup>(name));

    [Fact]
    public void A_name_or_record_is_added_once()
    {
        var catalog = TestCatalog.Create();

        Assert.Throws<ArgumentException>(() => catalog.Add<TuningGroup, LoraGroup>("lora-two"));
        var e = Assert.Throws<ArgumentException>(() => catalog.Add<TuningGroup, Another>("lora"));
        Assert.Contains("TuningGroup has 'lora' for LoraGroup, so 'lora' for Another cannot be added.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_that_was_never_added_has_no_kind()
    {
        var e = Assert.Throws<InvalidOperationException>(() => TestCatalog.Create().KindOf(typeof(TuningGroup), typeof(Another)));

        Assert.Contains("catalog.Add<TuningGroup, Another>(\"name\")", e.Message, StringComparison.Ordinal);
    }

    private sealed record Another : TuningGroup;
}
