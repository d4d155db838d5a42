using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Tensors;

namespace Hieno.Saliency;

/// <summary>
/// Where a network looked: features of its last layer that still have places, each weighted by how much its mean would raise the class's output, added up, and what is
/// negative left out.
/// </summary>
/// <remarks>
/// Selvaraju et al. 2017, <see href="https://arxiv.org/abs/1610.02391"/>, equations 1 and 2. Of a convolutional network the last block's result is taken; of a transformer what
/// its last block reads, since only the class vector leaves that block, which is our choice: the paper is about convolutions.
/// </remarks>
public static class GradCam
{
    /// <summary>Computes a map for each picture. The model's weights, and which of them learn, stay as they are.</summary>
    /// <param name="model">The model; it computes as in an evaluation.</param>
    /// <param name="batch">The pictures.</param>
    /// <param name="classes">For each picture the class that is asked about; null for that with the largest output.</param>
    /// <exception cref="NotSupportedException">The network's vectors do not stand for places of the picture.</exception>
    public static IReadOnlyList<SaliencyMap> Of(VisionModel model, ImageBatch batch, IReadOnlyList<int>? classes = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batch);
        Parameter[] learning = [.. model.Parameters().Where(parameter => parameter.Value.NeedsGrad)];
        Array.ForEach(learning, parameter => parameter.Value.NeedsGrad = false); // only the features are asked for their gradient
        try
        {
            (Shape shape, int first, float[] values) = Features(model, batch);
            return Maps(model, batch, shape, first, values, classes);
        }
        finally
        {
            Array.ForEach(learning, parameter => parameter.Value.NeedsGrad = true);
        }
    }

    // The features, and the block that reads them; as plain numbers, so that nothing of this pass is held.
    private static (Shape Shape, int First, float[] Values) Features(VisionModel model, ImageBatch batch)
    {
        using Tape tape = Tape.Begin(record: false, backend: model.Backend);
        IReadOnlyList<Tensor> states = model.Backbone.States(batch);
        int first = states[^1].Shape.Rank == 4 ? states.Count - 1 : states.Count - 2;
        return (states[first].Shape, first, states[first].ToArray());
    }

    private static SaliencyMap[] Maps(VisionModel model, ImageBatch batch, Shape shape, int first, float[] values, IReadOnlyList<int>? classes)
    {
        using Tape tape = Tape.Begin(backend: model.Backend);
        Tensor features = Tensor.FromValues(shape, values, model.Backend);
        features.NeedsGrad = true;
        Tensor logits = model.Head.Forward(model.Backbone.Resume(features, first, batch), batch);
        int outputs = model.Head.Outputs;
        float[] scores = logits.ToArray();
        int[] asked = [.. Enumerable.Range(0, batch.Count).Select(i => classes?[i] ?? Largest(scores.AsSpan(i * outputs, outputs)))];
        float[] chosen = new float[scores.Length];
        for (int i = 0; i < asked.Length; i++)
        {
            chosen[(i * outputs) + asked[i]] = 1;
        }

        tape.Backward(Ops.Sum(Ops.Mul(logits, Tensor.FromValues(logits.Shape, chosen, model.Backend))));
        float[] gradient = features.Grad!.ToArray();
        features.ClearGrad();
        (int height, int width, int others) = GridOf(shape, batch);
        int size = values.Length / batch.Count;
        return [.. asked.Select((asks, i) => Map(values.AsSpan(i * size, size), gradient.AsSpan(i * size, size), height, width, others, asks))];
    }

    // Places of a picture, and the vectors before them that stand for none, such as the class vector.
    private static (int Height, int Width, int Others) GridOf(Shape shape, ImageBatch batch)
    {
        const int MostOthers = 8;
        if (shape.Rank == 4)
        {
            return (shape[1], shape[2], 0);
        }

        int vectors = shape[0] / batch.Count;
        double ratio = (double)batch.Pixels.Shape[1] / batch.Pixels.Shape[2];
        for (int others = 0; others <= MostOthers && others < vectors; others++)
        {
            int height = (int)Math.Round(Math.Sqrt((vectors - others) * ratio));
            if (height > 0 && (vectors - others) % height == 0 && Math.Abs(((double)height * height / (vectors - others)) - ratio) < 1e-6)
            {
                return (height, (vectors - others) / height, others);
            }
        }

        throw new NotSupportedException($"GradCam: {vectors} vectors for pictures of {batch.Pixels.Shape[2]} × {batch.Pixels.Shape[1]} pixels do not lie in a grid of their shape.");
    }

    private static SaliencyMap Map(ReadOnlySpan<float> features, ReadOnlySpan<float> gradient, int height, int width, int others, int asks)
    {
        int places = height * width;
        int channels = features.Length / (places + others);
        double[] weights = new double[channels];
        for (int k = others * channels; k < gradient.Length; k++)
        {
            weights[k % channels] += (double)gradient[k] / places;
        }

        double[] map = new double[places];
        for (int place = 0; place < places; place++)
        {
            for (int c = 0; c < channels; c++)
            {
                map[place] += weights[c] * features[((others + place) * channels) + c];
            }

            map[place] = Math.Max(0, map[place]);
        }

        double strongest = map.Max();
        return new SaliencyMap(asks, height, width, Array.ConvertAll(map, value => strongest > 0 ? (float)(value / strongest) : 0f));
    }

    private static int Largest(ReadOnlySpan<float> scores)
    {
        int largest = 0;
        for (int k = 1; k < scores.Length; k++)
        {
            largest = scores[k] > scores[largest] ? k : largest;
        }

        return largest;
    }
}
