using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Formats.Tokenizers;
using Hieno.Tuning;

namespace Hieno.Merging;

/// <summary>A model whose weights are to be combined with others', open for reading; its weights stay in their files.</summary>
internal sealed class MergedModel : IDisposable
{
    private MergedModel(string folder, ModelConfig config, CheckpointFiles files) => (Folder, Config, Files) = (folder, config, files);

    public string Folder { get; }

    public ModelConfig Config { get; }

    public CheckpointFiles Files { get; }

    /// <summary>Opens a model folder, or that of a run.</summary>
    /// <exception cref="MergeException">It holds an adapter.</exception>
    /// <exception cref="CheckpointException">A file is missing or malformed.</exception>
    public static MergedModel Open(string path)
    {
        string folder = LoadedModel.FolderOf(path);
        return AdapterFolders.Exists(folder)
            ? throw new MergeException(path, "this is an adapter, and whole models are combined here", "Write it into its base model first, by 'hieno merge ADAPTER --out DIR'")
            : new MergedModel(folder, ModelConfig.Read(folder), CheckpointFiles.Open(folder));
    }

    /// <summary>Throws unless the two models share family, labels and vocabulary.</summary>
    /// <exception cref="MergeException">They do not; the message names both.</exception>
    public void ThrowIfStranger(MergedModel other)
    {
        (string mine, string its) = (Config.GetString("model_type"), other.Config.GetString("model_type"));
        if (mine != its)
        {
            throw new MergeException(other.Folder, $"its family is {its}, that of {Folder} is {mine}", "Combine models of one family, tuned from one base");
        }

        if (Config.GetLabels() is { } labels && other.Config.GetLabels() is { } others && !labels.SequenceEqual(others, StringComparer.Ordinal))
        {
            throw new MergeException(other.Folder, $"its labels are {string.Join(", ", others.Take(8))}, those of {Folder} are {string.Join(", ", labels.Take(8))}", "Combine classifiers of the same labels in the same order");
        }

        if (HasTokenizer(Folder) && HasTokenizer(other.Folder))
        {
            CompareVocabulary(other);
        }
    }

    /// <summary>The entry that means the weight <paramref name="name"/>, or null: files of a bare body leave its prefix out, and old ones call a norm's weights gamma and beta.</summary>
    public SafetensorsEntry? Find(string name)
    {
        string bare = name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..];
        string legacy = name.Replace("LayerNorm.weight", "LayerNorm.gamma", StringComparison.Ordinal).Replace("LayerNorm.bias", "LayerNorm.beta", StringComparison.Ordinal);
        return Files.Entries.GetValueOrDefault(name)
            ?? Files.Entries.GetValueOrDefault(bare)
            ?? Files.Entries.GetValueOrDefault(legacy)
            ?? Longer(name);
    }

    /// <summary>As <see cref="Find"/>, for a weight that must be there in a shape.</summary>
    /// <param name="name">The weight's name in the other model.</param>
    /// <param name="shape">Its shape there.</param>
    /// <param name="model">The other model's folder.</param>
    /// <exception cref="MergeException">It is not there, or has another shape.</exception>
    public SafetensorsEntry Require(string name, long[] shape, string model)
    {
        if (Find(name) is not { } entry)
        {
            throw new MergeException(Folder, $"it has no weight '{name}', which {model} has",
                "Combine models with the same layers; a classifier's output layer must be in all of them: fit it by 'tuning: head' first, and tune on from that model");
        }

        return entry.Shape.AsSpan().SequenceEqual(shape)
            ? entry
            : throw new MergeException(Folder, $"'{name}' has the shape [{string.Join(", ", entry.Shape)}], in {model} it has [{string.Join(", ", shape)}]", "Combine models of one size and one vocabulary, tuned from one base");
    }

    /// <summary>The configuration and the tokenizer's files of this model, for one that was made from it.</summary>
    public void CopyCompanions(string folder, IReadOnlyList<SafetensorsDType> types)
    {
        JsonObject config = JsonObject.Create(Config.Json)!;
        foreach (string key in (ReadOnlySpan<string>)["torch_dtype", "dtype"])
        {
            if (config.ContainsKey(key) && types is [var single] && NameOf(single) is { } name)
            {
                config[key] = name;
            }
        }

        IndentedJson.Write(Path.Combine(folder, ModelConfig.FileName), config);
        WeightFiles.CopyCompanions(Folder, folder);
    }

    public void Dispose() => Files.Dispose();

    private static string? NameOf(SafetensorsDType type) => type switch
    {
        SafetensorsDType.F32 => "float32",
        SafetensorsDType.BF16 => "bfloat16",
        SafetensorsDType.F16 => "float16",
        _ => null,
    };

    private SafetensorsEntry? Longer(string name)
    {
        SafetensorsEntry[] longer = [.. Files.Entries.Values.Where(entry => entry.Name.EndsWith("." + name, StringComparison.Ordinal) && !entry.Name[..^(name.Length + 1)].Contains('.', StringComparison.Ordinal))];
        return longer is [var single] ? single : null;
    }

    private static bool HasTokenizer(string folder) => Tokenizer.ExistsIn(folder);

    // Equal sizes say nothing: where token 17 is another word, the mean of two rows of the table means nothing.
    private void CompareVocabulary(MergedModel other)
    {
        var mine = ModelTokenizer.Load(Folder).Tokenizer;
        var its = ModelTokenizer.Load(other.Folder).Tokenizer;
        for (int id = 0; id < Math.Max(mine.VocabularySize, its.VocabularySize); id++)
        {
            if (mine.IdToToken(id) is var a && its.IdToToken(id) is var b && a != b)
            {
                throw new MergeException(other.Folder, $"its token {id} is {Quoted(b)}, that of {Folder} is {Quoted(a)}", "Combine models of one vocabulary");
            }
        }
    }

    private static string Quoted(string? token) => token is null ? "none" : $"'{token}'";
}
