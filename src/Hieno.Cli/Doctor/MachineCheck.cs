using System.Runtime;
using System.Runtime.InteropServices;
using System.Text;
using Hieno.Tensors;
using Hieno.Tensors.Cpu;

namespace Hieno.Cli.Doctor;

/// <summary>Looks at the machine that a run would have.</summary>
internal static class MachineCheck
{
    private const double GiB = 1L << 30;
    private const string HugePagesPath = "/sys/kernel/mm/transparent_hugepage/enabled";

    public static IReadOnlyList<Finding> Run(string folder) =>
        [Version(), DotNet(), Processor(), Vectors(), Memory(), HugePages(), GarbageCollector(), Unicode(), Disk(folder), .. ProductCheck.Run()];

    private static Finding Version() => new("hieno", FindingState.Good, typeof(MachineCheck).Assembly.GetName().Version?.ToString(3) ?? "unknown");

    private static Finding DotNet() => new(".NET", FindingState.Good, $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.RuntimeIdentifier}, {RuntimeInformation.OSDescription}");

    private static Finding Processor()
    {
        CpuBackend backend = CpuBackend.Shared;
        string name = ProcessorName() ?? $"{RuntimeInformation.ProcessArchitecture}";
        string threads = Environment.GetEnvironmentVariable("HIENO_THREADS") is { Length: > 0 } set ? $" (HIENO_THREADS={set})" : string.Empty;
        return new("processor", FindingState.Good, $"{name}, {Environment.ProcessorCount} cores, {backend.Threads} threads compute{threads}");
    }

    private static string? ProcessorName()
    {
        const string CpuInfo = "/proc/cpuinfo";
        string? line = File.Exists(CpuInfo)
            ? File.ReadLines(CpuInfo).FirstOrDefault(text => text.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER");
    }

    private static Finding Vectors() => CpuBackend.Widest switch
    {
        SimdWidth.Scalar => new("vectors", FindingState.Slow, "none", "Without vector instructions training is many times slower. Use a 64-bit processor with AVX2 or NEON, and leave DOTNET_EnableHWIntrinsic alone."),
        SimdWidth.Bits128 when RuntimeInformation.ProcessArchitecture == Architecture.X64 =>
            new("vectors", FindingState.Slow, "128 bits", "There is no AVX2 with FMA, or it is switched off, so training is about four times slower than it could be."),
        SimdWidth.Bits128 => new("vectors", FindingState.Good, "128 bits"),
        SimdWidth.Bits256 => new("vectors", FindingState.Good, "256 bits"),
        _ => new("vectors", FindingState.Good, "512 bits"),
    };

    private static Finding Memory()
    {
        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        double total = memory.TotalAvailableMemoryBytes;
        return total >= 2 * GiB
            ? new("memory", FindingState.Good, Figures.Bytes(total))
            : new("memory", FindingState.Slow, Figures.Bytes(total), "Only very small models can be trained in this. Raise the limit of the container, or use a machine with more memory.");
    }

    private static Finding HugePages()
    {
        if (!File.Exists(HugePagesPath))
        {
            return new("huge pages", FindingState.Good, "not a setting of this system");
        }

        string setting = File.ReadAllText(HugePagesPath).Trim();
        return setting.Contains("[never]", StringComparison.Ordinal)
            ? new("huge pages", FindingState.Slow, "never", $"Large tensors are a few per cent faster with huge pages. As administrator: echo madvise > {HugePagesPath}")
            : new("huge pages", FindingState.Good, setting);
    }

    private static Finding GarbageCollector() => GCSettings.IsServerGC
        ? new("garbage collector", FindingState.Slow, "server", "Tensors are not on its heap; the server collector only takes memory. Leave DOTNET_gcServer unset.")
        : new("garbage collector", FindingState.Good, "workstation");

    // Tokenizers take text apart by these tables; without them accents and ligatures would give other tokens than in training.
    private static Finding Unicode()
    {
        const string Advice = "Install the ICU library (libicu), or unset DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: tokenizers that normalize text would give wrong tokens.";
        bool isInvariant = AppContext.TryGetSwitch("System.Globalization.Invariant", out bool on) && on;
        try
        {
            bool works = "é".Normalize(NormalizationForm.FormD) == "e\u0301"
                && "e\u0301".Normalize(NormalizationForm.FormC) == "é"
                && "ﬁ①".Normalize(NormalizationForm.FormKC) == "fi1"
                && "각".Normalize(NormalizationForm.FormD).Length == 3
                && char.ToLowerInvariant('É') == 'é';
            return works
                ? new("Unicode", FindingState.Good, isInvariant ? "normalizes (invariant mode)" : "normalizes")
                : new("Unicode", FindingState.Wrong, "does not normalize text", Advice);
        }
        catch (Exception e) when (e is PlatformNotSupportedException or DllNotFoundException)
        {
            return new("Unicode", FindingState.Wrong, $"does not normalize text ({e.Message})", Advice);
        }
    }

    private static Finding Disk(string folder)
    {
        try
        {
            string probe = Path.Combine(folder, $".hieno-doctor-{Environment.ProcessId}");
            using (new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
            {
                double free = new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
                return free >= GiB
                    ? new("disk", FindingState.Good, $"{Figures.Bytes(free)} free in {folder}")
                    : new("disk", FindingState.Slow, $"{Figures.Bytes(free)} free in {folder}", "Checkpoints of a larger model would not fit. Make room, or give another 'output'.");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new("disk", FindingState.Wrong, $"{folder} cannot be written to ({e.Message.TrimEnd('.')})", "Run from a folder that you may write to, or give an 'output' in one.");
        }
    }
}
