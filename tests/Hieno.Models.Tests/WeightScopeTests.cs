using Hieno.Tensors;

namespace Hieno.Models.Tests;

public sealed class WeightScopeTests
{
    [Fact]
    public void Paths_join_with_full_stops()
    {
        var source = new RecordingSource();
        WeightScope root = new(source);
        root.At("model").At("layers.3").At("mlp.up_proj").Weight("weight", [2, 3], Initializer.Zeros);
        root.Weight("logit_scale", [1], Initializer.Ones);
        Assert.Equal(["model.layers.3.mlp.up_proj.weight", "logit_scale"], source.Asked.Select(a => a.Name));
        Assert.Equal([new Shape[] { [2, 3], [1] }], [source.Asked.Select(a => a.Shape).ToArray()]);
    }

    [Fact]
    public void Kind_and_depth_pass_on_to_the_parameters_below()
    {
        WeightScope scope = new WeightScope(new RecordingSource()).At("a").As(ParameterKind.Attention).AtDepth(4).At("b");
        Parameter parameter = scope.Weight("weight", [2], Initializer.Zeros);
        Assert.Equal(("a.b.weight", ParameterKind.Attention, 4), (parameter.Name, parameter.Kind, parameter.Depth));
    }

    [Theory]
    [InlineData(ParameterKind.Head, true)]
    [InlineData(ParameterKind.Norm, false)]
    public void Only_weights_of_a_head_may_be_new(ParameterKind kind, bool mayBeNew)
    {
        var source = new RecordingSource();
        new WeightScope(source).As(kind).Weight("weight", [2], Initializer.Zeros);
        Assert.Equal(mayBeNew, Assert.Single(source.Asked).MayBeNew);
    }

    [Fact]
    public void Presence_is_asked_under_the_full_name()
    {
        WeightScope scope = new WeightScope(new RecordingSource()).At("model");
        Assert.True(scope.Has("there"));
        Assert.False(scope.Has("elsewhere"));
    }

    private sealed class RecordingSource : WeightSource
    {
        public List<(string Name, Shape Shape, bool MayBeNew)> Asked { get; } = [];

        public override bool Has(string name) => name == "model.there";

        public override Tensor Take(string name, Shape shape, Initializer initializer, bool mayBeNew)
        {
            Asked.Add((name, shape, mayBeNew));
            return initializer.Create(shape, 0, name);
        }
    }
}
