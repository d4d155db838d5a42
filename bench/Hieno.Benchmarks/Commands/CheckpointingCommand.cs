using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Hieno.Benchmarks.Contest;
using Hieno.Benchmarks.Workloads;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Tensors;
using Hieno.Tensors.Cpu;
using Hieno.Tuning;

namespace Hieno.Benchmarks.Commands;

/// <summary><c>checkpointing</c>: memory and time of GPT-2's forward and backward pass on a row of 1024 tokens, by how many blocks are computed again together.</summary>
internal static class CheckpointingCommand
{
    private const string Name = "checkpointing";
    private const int Off = -1;
    private const int WarmUp = 1;
    private const int Samples = 3;
    private static readonly int[] s_spans = [Off, 6, 0, 2, 1];

    /// <summary>The command.</summary>
    public static Command Create()
    {
        Option<int?> span = new("--span") { Description = "Measure this span alone; -1 for no checkpointing." };
        Option<bool> lora = new("--lora") { Description = "With --span: LoRA in place of full tuning." };
        Command command = new(Name, "Measures memory and time of gradient checkpointing on GPT-2 124M, 1 × 1024 tokens.") { span, lora };
        command.SetAction(parsed => Run(parsed.GetValue(span), parsed.GetValue(lora)));
        return command;
    }

    private static int Run(int? span, bool lora)
    {
        Console.WriteLine("| tuning | checkpointSpan | kept for the backward pass, MiB | peak of a pass, MiB | 10⁹ operations | seconds | of the time without |");
        Console.WriteLine("|---|--:|--:|--:|--:|--:|--:|");
        if (span is { } only)
        {
            Figures figures = Measure(only, lora);
            Console.WriteLine(Line(only, lora, figures, figures.Seconds));
            Console.WriteLine(JsonSerializer.Serialize(figures));
            return ExitCode.Pass;
        }

        // A process for each line: its peak is its own.
        foreach (bool isLora in (bool[])[false, true])
        {
            double without = 0;
            foreach (int each in s_spans)
            {
                string output = OwnProcess.Run([Name, $"--span={each}", .. isLora ? new[] { "--lora" } : []]);
                Figures figures = JsonSerializer.Deserialize<Figures>(output.TrimEnd().Split('\n')[^1])!;
                without = each == Off ? figures.Seconds : without;
                Console.WriteLine(Line(each, isLora, figures, without));
            }
        }

        return ExitCode.Pass;
    }

    private static string Line(int span, bool lora, Figures figures, double without) =>
        $"| {(lora ? "LoRA r8 on c_attn" : "full")} | {span switch { Off => "off", 0 => "0: the root, 4", _ => $"{span}" }} | {figures.Kept >> 20} | {figures.Peak >> 20} | {figures.Operations / 1e9:F0} | {figures.Seconds:F2} | {figures.Seconds / without:F2} |";

    private static Figures Measure(int span, bool lora)
    {
        var workload = new Gpt2Workload { Batch = 1, Tokens = 1024 };
        using var backend = new CpuBackend(Environment.ProcessorCount);
        TextModel model = TextModel.Create(ModelConfig.From(JsonSerializer.SerializeToElement(workload.Config()), Name), workload.Head, (ulong)workload.Seed, backend: backend);
        TunedModel tuned = (lora ? workload.Lora() : (TuningOptions)new FullOptions()).Create().Apply(model, (ulong)workload.Seed);
        (model.Backbone.GradientCheckpointing, model.Backbone.CheckpointSpan) = (span != Off, Math.Max(span, 0));
        var rng = new Rng((ulong)workload.Seed, RngStream.DataOrder);
        int[] ids = [.. Enumerable.Range(0, workload.Tokens).Select(i => rng.Below(workload.Vocabulary, 0, (ulong)i))];
        var batch = new TokenBatch(ids, [workload.Tokens]);

        long before = backend.Pool.LiveBytes;
        (long kept, long operations) = (0, 0);
        var seconds = new List<double>();
        for (int i = 0; i < WarmUp + Samples; i++)
        {
            long start = Stopwatch.GetTimestamp();
            using (Tape tape = Tape.Begin(backend: backend))
            {
                Tensor loss = Ops.LinearCrossEntropy(model.Backbone.Forward(batch), model.LanguageHead!.Projection, null, ids, null, 1f / ids.Length);
                kept = backend.Pool.LiveBytes - before;
                tape.Backward(loss);
                operations = tape.ForwardFlops + tape.BackwardFlops;
            }

            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            foreach (Parameter parameter in tuned.Trainable)
            {
                parameter.Value.ClearGrad();
            }
        }

        seconds.RemoveRange(0, WarmUp);
        seconds.Sort();
        return new Figures(kept, backend.Pool.PeakBytes - before, operations, seconds[seconds.Count / 2]);
    }

    private sealed record Figures(long Kept, long Peak, long Operations, double Seconds);
}
