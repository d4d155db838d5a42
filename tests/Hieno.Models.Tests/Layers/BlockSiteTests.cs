using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Tests.Layers;

public sealed class BlockSiteTests
{
    public static TheoryData<string> Families => ["bert", "gpt2", "llama", "mistral", "qwen2"];

    [Theory]
    [MemberData(nameof(Families))]
    public void Each_block_has_a_site_after_attention_after_its_layers_and_at_its_output(string family)
    {
        TextModel model = TinyModels.Create(family);
        BlockSite[] sites = [.. model.Modules().OfType<BlockSite>()];
        Assert.Equal([0, 0, 0, 1, 1, 1], sites.Select(site => site.Block));
        Assert.Equal(sites.Length, sites.Select(site => site.Path).Distinct().Count());
        Assert.All(sites.Chunk(3), block => Assert.Equal([BlockPlace.Attention, BlockPlace.FeedForward, BlockPlace.Output], block.Select(site => site.Where)));
        Assert.All(sites, site => Assert.Equal(16, site.Width));
        Assert.All(sites, site => Assert.Equal(family == "bert" && site.Where != BlockPlace.Output, site.NormAfter is not null));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_block_whose_parts_give_nothing_passes_the_stream_on(string family)
    {
        TextModel model = TinyModels.Create(family);
        var seen = new List<(BlockSite Site, Tensor Y, BlockPass Pass)>();
        foreach (BlockSite site in model.Modules().OfType<BlockSite>())
        {
            new Change(site, (y, pass) =>
            {
                seen.Add((site, y.Keep(), pass with { Input = pass.Input.Keep(), Residual = pass.Residual.Keep() }));
                return site.Where == BlockPlace.Output ? y : Ops.Scale(y, 0f);
            }).Attach();
        }

        using var tape = Tape.Begin(record: false);
        model.Logits(TinyModels.Batch(4, 2));
        Assert.Equal(6, seen.Count);
        foreach ((BlockSite site, Tensor y, BlockPass pass) in seen.Where(item => item.Site.Where == BlockPlace.Output))
        {
            // Without what attention and the layers add, a pre-norm block is the identity, a post-norm block its two norms.
            BlockSite[] parts = [.. seen.Select(item => item.Site).Where(other => other.Block == site.Block && other != site)];
            Tensor expected = parts.Aggregate(pass.Input, (x, part) => part.NormAfter is { } norm ? norm(x) : x);
            Assert.Equal(expected.ToArray(), y.ToArray());
            Assert.Equal(pass.Input.ToArray(), pass.Residual.ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_site_is_given_all_tokens_where_only_some_are_read(string family)
    {
        TextModel model = TinyModels.Create(family);
        TokenBatch batch = TinyModels.Batch(4, 2);
        foreach (BlockSite site in model.Modules().OfType<BlockSite>())
        {
            new Change(site, (y, pass) =>
            {
                Assert.Equal((6, 6, 6), (y.Rows, pass.Input.Rows, pass.Residual.Rows));
                return Ops.Scale(y, 0.5f);
            }).Attach();
        }

        using var tape = Tape.Begin(record: false);
        Assert.Equal(Ops.Rows(model.Backbone.Forward(batch), [3, 5]).ToArray(), model.Backbone.Forward(batch, [3, 5]).ToArray());
        using var prefix = new FrozenPrefix(2, new RowStore(16, 1 << 20));
        model.Backbone.Prefix = prefix;
        Assert.Equal(Ops.Rows(model.Backbone.Forward(batch), [3, 5]).ToArray(), model.Backbone.Forward(batch, [3, 5]).ToArray());
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_site_reads_what_its_part_read_and_the_stream_before_it(string family)
    {
        TextModel model = TinyModels.Create(family);
        var streams = new Dictionary<BlockPlace, (float[] Y, float[] Input, float[] Residual)>();
        foreach (BlockSite site in model.Modules().OfType<BlockSite>().Where(site => site.Block == 0))
        {
            new Change(site, (y, pass) =>
            {
                streams[site.Where] = (y.ToArray(), pass.Input.ToArray(), pass.Residual.ToArray());
                return y;
            }).Attach();
        }

        float[] before = TinyModels.Logits(TinyModels.Create(family), TinyModels.Batch(4, 2));
        Assert.Equal(before, TinyModels.Logits(model, TinyModels.Batch(4, 2)));

        (float[] attention, float[] input, float[] residual) = streams[BlockPlace.Attention];
        Assert.Equal(streams[BlockPlace.Output].Input, residual);
        Assert.Equal(family == "bert", input.SequenceEqual(residual)); // pre-norm blocks read the normalised stream
        float[] middle = streams[BlockPlace.FeedForward].Residual;
        if (family != "bert")
        {
            Assert.Equal(residual.Zip(attention, (x, y) => x + y), middle);
            Assert.Equal(middle.Zip(streams[BlockPlace.FeedForward].Y, (x, y) => x + y), streams[BlockPlace.Output].Y);
        }
    }

    private sealed class Change(BlockSite site, Func<Tensor, BlockPass, Tensor> apply) : BlockUpdate(site, "test")
    {
        public override IReadOnlyList<Parameter> Parameters => [];

        public override Tensor Apply(Tensor y, BlockPass pass) => apply(y, pass);
    }
}
