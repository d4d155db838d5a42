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
            Session session = new();
            while (requests.ReadLine() is { } line && line != "quit")
            {
                replies.WriteLine(session.Answer(line));
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

    /// <summary>What the harness has set up so far, and the answers to its requests.</summary>
    private sealed class Session
    {
        private IBenchmark? _row;
        private CaseRun? _case;

        public string Answer(string line)
        {
            string[] parts = line.Split(' ', 2);
            string rest = parts.Length > 1 ? parts[1] : "";
            return parts[0] switch
            {
                "setup" => Setup(rest),
                "step" => Step(_row as IStepBenchmark ?? throw TooEarly("step", "the setup of a row of steps")),
                "case" => Build(rest, _row as CasesRow ?? throw TooEarly("case", "the setup of a row of cases")),
                "repeat" => Repeat(rest, _case ?? throw TooEarly("repeat", "'case'")),
                _ => throw new InvalidOperationException($"unknown request '{line}'. Known: setup, step, case, repeat, quit."),
            };
        }

        private static InvalidOperationException TooEarly(string verb, string first) => new($"'{verb}' came before {first}.");

        private static string Step(IStepBenchmark benchmark)
        {
            long start = Stopwatch.GetTimestamp();
            double loss = benchmark.Step();
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            return string.Create(CultureInfo.InvariantCulture, $"done {seconds:F9} {loss:G9}");
        }

        private static string Repeat(string request, CaseRun run)
        {
            string[] fields = request.Split(' ');
            int calls = int.Parse(fields[0], CultureInfo.InvariantCulture);
            TimeSpan gap = TimeSpan.FromSeconds(double.Parse(fields[1], CultureInfo.InvariantCulture));
            return string.Create(CultureInfo.InvariantCulture, $"done {Time(run.Call, calls, gap).TotalSeconds:F9}");
        }

        private static TimeSpan Time(Action call, int calls, TimeSpan gap)
        {
            // Without gaps the clock is read twice in all, so that it weighs nothing on calls of a microsecond.
            int atOnce = gap == TimeSpan.Zero ? calls : 1;
            TimeSpan sum = TimeSpan.Zero;
            for (int done = 0; done < calls; done += atOnce)
            {
                Thread.Sleep(gap);
                long start = Stopwatch.GetTimestamp();
                for (int i = 0; i < atOnce; i++)
                {
                    call();
                }

                sum += Stopwatch.GetElapsedTime(start);
            }

            return sum;
        }

        private string Build(string request, CasesRow row)
        {
            using JsonDocument settings = JsonDocument.Parse(request);
            string name = settings.RootElement.GetProperty("case").GetString()!;
            _case = null;
            GC.Collect(); // the operands of the case before: some take gigabytes
            GC.WaitForPendingFinalizers();
            _case = row.Cases.Single(item => item.Name == name).Build();
            _case.Call();
            return $"ok {JsonSerializer.Serialize(new { check = _case.Check() })}";
        }

        private string Setup(string request)
        {
            using JsonDocument settings = JsonDocument.Parse(request);
            int threads = settings.RootElement.GetProperty("threads").GetInt32();
            if (threads != Environment.ProcessorCount)
            {
                throw new InvalidOperationException($"{threads} threads are asked for, but this process sees {Environment.ProcessorCount} processors.");
            }

            _row = Rows.Named(settings.RootElement.GetProperty("task").GetProperty("row").GetString()!);
            (_row as IStepBenchmark)?.Setup();
            return $"ok {JsonSerializer.Serialize(new { threads })}";
        }
    }
}
