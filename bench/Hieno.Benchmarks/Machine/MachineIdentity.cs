using System.Runtime.InteropServices;
using System.Text;

namespace Hieno.Benchmarks.Machine;

/// <summary>What is said about the machine that figures come from: processor and cores, nothing that names its owner.</summary>
/// <param name="Processor">The processor's model name, family and model number.</param>
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

    /// <summary>The model's name with its family and model number: one name is sold with processors of several generations.</summary>
    private static string ReadProcessor()
    {
        const string File = "/proc/cpuinfo";
        Dictionary<string, string> first = new(StringComparer.Ordinal); // of the first core, whose lines end with an empty one
        foreach (string line in System.IO.File.Exists(File) ? System.IO.File.ReadLines(File).TakeWhile(line => line.Length > 0) : [])
        {
            string[] parts = line.Split(':', 2, StringSplitOptions.TrimEntries);
            first[parts[0]] = parts[^1];
        }

        string name = first.TryGetValue("model name", out string? model) && model.Length > 0 ? model : $"unnamed {RuntimeInformation.ProcessArchitecture}";
        return first.TryGetValue("cpu family", out string? family) && first.TryGetValue("model", out string? number)
            ? $"{name} (family {family}, model {number})"
            : name;
    }
}
