using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Hieno.Benchmarks.Commands;

/// <summary>Our half of the line protocol of <c>bench/peers/protocol.py</c>: the child process that runs our steps.</summary>
internal static class ServeCommand
{
    /// <summary>The verb the harness starts the child with.</summary>
    public const string Name = "serve-step";

    /// <summary>The command. It is not for people, so the help does not show it.</summary>
    public static Command Create()
    {
        Command command = new(Name, "Runs our side of a row for the harness.") { Hidden = true };
        command.SetAction(_ => Serve(Console.In, Console.Out));
        return command;
    }

    private static int Serve(TextReader requests, TextWriter replies)
    {
        Console.SetOut(Console.Error); // whatever a step prints must not be taken for a reply
        replies.WriteLine($"ready {JsonSerializer.Serialize(new { dotnet = Environment.Version.ToString() })}");
        try
        {
            IStepBenchmark? benchmark = null;
            while (requests.ReadLine() is { } line && line != "quit")
            {
                if (line == "step")
                {
                    replies.WriteLine(Step(benchmark));
                }
                else
                {
                    (benchmark, string reply) = Setup(line);
                    replies.WriteLine(reply);
                }
            }

            return ExitCode.Pass;
        }
        catch (Exception fault)
        {
            // The parent reports the message; the stack follows on standard error for whoever mends it.
            replies.WriteLine($"error {fault.GetType().Name}: {fault.Message.ReplaceLineEndings(" ")}");
            Console.Error.WriteLine(fault);
            return ExitCode.Failed;
        }
    }

    private static string Step(IStepBenchmark? benchmark)
    {
        if (benchmark is null)
        {
            throw new InvalidOperationException("'step' came before 'setup'.");
        }

        long start = Stopwatch.GetTimestamp();
        double loss = benchmark.Step();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return string.Create(CultureInfo.InvariantCulture, $"done {seconds:F9} {loss:G9}");
    }

    private static (IStepBenchmark Benchmark, string Reply) Setup(string line)
    {
        if (!line.StartsWith("setup ", StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"unknown request '{line}'. Known: setup, step, quit.");
        }

        using JsonDocument request = JsonDocument.Parse(line["setup ".Length..]);
        int threads = request.RootElement.GetProperty("threads").GetInt32();
        if (threads != Environment.ProcessorCount)
        {
            throw new InvalidOperationException($"{threads} threads are asked for, but this process sees {Environment.ProcessorCount} processors.");
        }

        IStepBenchmark benchmark = Rows.Named(request.RootElement.GetProperty("task").GetProperty("row").GetString()!);
        benchmark.Setup();
        return (benchmark, $"ok {JsonSerializer.Serialize(new { threads })}");
    }
}
