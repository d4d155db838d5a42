using System.Globalization;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>The narrow network beside a body, the layers that lead into it, and the one that leads out.</summary>
public sealed class LadderNetwork : SideNetwork
{
    private const string Root = "ladder";

    private readonly Backbone _net;
    private readonly Parameter[] _down;
    private readonly Parameter[] _gates;
    private readonly Parameter _up;
    private readonly float _temperature;

    private LadderNetwork(Backbone body, string adapter, Backbone net, WeightScope root, double temperature)
        : base(body, adapter)
    {
        (_net, _temperature) = (net, (float)temperature);
        int blocks = body.Blocks.Count;
        _down = [.. Enumerable.Range(0, blocks + 1).Select(i => At(root, i).At(Numbered("down", i)).Weight("weight", [net.Width, body.Width], Initializer.KaimingUniform(body.Width)))];
        _gates = [.. Enumerable.Range(1, blocks).Select(i => At(root, i).At(Numbered("gates", i)).Weight("weight", [1, 1], Initializer.Zeros))];
        _up = At(root, blocks + 1).At("up").Weight("weight", [body.Width, net.Width], Initializer.KaimingUniform(net.Width));
        ILookup<bool, Parameter> isRead = net.Parameters().ToLookup(parameter => parameter.Depth > 0);
        Parameters = [.. _down, .. _gates, _up, .. isRead[true]];
        Constants = [.. isRead[false]]; // tables of one row each, which the constructor of a body asks for
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Constants { get; }

    /// <inheritdoc/>
    public override int KeyWidth => _net.KeyWidth;

    /// <summary>Builds a network.</summary>
    /// <param name="model">The model beside whose body it stands.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="options">Width and temperature.</param>
    /// <param name="source">Its weights; names begin with <c>ladder.</c>, and go on as the body's own or with <c>down</c>, <c>gates</c>, <c>up</c>.</param>
    /// <exception cref="CheckpointException">The model's family has no narrower form of this width.</exception>
    public static LadderNetwork Create(TextModel model, string adapter, LadderOptions options, WeightSource source)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        ModelConfig narrow = (model.Backbone.Width % options.Reduction == 0 ? model.Family.Narrow(model.Config, options.Reduction) : null)
            ?? throw new CheckpointException(ErrorCodes.AdapterUnsupported, adapter, $"there is no '{model.Family.ModelType}' of 1 / {options.Reduction} of the model's width of {model.Backbone.Width}", "Take the base model that the adapter was trained on");
        WeightScope root = new WeightScope(source).At(Root);
        return new LadderNetwork(model.Backbone, adapter, model.Family.CreateBackbone(narrow, root), root, options.Temperature);
    }

    /// <inheritdoc/>
    public override Tensor Forward(IReadOnlyList<Tensor> states, TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(states);
        Tensor s = Ops.Linear(states[0], _down[0]); // [N, C / r]
        for (int i = 1; i < states.Count; i++)
        {
            s = _net.ForwardBlock(i - 1, Mix(s, Ops.Linear(states[i], _down[i]), _gates[i - 1]), batch);
        }

        return Ops.Linear(_net.ForwardEnd(s), _up); // [N, C]
    }

    // h + σ(g / T)·(s − h): the factor is a 1 × 1 matrix, so that it is differentiated as any weight.
    private Tensor Mix(Tensor s, Tensor h, Tensor gate)
    {
        Tensor open = Ops.Activate(Ops.Scale(gate, 1f / _temperature), Activation.Sigmoid);
        Tensor difference = Ops.Add(s, Ops.Scale(h, -1f));
        Tensor share = Ops.Linear(Ops.Reshape(difference, [checked((int)difference.Count), 1]), open);
        return Ops.Add(h, Ops.Reshape(share, h.Shape));
    }

    private static WeightScope At(WeightScope root, int depth) => root.AtDepth(depth);

    private static string Numbered(string name, int i) => string.Create(CultureInfo.InvariantCulture, $"{name}.{i}");
}
