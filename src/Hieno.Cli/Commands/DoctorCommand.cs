using System.CommandLine;
using System.Text.Json.Nodes;
using Hieno.Cli.Doctor;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno doctor</c>: what this machine offers, and what is missing.</summary>
internal static class DoctorCommand
{
    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "doctor",
            "Looks at what training depends on: .NET, processor, vectors, memory, Unicode tables, disk, and the speed of a short matrix product. The exit code is 1 when something that matters is wrong.",
            "hieno doctor");
        Option<bool> json = verb.Flag("--json", "Prints a JSON array.");
        Option<string?> folder = verb.Text("--dir", "DIR", "The folder whose disk is looked at. Default: the current one.");
        verb.SetAction(parsed =>
        {
            IReadOnlyList<Finding> findings = MachineCheck.Run(parsed.GetValue(folder) ?? Directory.GetCurrentDirectory());
            if (parsed.GetValue(json))
            {
                terminal.WriteLine(new JsonArray([.. findings.Select(finding => new JsonObject
                {
                    ["subject"] = finding.Subject, ["state"] = Mark(finding.State), ["value"] = finding.Value, ["advice"] = finding.Advice,
                })]).ToJsonString(JsonOutput.Options));
            }
            else
            {
                Write(findings, terminal.Output);
            }

            return findings.Any(finding => finding.State == FindingState.Wrong) ? ExitCode.Failed : ExitCode.Done;
        });
        return verb;
    }

    private static void Write(IReadOnlyList<Finding> findings, TextWriter output)
    {
        var table = new TextColumns("subject", "state", "value");
        foreach (Finding finding in findings)
        {
            table.Add(finding.Subject, Mark(finding.State), finding.Value);
        }

        table.Write(output);
        Finding[] advised = [.. findings.Where(finding => finding.Advice is not null)];
        if (advised.Length > 0)
        {
            output.WriteLine();
        }

        foreach (Finding finding in advised)
        {
            output.WriteLine($"{finding.Subject}: {finding.Advice}");
        }
    }

    private static string Mark(FindingState state) => state switch { FindingState.Good => "ok", FindingState.Slow => "slow", _ => "WRONG" };
}
