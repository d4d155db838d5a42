using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Tensors;
using Hieno.Tensors.Cpu;

namespace Hieno.Advice;

/// <summary>Predicts the memory of a training step from the shapes of a model, without running one.</summary>
/// <remarks>
/// The most that is held at once is the largest of four moments (bytes: four times these numbers; L blocks keep, P weights learn):
/// <list type="bullet">
/// <item>the forward pass: kept·N of each block before the running one, and all that lives while that one runs;</item>
/// <item>the head: L·kept·N + hidden vectors and their gradient, a chunk of at most 512 rows of logits, and the gradient of the token table where it learns;</item>
/// <item>the beginning of the backward pass: L·kept·N + the head's gradient + the first block's gradients of activations;</item>
/// <item>its end, when the activations are gone and the gradients are there: of all but the tables, with one block's share; then of all P weights.</item>
/// </list>
/// With gradient checkpointing a span of blocks keeps only its input, and one span at a time its whole share. The constants are counted from the operations
/// (<see cref="BlockMemory"/>); <c>MemoryModelTests</c> compares the sum with measured peaks.
/// </remarks>
internal sealed class MemoryModel
{
    private const int LogitRows = 512; // Ops.LinearCrossEntropy

    private readonly PretrainedModel _model;
    private readonly BlockMemory? _block;
    private readonly double _optimizerBytes;

    /// <summary>Reads the shapes.</summary>
    /// <param name="model">The model with its head; weights may stay in their files.</param>
    /// <param name="optimizer">What is remembered for each weight that learns.</param>
    public MemoryModel(PretrainedModel model, OptimizerOptions optimizer)
    {
        (_model, _block, _optimizerBytes) = (model, model is TextModel text ? BlockMemory.Of(text.Backbone) : null, BytesPerWeight(optimizer));
    }

    /// <summary>The prediction; null for a model whose blocks cannot be counted.</summary>
    public MemoryForecast? Predict(Learning learning, StepBatch batch)
    {
        long weights = _model.Parameters().Sum(parameter => parameter.Base.DType.ByteLength(parameter.Base.Count))
            + learning.Own.Where(parameter => parameter.Base.DType != DType.F32).Sum(parameter => (parameter.Count * sizeof(float)) - parameter.Base.DType.ByteLength(parameter.Count))
            + (learning.Added * sizeof(float));
        return _block is null ? null : new MemoryForecast(
            learning.Name, learning.Count, weights, (long)(_optimizerBytes * learning.Count), StepNumbers(_block, learning, batch) * sizeof(float));
    }

    private long StepNumbers(BlockMemory block, Learning learning, StepBatch batch)
    {
        int blocks = _model.Blocks.Count;
        int keeping = blocks - Math.Clamp(learning.LowestDepth - 1, 0, blocks); // block i lies at depth i + 1
        (long n, long m) = (batch.Tokens, batch.Read);
        long embedding = block.EmbeddingSums * n;
        if (keeping == 0)
        {
            return Math.Max((block.Running * n) + embedding, HeadNumbers(learning, m) + embedding);
        }

        long whole = (block.Kept + learning.AddedPerToken) * n;
        long last = (block.KeysAndValues * (n - m)) + ((block.Kept + learning.AddedPerToken) * m);
        long lastRunning = (block.KeysAndValues * (n - m)) + (block.Running * m);
        int span = Math.Min(keeping, batch.Span > 0 ? batch.Span : (int)Math.Ceiling(Math.Sqrt(blocks)));
        long kept = batch.Checkpointing ? (keeping + span - 1) / span * block.Width * n : ((keeping - 1) * whole) + last;
        long again = batch.Checkpointing ? span * whole : 0; // the share of one span of blocks, computed again

        long forward = batch.Checkpointing
            ? kept + (block.Running * n)
            : Math.Max(((keeping - 1) * whole) + lastRunning, (Math.Max(0, keeping - 2) * whole) + (block.Running * (keeping > 1 ? n : m)));
        long head = kept + HeadNumbers(learning, m);
        long early = HeadGradient(learning) + kept + again + Math.Max(
            (block.KeysAndValues * (n - m)) + (block.Backward * m),
            keeping > 1 ? (block.Backward * n) - (batch.Checkpointing ? 0 : last) : 0);
        long late = batch.StepsInBackward
            ? Math.Max(learning.Largest, learning.LargestAboveTables + HeadGradient(learning) + whole + (block.Backward * n)) // one gradient goes back before the next
            : Math.Max(learning.Count, learning.CountAboveTables + HeadGradient(learning) + whole + (block.Backward * n));
        return Math.Max(Math.Max(forward, head) + embedding, Math.Max(early, late));
    }

    private long HeadNumbers(Learning learning, long read)
    {
        int width = _model.Width;
        if (_model is not TextModel { LanguageHead: not null } text)
        {
            return 3 * read * width;
        }

        long rows = Math.Min(LogitRows, read);
        long logits = rows * text.Backbone.VocabularySize;
        long gradient = HeadGradient(learning);
        return (3 * read * width) + (2 * rows * width) + logits + gradient + (gradient > 0 ? logits : 0); // turned for the product that gives the gradient
    }

    // The gradient of a table that the head shares is there before the backward pass.
    private long HeadGradient(Learning learning) => (_model as TextModel)?.LanguageHead is { } head && learning.Own.Contains(head.Projection) ? head.Projection.Count : 0;

    // What an optimizer remembers, read off a weight that it has stepped once.
    private static double BytesPerWeight(OptimizerOptions options)
    {
        const int Side = 64;
        using var backend = new CpuBackend(1);
        Tensor value = Tensor.CreateLongLived([Side, Side], DType.F32, backend);
        var weight = new Parameter("weight", value) { Trainable = true };
        IOptimizer optimizer = options.Create([new OptimizedParameter(weight, 1, 0)]);
        using (Tape tape = Tape.Begin(backend: backend))
        {
            tape.Backward(Ops.Sum(value));
            optimizer.Step(0, 1);
        }

        return optimizer.State.Sum(state => (double)state.Value.Count * state.Value.DType.Size()) / (Side * Side);
    }
}
