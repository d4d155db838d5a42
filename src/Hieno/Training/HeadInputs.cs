using Hieno.Data;
using Hieno.Models;
using Hieno.Models.Heads;
using Hieno.Models.Layers;
using Hieno.Models.Vision;
using Hieno.Objectives;
using Hieno.Tensors;

namespace Hieno.Training;

/// <summary>What the output layer of a classifier is given for each row: the features of a linear probe.</summary>
internal static class HeadInputs
{
    /// <summary>The linear layer that a head ends in; null where it does not end in one.</summary>
    public static Linear? OutputLayer(PretrainedModel model) => model.Head.Modules().OfType<Linear>().LastOrDefault(layer => layer.Out == OutputsOf(model.Head));

    /// <summary>How many numbers an output layer gives each row; 0 where it predicts tokens.</summary>
    public static int OutputsOf(Module head) => head switch { ClassificationHead rows => rows.Outputs, VisionHead pictures => pictures.Outputs, _ => 0 };

    /// <summary>Reads rows without dropout.</summary>
    /// <param name="model">The model.</param>
    /// <param name="output">Its output layer.</param>
    /// <param name="objective">What the rows are for.</param>
    /// <param name="examples">The rows.</param>
    /// <param name="batchSize">Rows that go through the body together.</param>
    /// <param name="seed">The seed of the run.</param>
    /// <returns>[rows, in], long-lived.</returns>
    public static Tensor Read(PretrainedModel model, Linear output, IObjective objective, IReadOnlyList<Example> examples, int batchSize, ulong seed)
    {
        Tensor features = Tensor.CreateLongLived([examples.Count, output.In], DType.F32, output.Weight.Value.Backend);
        var reader = new InputReader(output, features);
        reader.Attach();
        try
        {
            foreach (Batch batch in Evaluation.Batches(objective, examples, batchSize, seed))
            {
                using Tape tape = Tape.Begin(record: false, backend: features.Backend);
                model.Classify(batch);
            }
        }
        finally
        {
            reader.Detach();
        }

        return features;
    }

    /// <summary>Changes nothing, but keeps what its layer reads.</summary>
    private sealed class InputReader(Linear layer, Tensor destination) : LinearUpdate(layer, "probe")
    {
        private int _rows;

        public override IReadOnlyList<Parameter> Parameters => [];

        public override Tensor Apply(Tensor x, Tensor y)
        {
            destination.Backend.Copy(x, destination.RowRange(_rows, x.Rows));
            _rows += x.Rows;
            return y;
        }
    }
}
