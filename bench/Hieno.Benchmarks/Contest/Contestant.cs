using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Benchmarks.Machine;

namespace Hieno.Benchmarks.Contest;

/// <summary>What a contestant answers to <c>step</c>.</summary>
/// <param name="Seconds">Wall time of the step, measured by the contestant itself.</param>
/// <param name="Loss">The loss before the update.</param>
internal readonly record struct StepReply(double Seconds, double Loss);

/// <summary>One side of a comparison: a child process that stays alive and runs a training step when told to.</summary>
/// <remarks>
/// Our side is a child just as the peer is. So both have a memory figure of their own, neither inherits the
/// other's heap, and the harness itself sleeps while a step runs. The line protocol is described in
/// <c>bench/peers/protocol.py</c>.
/// </remarks>
internal sealed class Contestant : IDisposable
{
    // Far above any step worth measuring: it turns a hang into a message.
    private static readonly TimeSpan ReplyLimit = TimeSpan.FromMinutes(5);

    private readonly Process _process;
    private readonly Queue<string> _lastErrors = new();

    private Contestant(string name, Process process)
    {
        Name = name;
        _process = process;
        process.ErrorDataReceived += (_, line) => KeepError(line.Data);
        process.BeginErrorReadLine();
        About = ParseObject(Expect("ready"));
    }

    /// <summary>"ours", or the peer's name.</summary>
    public string Name { get; }

    /// <summary>The process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>What the contestant said about itself when it started.</summary>
    public JsonObject About { get; }

    /// <summary>The largest resident memory the process has had so far, in bytes.</summary>
    public long PeakMemory => ProcessMemory.Peak(ProcessId);

    /// <summary>Starts the process and waits until it is ready.</summary>
    /// <exception cref="BenchmarkException">It could not be started, or did not get ready.</exception>
    public static Contestant Start(string name, ProcessStartInfo start)
    {
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.UseShellExecute = false;
        Process process = Process.Start(start)
            ?? throw new BenchmarkException(ExitCode.Failed, $"{name}: {start.FileName} did not start. Run it by hand to see why.");
        try
        {
            return new Contestant(name, process);
        }
        catch
        {
            Stop(process);
            throw;
        }
    }

    /// <summary>Builds the model. Returns the facts the contestant tells about it.</summary>
    public JsonObject Setup(int threads, JsonObject task)
    {
        JsonObject request = new() { ["threads"] = threads, ["task"] = task.DeepClone() };
        Send("setup " + request.ToJsonString());
        return ParseObject(Expect("ok"));
    }

    /// <summary>Runs one step.</summary>
    /// <exception cref="BenchmarkException">The contestant failed, hung, or its loss is not a finite number.</exception>
    public StepReply Step()
    {
        Send("step");
        string[] fields = Expect("done").Split(' ');
        if (fields.Length != 2
            || !double.TryParse(fields[0], NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds)
            || !double.TryParse(fields[1], NumberStyles.Float, CultureInfo.InvariantCulture, out double loss)
            || !(seconds > 0))
        {
            throw Failure($"answered 'done {string.Join(' ', fields)}' to 'step', expected seconds and a loss");
        }

        return double.IsFinite(loss)
            ? new StepReply(seconds, loss)
            : throw Failure($"has a loss of {loss}: its step is broken, so its time means nothing");
    }

    /// <summary>Builds a case in place of the one before it. Both sides compute on the same operands.</summary>
    /// <returns>The check value of its result.</returns>
    public double BuildCase(JsonObject settings)
    {
        Send("case " + settings.ToJsonString());
        JsonObject reply = ParseObject(Expect("ok"));
        double check = reply["check"]?.GetValue<double>() ?? throw Failure($"answered {reply.ToJsonString()} to 'case', expected a check value");
        return double.IsFinite(check) ? check : throw Failure($"computes {check} in the case {settings.ToJsonString()}: it is broken, so its time means nothing");
    }

    /// <summary>Runs the case several times.</summary>
    /// <param name="calls">How often.</param>
    /// <param name="gap">Idle time before each call.</param>
    /// <returns>Seconds of all calls together, without the gaps.</returns>
    public double Repeat(int calls, TimeSpan gap)
    {
        Send(string.Create(CultureInfo.InvariantCulture, $"repeat {calls} {gap.TotalSeconds:R}"));
        string reply = Expect("done");
        return double.TryParse(reply, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && seconds > 0
            ? seconds
            : throw Failure($"answered 'done {reply}' to 'repeat', expected seconds");
    }

    /// <summary>Ends the process: politely first.</summary>
    public void Dispose() => Stop(_process);

    private static void Stop(Process process)
    {
        try
        {
            process.StandardInput.WriteLine("quit");
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The pipe is broken because the process has ended: that is what was wanted.
        }

        if (!process.WaitForExit(TimeSpan.FromSeconds(5)))
        {
            process.Kill(entireProcessTree: true);
        }

        process.Dispose();
    }

    private void Send(string line)
    {
        try
        {
            _process.StandardInput.WriteLine(line);
            _process.StandardInput.Flush();
        }
        catch (IOException)
        {
            throw Failure("has ended");
        }
    }

    /// <summary>Reads one reply, which must begin with <paramref name="verb"/>, and returns the rest of it.</summary>
    private string Expect(string verb)
    {
        Task<string?> reading = _process.StandardOutput.ReadLineAsync();
        if (!reading.Wait(ReplyLimit))
        {
            throw Failure($"did not answer within {ReplyLimit.TotalMinutes:0} minutes");
        }

        string line = reading.Result ?? throw Failure("has ended");
        if (line.StartsWith("error ", StringComparison.Ordinal))
        {
            throw Failure($"failed: {line["error ".Length..]}");
        }

        return line.StartsWith(verb + " ", StringComparison.Ordinal)
            ? line[(verb.Length + 1)..]
            : throw Failure($"answered '{line}', expected '{verb} …'");
    }

    private JsonObject ParseObject(string json)
    {
        try
        {
            return JsonNode.Parse(json) as JsonObject ?? throw Failure($"answered {json}, expected a JSON object");
        }
        catch (JsonException)
        {
            throw Failure($"answered {json}, which is not JSON");
        }
    }

    private void KeepError(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_lastErrors)
        {
            _lastErrors.Enqueue(line);
            if (_lastErrors.Count > 20)
            {
                _lastErrors.Dequeue();
            }
        }
    }

    private BenchmarkException Failure(string fact)
    {
        // Where the process has ended, this also waits until all it wrote to standard error has arrived.
        if (_process.WaitForExit(TimeSpan.FromSeconds(1)))
        {
            _process.WaitForExit();
        }

        string said;
        lock (_lastErrors)
        {
            said = string.Concat(_lastErrors.Select(line => Environment.NewLine + "  " + line));
        }

        return new BenchmarkException(
            ExitCode.Failed,
            $"{Name}: the process {fact}. {(said.Length > 0 ? "It last said:" + said : "It said nothing on standard error.")}");
    }
}
