using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Formats.Safetensors;
using Hieno.Training;

namespace Hieno.Merging;

/// <summary>A saved LoRA adapter, read without its base model.</summary>
internal sealed class LoRAFolder : IDisposable
{
    private LoRAFolder(string folder, PeftAdapterConfig config, CheckpointFiles files) => (Folder, Config, Files) = (folder, config, files);

    public string Folder { get; }

    public PeftAdapterConfig Config { get; }

    public CheckpointFiles Files { get; }

    /// <summary>The names of every pair's A, in the order of the file.</summary>
    public IEnumerable<string> Pairs => Files.Entries.Keys.Where(name => LoRAPair.PartnerOf(name) is not null);

    /// <summary>The tensors that belong to no pair: a head or an offset that was trained whole.</summary>
    public IEnumerable<SafetensorsEntry> Wholes
    {
        get
        {
            var partners = Pairs.Select(name => LoRAPair.PartnerOf(name)!).ToHashSet(StringComparer.Ordinal);
            return Files.Entries.Values.Where(entry => LoRAPair.PartnerOf(entry.Name) is null && !partners.Contains(entry.Name));
        }
    }

    /// <summary>What the adapter says about labels, or an empty text.</summary>
    public string Task => TextOf(AdapterTask.FileName);

    /// <summary>How the base was quantised in training, or an empty text.</summary>
    public string Quantization => TextOf(Tuning.QuantizedBase.FileName);

    /// <summary>Opens an adapter's folder, or that of a run.</summary>
    /// <exception cref="MergeException">It is no adapter, or one whose change is not s·BA.</exception>
    /// <exception cref="CheckpointException">A file is missing or malformed.</exception>
    public static LoRAFolder Open(string path)
    {
        string folder = LoadedModel.FolderOf(path);
        if (Tuning.AdapterFolders.HoldsSeveral(folder))
        {
            throw new MergeException(path, "this holds the adapters of several methods", "Name one of the folders in it, or write all of them into their base by 'hieno merge ADAPTER --out DIR'");
        }

        if (!Tuning.PeftFolder.Exists(folder))
        {
            throw new MergeException(path, "there is no adapter here", "Give adapter folders, or combine whole models by --base");
        }

        PeftAdapterConfig config = PeftAdapterConfig.Read(folder);
        string? other = config.LoRA switch
        {
            null => $"this is an adapter of the kind {config.PeftType}",
            { UseDoRA: true } => "this adapter has lengths of its own (DoRA)",
            { LoRABias: true } => "this adapter has offsets in its pairs",
            { Initialization: "true" or "false" or "gaussian" or "orthogonal" or "eva" } => null,
            { Initialization: var start } => $"this adapter was started from the base's weights ('{start}')",
        };
        return other is null
            ? new LoRAFolder(folder, config, CheckpointFiles.OpenAdapter(folder))
            : throw new MergeException(path, $"{other}, so its change is not s·BA alone", "Write each adapter into its base by 'hieno merge ADAPTER --out DIR', and combine the models");
    }

    /// <summary>Reads a pair; null where this adapter has none at that layer.</summary>
    /// <param name="nameA">A's name.</param>
    /// <exception cref="CheckpointException">B is missing, or a shape does not fit the configured rank.</exception>
    public LoRAPair? Pair(string nameA)
    {
        if (!Files.Entries.TryGetValue(nameA, out SafetensorsEntry? a))
        {
            return null;
        }

        SafetensorsEntry b = Files.Require(LoRAPair.PartnerOf(nameA)!);
        var pair = new LoRAPair(a.Name, b.Name, LoRAPair.ReadMatrix(Files, a), LoRAPair.ReadMatrix(Files, b), Math.Max(1, (int)a.Shape[0]), 1);
        int rank = Config.LoRA!.RankOf(pair.Path);
        return a.Shape[0] == rank && b.Shape[1] == rank
            ? pair with { Scale = Config.LoRA.ScaleOf(pair.Path) }
            : throw new CheckpointException(ErrorCodes.CheckpointShapeMismatch, a.Name, $"{Files.Path} has A [{string.Join(", ", a.Shape)}] and B [{string.Join(", ", b.Shape)}], adapter_config.json implies rank {rank}", "Take the configuration that belongs to these weights") { Tensor = a.Name };
    }

    public void Dispose() => Files.Dispose();

    private string TextOf(string name) => File.Exists(Path.Combine(Folder, name)) ? File.ReadAllText(Path.Combine(Folder, name)) : string.Empty;
}
