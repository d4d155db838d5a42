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

/// <summary>Saves and restores the trained weights, the optimizer's state and what the run remembers, bit for bit.</summary>
/// <param name="runFolder">The run's folder.</param>
/// <param name="tuned">The model.</param>
/// <param name="optimizer">The optimizer.</param>
/// <param name="keep">How many checkpoints to keep.</param>
internal sealed class Checkpoints(string runFolder, TunedModel tuned, IOptimizer optimizer, int keep)
{
    private const string Prefix = "checkpoint-";
    private const string WeightsFile = "weights.safetensors";
    private const string OptimizerFile = "optimizer.safetensors";
    private const string StateFile = "state.json";
    private const string BestName = "best";

    private string Parent => Path.Combine(runFolder, "checkpoints");

    /// <summary>Saves the run as it stands.</summary>
    /// <returns>The checkpoint's folder.</returns>
    /// <exception cref="StorageException">It could not be written; earlier checkpoints are intact.</exception>
    public string Save(TrainingState state) =>
        DurableFolder.Save(Parent, Prefix + state.Step.ToString("D8", CultureInfo.InvariantCulture), writer =>
        {
            SafetensorsWriter.Write(writer.PathOf(WeightsFile), Weights());
            SafetensorsWriter.Write(writer.PathOf(OptimizerFile), optimizer.State.Select(item => WeightFiles.Item(item.Name, item.Value)));
            writer.WriteText(StateFile, state.ToJson());
        }, keep);

    /// <summary>Restores the newest complete checkpoint.</summary>
    /// <param name="report">Told of checkpoints that were found broken.</param>
    /// <returns>Its state, or null when there is none.</returns>
    public TrainingState? Restore(Action<string> report)
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
        LoadWeights(Path.Combine(folder, WeightsFile));
        using CheckpointFiles files = CheckpointFiles.Open(Path.Combine(folder, OptimizerFile));
        optimizer.Restore((name, shape) => files.Entries.ContainsKey(name) ? WeightFiles.Read(files, name, shape) : null);
        return state;
    }

    /// <summary>Saves the weights as the best so far.</summary>
    public void SaveBest() => DurableFolder.Save(Parent, BestName, writer => SafetensorsWriter.Write(writer.PathOf(WeightsFile), Weights()));

    /// <summary>Goes back to the best weights.</summary>
    public void RestoreBest() => LoadWeights(Path.Combine(Parent, BestName, WeightsFile));

    private IEnumerable<SafetensorsItem> Weights() => tuned.Trainable.Select(parameter => WeightFiles.Item(parameter.Name, parameter.Value));

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

    private void LoadWeights(string path)
    {
        using CheckpointFiles files = CheckpointFiles.Open(path);
        foreach (Parameter parameter in tuned.Trainable)
        {
            Tensor value = parameter.Value;
            value.Backend.Copy(WeightFiles.Read(files, parameter.Name, value.Shape, value.Backend), value);
        }
    }
}
