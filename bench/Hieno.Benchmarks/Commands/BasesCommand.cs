using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Hieno.Benchmarks.Contest;
using Hieno.Benchmarks.Machine;
using Hieno.Benchmarks.Workloads;
using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Benchmarks.Commands;

/// <summary><c>bases</c>: a LoRA step on a frozen base in 32, 16 and 4 bits: seconds and peak memory of the process.</summary>
internal static class BasesCommand
{
    private const string Name = "bases";
    private const int WarmUp = 2;

    private static readonly (string Name, StepWorkload Workload)[] s_models =
    [
        ("gpt2-124M", new Gpt2Workload { Tuning = StepTuning.Lora }),
        ("llama-134M", new LlamaWorkload { Tuning = StepTuning.Lora }),
    ];

    private static readonly (string Name, DType Stored, bool Quantized)[] s_bases =
    [
        ("fp32", DType.F32, false),
        ("bf16", DType.BF16, false),
        ("nf4, from bf16", DType.BF16, true),
    ];

    /// <summary>The command.</summary>
    public static Command Create()
    {
        Option<int> samples = new("--samples") { Description = "Timed steps of each; the median counts.", DefaultValueFactory = _ => 5 };
        Option<string?> model = new("--model") { Description = "Measure this model alone, in this process; for the command itself." };
        Option<int> stored = new("--base") { Description = "The number of the base to measure; for the command itself." };
        Option<string?> folder = new("--folder") { Description = "The checkpoint; for the command itself." };
        Option<bool> write = new("--write") { Description = "Write the checkpoint instead; for the command itself." };
        Command command = new(Name, "Measures a LoRA step on a frozen base in 32, 16 and 4 bits.") { samples, model, stored, folder, write };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(model) is not { } name)
            {
                return Run(parsed.GetValue(samples));
            }

            StepWorkload workload = Array.Find(s_models, item => item.Name == name).Workload;
            if (parsed.GetValue(write))
            {
                Write(workload, s_bases[parsed.GetValue(stored)].Stored, parsed.GetValue(folder)!);
            }
            else
            {
                Measure(name, workload, parsed.GetValue(stored), parsed.GetValue(folder)!, parsed.GetValue(samples));
            }

            return ExitCode.Pass;
        });
        return command;
    }

    // A process for each, so that the peak of its memory is its own; and one that writes the checkpoint, so that making it does not count.
    private static int Run(int samples)
    {
        Console.WriteLine(MachineIdentity.Here);
        Console.WriteLine();
        Console.WriteLine("| model | base | weights in memory, MiB | to open, s | s/step | peak memory, MiB | first loss |");
        Console.WriteLine("|---|---|--:|--:|--:|--:|--:|");
        foreach ((string model, _) in s_models)
        {
            for (int i = 0; i < s_bases.Length; i++)
            {
                string folder = Directory.CreateTempSubdirectory("hieno-bases-").FullName;
                try
                {
                    OwnProcess.Run(Name, "--model", model, "--base", $"{i}", "--folder", folder, "--write");
                    Console.Write(OwnProcess.Run(Name, "--model", model, "--base", $"{i}", "--folder", folder, "--samples", $"{samples}"));
                }
                finally
                {
                    Directory.Delete(folder, recursive: true);
                }
            }
        }

        return ExitCode.Pass;
    }

    private static void Write(StepWorkload workload, DType stored, string folder)
    {
        ModelConfig config = ConfigOf(workload);
        TextModel model = TextModel.Create(config, workload.Head, (ulong)workload.Seed);
        CheckpointFiles.Write(folder, model.Parameters().Select(parameter =>
        {
            Tensor copy = Tensor.CreateLongLived(parameter.Value.Shape, stored);
            copy.Backend.Copy(parameter.Value, copy);
            return WeightFiles.Item(parameter.Name, copy);
        }));
        File.WriteAllText(Path.Combine(folder, ModelConfig.FileName), config.Json.GetRawText());
    }

    private static void Measure(string model, StepWorkload workload, int index, string folder, int samples)
    {
        (string name, _, bool quantized) = s_bases[index];
        WeightQuantization? quantization = quantized ? new Nf4Options().Create() : null;
        long weights = 0;
        var step = new TrainingStep(model, target: 1, workload)
        {
            Base = (config, head) =>
            {
                TextModel opened = TextModel.Load(folder, head, config: config, quantization: quantization);
                weights = opened.Parameters().Sum(parameter => parameter.Value.DType.ByteLength(parameter.Count));
                return opened;
            },
        };
        long start = Stopwatch.GetTimestamp();
        step.Setup();
        double opening = Stopwatch.GetElapsedTime(start).TotalSeconds;
        double loss = step.Step();
        for (int i = 1; i < WarmUp; i++)
        {
            step.Step();
        }

        var seconds = new List<double>();
        while (seconds.Count < samples)
        {
            start = Stopwatch.GetTimestamp();
            step.Step();
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        seconds.Sort();
        long peak = ProcessMemory.Peak(Environment.ProcessId);
        Console.WriteLine($"| {model} | {name} | {weights / 1048576.0:F0} | {opening:F2} | {seconds[samples / 2]:F3} | {peak / 1048576.0:F0} | {loss:F4} |");
    }

    private static ModelConfig ConfigOf(StepWorkload workload) => ModelConfig.From(JsonSerializer.SerializeToElement(workload.Config()), "config.json");
}
