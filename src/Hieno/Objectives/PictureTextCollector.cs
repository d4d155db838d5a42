using Hieno.Data;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Models.Vision.Clip;
using Hieno.Tensors;

namespace Hieno.Objectives;

/// <summary>Collects vectors of pictures, and compares each with every text that occurs: which text is nearest is then a class like any other.</summary>
/// <param name="texts">All texts.</param>
/// <param name="idsOf">The tokens of a text, in all its wordings.</param>
internal sealed class PictureTextCollector(IReadOnlyList<string> texts, Func<int, int[][]> idsOf) : IPredictionCollector
{
    private readonly List<Example> _examples = [];
    private readonly List<float> _vectors = [];
    private ClipModel? _model;

    public void Add(PretrainedModel model, Batch batch)
    {
        _model = ImageText.Require(model);
        using Tape tape = Tape.Begin(record: false, backend: model.Backend);
        _vectors.AddRange(_model.PictureVectors(batch.Images).ToArray());
        _examples.AddRange(batch.Examples);
    }

    public Predictions Result()
    {
        int[] occurring = [.. _examples.Select(example => example.Class).Distinct().Order()];
        float[,] scores = new float[_examples.Count, occurring.Length];
        if (_model is not null)
        {
            using Tape tape = Tape.Begin(record: false, backend: _model.Backend);
            Tensor pictures = Tensor.FromValues([_examples.Count, _model.Width], [.. _vectors], _model.Backend);
            float[] logits = _model.Head.Forward(pictures, VectorsOf(occurring)).ToArray();
            Buffer.BlockCopy(logits, 0, scores, 0, logits.Length * sizeof(float));
        }

        return ClassPredictions.FromLogits([.. _examples.Select(example => Array.IndexOf(occurring, example.Class))], scores, [.. occurring.Select(text => texts[text])]);
    }

    // Wordings of a text are averaged as those of a class are by a zero-shot classifier.
    private Tensor VectorsOf(int[] occurring)
    {
        int[][][] wordings = Array.ConvertAll(occurring, text => idsOf(text));
        Tensor vectors = _model!.TextVectors(ImageText.Together([.. wordings.SelectMany(ids => ids)]));
        if (wordings.All(ids => ids.Length == 1))
        {
            return vectors;
        }

        int[] starts = new int[wordings.Length + 1];
        for (int i = 0; i < wordings.Length; i++)
        {
            starts[i + 1] = starts[i] + wordings[i].Length;
        }

        return new Models.Layers.UnitLength(_model.Width, _model.Backend).Forward(Ops.SegmentMean(vectors, starts));
    }
}
