using Hieno.Data;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Objectives;

/// <summary>Collects the numbers a model gives each row.</summary>
/// <param name="finish">Makes predictions of the rows and their outputs, [rows, outputs].</param>
internal sealed class RowCollector(Func<IReadOnlyList<Example>, float[,], Predictions> finish) : IPredictionCollector
{
    private readonly List<Example> _examples = [];
    private readonly List<float[]> _outputs = [];

    public void Add(PretrainedModel model, Batch batch)
    {
        using Tape tape = Tape.Begin(record: false, backend: model.Backend);
        Tensor scores = model.Classify(batch);
        float[] values = scores.ToArray();
        foreach ((Example example, int row) in batch.Examples.Select((example, row) => (example, row)))
        {
            _examples.Add(example);
            _outputs.Add(values[(row * scores.Columns)..((row + 1) * scores.Columns)]);
        }
    }

    public Predictions Result()
    {
        int columns = _outputs.Count == 0 ? 0 : _outputs[0].Length;
        float[,] table = new float[_outputs.Count, columns];
        for (int row = 0; row < _outputs.Count; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                table[row, column] = _outputs[row][column];
            }
        }

        return finish(_examples, table);
    }
}
