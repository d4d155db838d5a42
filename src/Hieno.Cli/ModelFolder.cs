using Hieno.Formats;
using Hieno.Models;
using Hieno.Recipes;
using Hieno.Training;

namespace Hieno.Cli;

/// <summary>Opens what a user names as a model.</summary>
internal static class ModelFolder
{
    /// <summary>Opens a run, a model or an adapter.</summary>
    /// <param name="path">Its folder.</param>
    /// <param name="head">The output layer; as the model was tuned when null.</param>
    /// <param name="baseModel">The base of an adapter, or null.</param>
    /// <param name="kinds">The methods whose adapters are known; the built-in ones when null.</param>
    /// <param name="quantized">False opens an adapter's base as it is in its file, also where it was quantised in training.</param>
    /// <exception cref="HienoException">It cannot be opened.</exception>
    public static LoadedModel Open(string path, HeadKind? head = null, string? baseModel = null, KindCatalog? kinds = null, bool quantized = true)
    {
        bool isRun = File.Exists(Path.Combine(path, RunFolder.EventsFileName));
        return isRun && !Directory.Exists(Path.Combine(path, RunFolder.FinalName))
            ? throw new TrainingException(ErrorCodes.RunFolderUnusable, path, "the run has not ended, so there is no tuned model yet", "Go on with it by 'hieno train RECIPE --resume'")
            : LoadedModel.Open(path, head, baseModel, kinds: kinds, quantized: quantized);
    }
}
