using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Durable;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Tensors.Cpu;

namespace Hieno.Training;

/// <summary>The record of a run: the resolved recipe, what it ran on, every event, its checkpoints, and the tuned model.</summary>
public sealed class RunFolder : IDisposable
{
    /// <summary>The resolved recipe, with every default written out.</summary>
    public const string RecipeFileName = "recipe.yaml";

    /// <summary>Every event, one JSON object a line.</summary>
    public const string EventsFileName = "events.jsonl";

    /// <summary>Versions, seed, hash of the data, processor.</summary>
    public const string RunFileName = "run.json";

    /// <summary>The folder of the tuned model.</summary>
    public const string FinalName = "final";

    private readonly StreamWriter _events;
    private readonly TensorBoardEvents _curves;

    private RunFolder(string path, StreamWriter events, TimeProvider clock)
    {
        (Path, _events) = (path, events);
        _curves = new TensorBoardEvents(System.IO.Path.Combine(path, "tensorboard"), clock);
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>The folder of the tuned model.</summary>
    public string Final => System.IO.Path.Combine(Path, FinalName);

    /// <summary>Opens the folder of a run, making it where needed.</summary>
    /// <param name="path">Where.</param>
    /// <param name="resume">True to go on with what is there; false to begin, which needs an empty or absent folder.</param>
    /// <param name="overwrite">True to begin anew and remove what an earlier run left.</param>
    /// <param name="clock">The clock of the curves.</param>
    /// <exception cref="TrainingException">The folder holds another run, or another process is using it.</exception>
    public static RunFolder Open(string path, bool resume, bool overwrite, TimeProvider clock)
    {
        string events = System.IO.Path.Combine(path, EventsFileName);
        bool used = File.Exists(events);
        if (used && !resume && !overwrite)
        {
            throw new TrainingException(ErrorCodes.RunFolderUnusable, path, "the folder holds a run already", "Pass --resume to go on with it, --overwrite to begin anew, or give another 'output'");
        }

        try
        {
            Directory.CreateDirectory(path);
            if (used && overwrite && !resume)
            {
                Clear(path);
            }

            // The open file is also the lock: nobody else may write to it.
            var stream = new FileStream(events, FileMode.Append, FileAccess.Write, FileShare.Read);
            return new RunFolder(path, new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true }, clock);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TrainingException(ErrorCodes.RunFolderUnusable, path, $"the run folder cannot be used ({e.Message.TrimEnd('.')})", "Check that the path is right, that there is room, and that no other run is using it", e);
        }
    }

    /// <summary>Writes the resolved recipe and what the run ran on.</summary>
    public void Describe(Recipe recipe, KindCatalog kinds, string dataHash, Backend backend)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(backend);
        DurableFile.ReplaceText(System.IO.Path.Combine(Path, RecipeFileName), RecipeWriter.ToYaml(recipe, kinds));
        var description = new
        {
            hieno = typeof(RunFolder).Assembly.GetName().Version?.ToString(),
            dotnet = RuntimeInformation.FrameworkDescription,
            system = RuntimeInformation.RuntimeIdentifier,
            backend = backend.Name,
            vectors = (backend as CpuBackend)?.Width.ToString(),
            threads = (backend as CpuBackend)?.Threads,
            seed = recipe.Seed,
            dataSha256 = dataHash,
        };
        DurableFile.ReplaceText(System.IO.Path.Combine(Path, RunFileName), JsonSerializer.Serialize(description, RunJson.Indented) + "\n");
    }

    /// <summary>Appends an event.</summary>
    public void Append(TrainingEvent item)
    {
        _events.WriteLine(item.ToJson());
        _curves.Write(item);
    }

    /// <summary>What a run is: a resumed one must have the same.</summary>
    public static string Fingerprint(Recipe recipe, KindCatalog kinds, string dataHash, string baseHash)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        string text = RecipeWriter.ToYaml(recipe with { Output = "-" }, kinds) + dataHash + baseHash;
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _events.Dispose();
        _curves.Dispose();
    }

    // Only what a run makes is removed; a file of the user's that lies beside it stays.
    private static void Clear(string path)
    {
        foreach (string folder in (ReadOnlySpan<string>)["checkpoints", FinalName, "tensorboard"])
        {
            string full = System.IO.Path.Combine(path, folder);
            if (Directory.Exists(full))
            {
                Directory.Delete(full, recursive: true);
            }
        }

        foreach (string file in (ReadOnlySpan<string>)[EventsFileName, RecipeFileName, RunFileName, Report.JsonFileName, Report.TextFileName])
        {
            File.Delete(System.IO.Path.Combine(path, file));
        }
    }
}
