namespace Hieno.Parity;

/// <summary>A file of the folder <c>align</c>: what plain PyTorch made of a method that PEFT does not know, on the model of another folder.</summary>
internal static class AlignFixture
{
    private const string Preferences = "learning from preferences";

    private static readonly Dictionary<string, Func<string, IEnumerable<Measurement>>> s_checks = new(StringComparer.Ordinal)
    {
        ["loreft"] = LoReFTCheck.Run,
        ["fisher_layernorm_bert_seqcls"] = FisherCheck.Run,
        ["llrd_gpt2"] = LayerDecayCheck.Run,
    };

    // What the methods of the other files need.
    private static readonly Dictionary<string, string> s_missing = new(StringComparer.Ordinal)
    {
        ["dpo"] = Preferences,
        ["dpo_rpo1"] = Preferences,
        ["simpo_b2_g0.5"] = Preferences,
        ["orpo_l0.1"] = Preferences,
        ["grpo"] = "policy optimisation",
        ["reward"] = "reward models",
        ["reward_model"] = "reward models",
    };

    /// <summary>True for a file with a method's reference values, and for the folder of the model that one of them was made with.</summary>
    public static bool IsFixture(string path) =>
        (File.Exists(Path.Combine(path, "..", "pairs.safetensors")) || File.Exists(Sibling(path, "pairs"))) && (s_checks.ContainsKey(NameOf(path)) || s_missing.ContainsKey(NameOf(path)));

    /// <summary>The file's name without what follows the last full stop of a file; that of a folder whole.</summary>
    public static string NameOf(string path) => Directory.Exists(path) ? Path.GetFileName(Path.TrimEndingDirectorySeparator(path)) : Path.GetFileNameWithoutExtension(path);

    /// <summary>Why a file cannot be compared, or null when it can.</summary>
    public static string? WhyUnsupported(string path) => s_missing.TryGetValue(NameOf(path), out string? need) ? $"needs {need}, which is not known here" : null;

    /// <summary>Compares a file.</summary>
    public static IEnumerable<Measurement> Run(string path) => s_checks[NameOf(path)](path);

    /// <summary>Another file beside this one.</summary>
    public static string Sibling(string path, string name) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, name + ".safetensors");

    /// <summary>The model of the fixture <paramref name="name"/>, which lies beside the folder of this file.</summary>
    public static Fixture BaseOf(string path, string name) => Fixture.Read(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "..", name)));
}
