using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Durable;
using Hieno.Plugins;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Tensors.Cpu;
using Hieno.Tuning;

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

    private const string LockName = ".lock";
    private const string CheckpointsName = "checkpoints";
    private const string CurvesName = "tensorboard";

    private static readonly string[] s_files = [EventsFileName, RecipeFileName, RunFileName, Report.JsonFileName, Report.TextFileName, FisherInformation.FileName];
    private static readonly string[] s_folders = [CheckpointsName, FinalName, CurvesName, ReportPictures.FolderName];

    private readonly FileStream _lock;
    private readonly EventLog _events;
    private readonly TensorBoardEvents _curves;
    private bool _isClosed;

    private RunFolder(string path, FileStream held, EventLog events, TimeProvider clock)
    {
        (Path, _lock, _events) = (path, held, events);
        _curves = new TensorBoardEvents(System.IO.Path.Combine(path, CurvesName), clock);
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>The folder of the tuned model.</summary>
    public string Final => System.IO.Path.Combine(Path, FinalName);

    /// <summary>Refuses a folder that holds anything a run would write over; changes nothing.</summary>
    /// <exception cref="TrainingException">It holds a run already, or a file of the user's under a name that a run needs.</exception>
    public static void ThrowIfUsed(string path)
    {
        if (s_files.Concat(s_folders).FirstOrDefault(name => System.IO.Path.Exists(System.IO.Path.Combine(path, name))) is { } name)
        {
            throw new TrainingException(
                ErrorCodes.RunFolderUnusable, path, $"the folder holds a run already, or a '{name}' of yours that the run would replace",
                "Pass --resume to go on with that run, --overwrite to remove it and begin anew, or give another 'output'");
        }
    }

    /// <summary>Opens the folder of a run, making it where needed, and keeps every other run out of it until it is closed.</summary>
    /// <param name="path">Where.</param>
    /// <param name="resume">True to go on with what is there; false to begin, which needs a folder without a run.</param>
    /// <param name="overwrite">True to begin anew and remove what an earlier run left.</param>
    /// <param name="clock">The clock of the curves.</param>
    /// <exception cref="TrainingException">The folder holds another run, or another process is using it.</exception>
    public static RunFolder Open(string path, bool resume, bool overwrite, TimeProvider clock)
    {
        if (!resume && !overwrite)
        {
            ThrowIfUsed(path);
        }

        FileStream? held = null;
        EventLog? events = null;
        try
        {
            Directory.CreateDirectory(path);
            held = Hold(path); // first of all: another run's files must not be removed under its feet
            if (overwrite && !resume)
            {
                Remove(path, s_files, s_folders);
            }
            else if (!resume)
            {
                ThrowIfUsed(path); // again, as another run may have come and gone in between
            }

            RemoveUnfinished(path);
            events = EventLog.Open(System.IO.Path.Combine(path, EventsFileName));
            return new RunFolder(path, held, events, clock);
        }
        catch (Exception e)
        {
            events?.Dispose();
            held?.Dispose();
            if (e is IOException or UnauthorizedAccessException)
            {
                throw new TrainingException(ErrorCodes.RunFolderUnusable, path, $"the run folder cannot be used ({e.Message.TrimEnd('.')})", "Check that the path is right and that you may write there", e);
            }

            throw;
        }
    }

    /// <summary>Writes the resolved recipe and what the run ran on.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="kinds">The kinds it may name.</param>
    /// <param name="dataHash">Which data it has seen.</param>
    /// <param name="backend">Where it computes.</param>
    /// <param name="plugins">The assemblies whose kinds it may name.</param>
    public void Describe(Recipe recipe, KindCatalog kinds, string dataHash, Backend backend, IReadOnlyList<Plugin> plugins)
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
            baseQuantization = recipe.Quantization is { } quantization ? QuantizedBase.Describe(quantization.Create()) : null,
            dataSha256 = dataHash,
            plugins,
        };
        DurableFile.ReplaceText(System.IO.Path.Combine(Path, RunFileName), JsonSerializer.Serialize(description, RunJson.Indented) + "\n");
    }

    /// <summary>Appends an event.</summary>
    /// <exception cref="StorageException">It could not be written; the events before it are intact.</exception>
    public void Append(TrainingEvent item)
    {
        _events.Append(item);
        _curves.Write(item);
    }

    /// <summary>What a run is: a resumed one must have the same. Where it lies and what it warns of changes no result.</summary>
    public static string Fingerprint(Recipe recipe, KindCatalog kinds, string dataHash, string baseHash)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        string text = RecipeWriter.ToYaml(recipe with { Output = "-", Silence = [] }, kinds) + dataHash + baseHash;
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>Writes what is left and lets others use the folder.</summary>
    /// <exception cref="StorageException">The last points of the curves could not be written.</exception>
    public void Close()
    {
        if (_isClosed)
        {
            return;
        }

        _isClosed = true;
        try
        {
            _curves.Dispose();
        }
        finally
        {
            _events.Dispose();
            _lock.Dispose();
        }
    }

    /// <summary>As <see cref="Close"/>, for the way out after an error.</summary>
    public void Dispose()
    {
        try
        {
            Close();
        }
        catch (StorageException e)
        {
            // The error that ended the run is on its way; one about lost points of a curve must not take its place.
            System.Diagnostics.Debug.WriteLine(e.Message);
        }
    }

    // The system releases the lock when the process ends, however it ends; so the file may stay.
    private static FileStream Hold(string path)
    {
        try
        {
            return new FileStream(System.IO.Path.Combine(path, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (IsHeldByAnother(e.HResult))
        {
            throw new TrainingException(ErrorCodes.RunFolderUnusable, path, "another run is using this folder", "Wait for it to end, or give another 'output'", e);
        }
    }

    // EWOULDBLOCK of Linux and of macOS, ERROR_SHARING_VIOLATION of Windows.
    private static bool IsHeldByAnother(int code) =>
        code == (OperatingSystem.IsWindows() ? unchecked((int)0x80070020) : OperatingSystem.IsMacOS() ? 35 : 11);

    // Only what a run makes is removed; a file of the user's that lies beside it stays.
    private static void Remove(string path, IEnumerable<string> files, IEnumerable<string> folders)
    {
        foreach (string folder in folders.Select(name => System.IO.Path.Combine(path, name)).Where(Directory.Exists))
        {
            Directory.Delete(folder, recursive: true);
        }

        foreach (string file in files)
        {
            File.Delete(System.IO.Path.Combine(path, file));
        }
    }

    // What a kill has left of a file or folder that was being written, under the temporary names of Hieno.Formats.Durable.
    private static void RemoveUnfinished(string path)
    {
        Remove(
            path,
            [FrozenCache.FileName, .. s_files.SelectMany(name => Directory.EnumerateFiles(path, $".tmp-{name}-*"))],
            Directory.EnumerateDirectories(path, $".tmp-{FinalName}-*").Concat(Directory.EnumerateDirectories(path, $".replaced-{FinalName}-*")));
        string checkpoints = System.IO.Path.Combine(path, CheckpointsName);
        if (Directory.Exists(checkpoints))
        {
            Remove(
                checkpoints,
                [],
                Directory.EnumerateDirectories(checkpoints, $".tmp-{Checkpoints.BestName}-*").Concat(Directory.EnumerateDirectories(checkpoints, $".replaced-{Checkpoints.BestName}-*")));
        }
    }
}
