using System.Globalization;
using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Durable;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Training;

/// <summary>Saves and restores the trained weights, running statistics, the optimizer's state and what the run remembers, bit for bit.</summary>
/// <param name="runFolder">The run's folder.</param>
/// <param name="tuned">The model.</param>
/// <param name="optimizer">The optimizer.</param>
/// <param name="keep">How many checkpoints to keep.</param>
internal sealed class Checkpoints(string runFolder, TunedModel tuned, IOptimizer optimizer, int keep)
{
    private const string Prefix = "checkpoint-";
    private const string WeightsFile = "weights.safetensors";
    private const string OptimizerFile = "optimizer.safetensors";
    private const string RuleFile = "tuning.safetensors";
    private const string StateFile = "state.json";

    /// <summary>The folder of the best weights, beside the numbered checkpoints.</summary>
    public const string BestName = "best";

    private string Parent => Path.Combine(runFolder, "checkpoints");

    /// <summary>Saves the run as it stands.</summary>
    /// <returns>The checkpoint's folder.</returns>
    /// <exception cref="StorageException">It could not be written; earlier checkpoints are intact.</exception>
    public string Save(TrainingState state) =>
        DurableFolder.Save(Parent, Prefix + state.Step.ToString("D8", CultureInfo.InvariantCulture), writer =>
        {
            SafetensorsWriter.Write(writer.PathOf(WeightsFile), Weights());
            SafetensorsWriter.Write(writer.PathOf(OptimizerFile), optimizer.State.Select(item => WeightFiles.Item(item.Name, item.Value)));
            if (tuned.StepRule is { } rule)
            {
                SafetensorsWriter.Write(writer.PathOf(RuleFile), rule.State.Select(item => WeightFiles.Item(item.Name, item.Value)));
            }

            writer.WriteText(StateFile, state.ToJson());
        }, keep);

    /// <summary>Restores the newest complete checkpoint.</summary>
    /// <param name="fingerprint">What the run is; a checkpoint of another one is refused before anything of it is taken.</param>
    /// <param name="report">Told of checkpoints that were found broken.</param>
    /// <returns>Its state, or null when there is none.</returns>
    /// <exception cref="TrainingException">The checkpoint belongs to another recipe or other data, or its state cannot be read.</exception>
    public TrainingState? Restore(string fingerprint, Action<string> report)
    {
        string? folder = DurableFolder.FindNewest(Parent, Prefix, out IReadOnlyList<BrokenFolder> broken);
        foreach (BrokenFolder item in broken)
        {
            report($"checkpoint {item.Name} is broken ({item.Reason}); {(item.RenamedTo is { } name ? $"it was renamed to {name}" : "it could not be renamed")}");
        }

        if (folder is null)
        {
            return null;
        }

        TrainingState state = ReadState(Path.Combine(folder, StateFile));
        if (state.Fingerprint != fingerprint)
        {
            throw new TrainingException(ErrorCodes.RunMismatch, runFolder, "its checkpoints were made with another recipe, base model or data", "Resume with the recipe in that folder, or give another 'output'");
        }

        LoadWeights(Path.Combine(folder, WeightsFile));
        RestoreFrom(Path.Combine(folder, OptimizerFile), optimizer.Restore);
        if (tuned.StepRule is { } rule)
        {
            RestoreFrom(Path.Combine(folder, RuleFile), find => rule.Restore((name, shape) => find(name, shape, DType.F32)));
        }

        return state;
    }

    /// <summary>Saves the weights as the best so far.</summary>
    /// <exception cref="StorageException">They could not be written; those saved before are intact.</exception>
    public void SaveBest(TrainingState state) => DurableFolder.Save(Parent, BestName, writer =>
    {
        SafetensorsWriter.Write(writer.PathOf(WeightsFile), Weights());
        writer.WriteText(StateFile, state.ToJson());
    });

    /// <summary>Goes back to the best weights.</summary>
    /// <param name="step">The step they must be of.</param>
    /// <exception cref="TrainingException">They are absent, damaged, or of another step.</exception>
    public void RestoreBest(long step)
    {
        string folder = Path.Combine(Parent, BestName);
        string? fault = !Directory.Exists(folder) ? "they are gone" : DurableFolder.Fault(folder);
        if (fault is null && ReadState(Path.Combine(folder, StateFile)).Step is var found && found != step)
        {
            fault = $"they are of step {found}";
        }

        if (fault is not null)
        {
            throw new TrainingException(ErrorCodes.RunFolderUnusable, folder, $"the weights of step {step}, the best, cannot be taken back: {fault}", "Run again with --overwrite");
        }

        LoadWeights(Path.Combine(folder, WeightsFile));
    }

    private IEnumerable<SafetensorsItem> Weights() => Moving().Select(item => WeightFiles.Item(item.Name, item.Value));

    // Running statistics move with the weights, although no gradient moves them.
    private IEnumerable<(string Name, Tensor Value)> Moving() =>
        tuned.Trainable.Select(parameter => (parameter.Name, parameter.Value)).Concat(tuned.Model.Buffers().Select(buffer => (buffer.Name, buffer.Value)));

    private static TrainingState ReadState(string path)
    {
        try
        {
            return TrainingState.Parse(File.ReadAllText(path));
        }
        catch (JsonException e)
        {
            throw new TrainingException(ErrorCodes.RunFolderUnusable, path, "the checkpoint's state cannot be read", "Remove this checkpoint to go back to the one before", e);
        }
    }

    private static void RestoreFrom(string path, Action<StateSource> restore)
    {
        using CheckpointFiles files = CheckpointFiles.Open(path);
        restore((name, shape, dtype) => files.Entries.ContainsKey(name) ? WeightFiles.Read(files, name, shape, dtype: dtype) : null);
    }

    private void LoadWeights(string path)
    {
        using CheckpointFiles files = CheckpointFiles.Open(path);
        foreach ((string name, Tensor value) in Moving())
        {
            value.Backend.Copy(WeightFiles.Read(files, name, value.Shape, value.Backend), value);
        }
    }
}
