using System.Runtime.InteropServices;
using System.Text;

namespace Hieno.Benchmarks.Machine;

/// <summary>What is said about the machine that figures come from: processor and cores, nothing that names its owner.</summary>
/// <param name="Processor">The processor's model name.</param>
/// <param name="Cores">Processors this process may use.</param>
internal sealed record MachineIdentity(string Processor, int Cores)
{
    /// <summary>The machine this runs on.</summary>
    public static MachineIdentity Here { get; } = new(ReadProcessor(), Environment.ProcessorCount);

    /// <summary>A file name made of the identity: lower case letters, digits and hyphens.</summary>
    public string FileName
    {
        get
        {
            StringBuilder name = new();
            foreach (char letter in ToString().ToLowerInvariant())
            {
                if (char.IsAsciiLetterOrDigit(letter))
                {
                    name.Append(letter);
                }
                else if (name.Length > 0 && name[^1] != '-')
                {
                    name.Append('-');
                }
            }

            return name.ToString().TrimEnd('-');
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Processor}, {Cores} {(Cores == 1 ? "core" : "cores")}";

    private static string ReadProcessor()
    {
        const string File = "/proc/cpuinfo";
        string? line = System.IO.File.Exists(File)
            ? System.IO.File.ReadLines(File).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
            : null;
        string? model = line?.Split(':', 2)[^1].Trim();
        return string.IsNullOrEmpty(model) ? $"unnamed {RuntimeInformation.ProcessArchitecture}" : model;
    }
}
