using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Models.Vision.Clip;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.ZeroShot;

/// <summary>
/// A classifier of pictures that has not seen one of them: an output layer made of what CLIP's text tower says of the names of classes. It can be tuned
/// like any other, and is the start that interpolation after tuning (WiSE-FT) goes back to.
/// </summary>
/// <remarks>
/// Radford et al. 2021, <see href="https://arxiv.org/abs/2103.00020"/>, sections 3.1.2 and 3.1.4: vectors of several prompts for a class are averaged before they are
/// compared. As a layer that learns on, with the learned factor of cosines in its weights: Wortsman et al. 2021,
/// <see href="https://arxiv.org/abs/2109.01903"/>, section 4.
/// </remarks>
public static class ZeroShotClassifier
{
    /// <summary>The prompt that is used unless others are given.</summary>
    public const string DefaultTemplate = "a photo of a {}";

    /// <summary>What stands for the name of the class in a prompt.</summary>
    public const string NamePlace = "{}";

    /// <summary>The layer's matrix: for each class the mean of its prompts' vectors, of length 1, times the model's factor of cosines.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="classes">Names of the classes.</param>
    /// <param name="templates">Prompts, each with <see cref="NamePlace"/> where the name goes.</param>
    /// <returns>[classes, D], row by row.</returns>
    /// <exception cref="ArgumentException">There is no class or no template, or a template has no place for the name.</exception>
    /// <exception cref="CheckpointException">A prompt is longer than the text tower reads.</exception>
    public static float[] Weights(ClipModel model, ModelTokenizer tokenizer, IReadOnlyList<string> classes, IReadOnlyList<string> templates)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(classes);
        ArgumentNullException.ThrowIfNull(templates);
        if (classes.Count == 0 || templates.Count == 0 || templates.Any(template => !template.Contains(NamePlace, StringComparison.Ordinal)))
        {
            throw new ArgumentException($"A zero-shot layer needs at least one class and one prompt, each with {NamePlace} where the name goes.", nameof(templates));
        }

        float factor = MathF.Exp(model.Head.LogitScale.Value.Item());
        return [.. classes.SelectMany(name => VectorOf(model, tokenizer, [.. templates.Select(template => template.Replace(NamePlace, name, StringComparison.Ordinal))]).Select(number => number * factor))];
    }

    /// <summary>Writes a classifier: the vision tower of a CLIP model with this layer, in a folder that is tuned, evaluated and interpolated as any vision model.</summary>
    /// <param name="folder">The CLIP model's folder.</param>
    /// <param name="labels">Names of the classes, which become its labels.</param>
    /// <param name="words">What the prompts call them, in the same order.</param>
    /// <param name="templates">Prompts.</param>
    /// <param name="output">A folder that is absent or empty.</param>
    /// <param name="backend">Where it is computed; the default backend when null.</param>
    /// <exception cref="HienoException">The model or its tokenizer cannot be read, or the folder cannot be written.</exception>
    public static void Save(string folder, IReadOnlyList<string> labels, IReadOnlyList<string> words, IReadOnlyList<string> templates, string output, Backend? backend = null)
    {
        ArgumentNullException.ThrowIfNull(labels);
        var clip = ClipModel.Load(folder, backend);
        float[] weights = Weights(clip, ModelTokenizer.Load(folder), words, templates);
        var model = VisionModel.Load(folder, labels.Count, backend: backend);
        var layer = (FirstVectorHead)model.Head;
        layer.Weight.MakeWritable(); // the folder may hold such a layer already
        layer.Offset.MakeWritable();
        model.Backend.CopyFromHost(weights, layer.Weight);
        model.Backend.Fill(layer.Offset, 0f);
        WeightFiles.SaveNew(output, writer => WeightFiles.SaveModel(model, writer.Folder, folder, config =>
        {
            config["id2label"] = new JsonObject(labels.Select((name, id) => KeyValuePair.Create($"{id}", (JsonNode?)name)));
            config["label2id"] = new JsonObject(labels.Select((name, id) => KeyValuePair.Create(name, (JsonNode?)id)));
        }));
    }

    // One text at a time: prompts are short, and the padding of none of them matters.
    private static float[] VectorOf(ClipModel model, ModelTokenizer tokenizer, string[] prompts)
    {
        using Tape tape = Tape.Begin(record: false, backend: model.Backend);
        double[] sum = new double[model.Width];
        foreach (string prompt in prompts)
        {
            int[] ids = tokenizer.Tokenizer.Encode(prompt).Ids;
            if (ids.Length > model.Text.MaxTextLength)
            {
                throw new CheckpointException(ErrorCodes.DatasetRowInvalid, $"the prompt '{prompt}'", $"it has {ids.Length} tokens, and the text tower reads {model.Text.MaxTextLength}", "Shorten it");
            }

            float[] vector = model.TextVectors(new TokenBatch(ids, [ids.Length])).ToArray();
            for (int i = 0; i < sum.Length; i++)
            {
                sum[i] += vector[i];
            }
        }

        double length = Math.Sqrt(sum.Sum(number => number * number));
        return [.. sum.Select(number => (float)(number / length))];
    }
}
