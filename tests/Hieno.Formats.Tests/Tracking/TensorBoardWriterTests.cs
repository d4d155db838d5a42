using Hieno.Formats.Durable;
using Hieno.Formats.Tracking;

namespace Hieno.Formats.Tests.Tracking;

public sealed class TensorBoardWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SetClock _clock = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void File_is_named_after_time_host_and_process_and_starts_with_its_version()
    {
        using var first = new TensorBoardWriter(_folder["run"], _clock);
        using var second = new TensorBoardWriter(_folder["run"], _clock);

        string stem = $"events.out.tfevents.1700000000.{Environment.MachineName}.{Environment.ProcessId}";
        Assert.Equal([stem + ".0", stem + ".1"], [Path.GetFileName(first.Path), Path.GetFileName(second.Path)]);
        var version = Assert.Single(EventFileReader.Read(first.Path));
        Assert.Equal([1, 3], version.Fields);
        Assert.Equal(1_700_000_000.25, version.Double(1));
        Assert.Equal("brain.Event:2", version.Text(3));
    }

    [Fact]
    public void Scalar_is_read_back()
    {
        using var writer = new TensorBoardWriter(_folder.Path, _clock);
        _clock.Now += TimeSpan.FromSeconds(1.5);
        writer.Scalar("train/loss", 1.1, 300);
        writer.Scalar("train/loss", double.NaN, long.MaxValue);
        writer.Flush();

        var events = EventFileReader.Read(writer.Path);

        Assert.Equal((1_700_000_001.75, 300L), (events[1].Double(1), events[1].Integer(2)));
        var value = events[1].At(5, 1);
        Assert.Equal([1, 2], value.Fields);
        Assert.Equal(("train/loss", 1.1f), (value.Text(1), value.Float(2)));
        Assert.Equal((long.MaxValue, float.NaN), (events[2].Integer(2), events[2].At(5, 1).Float(2)));
    }

    [Fact]
    public void Text_is_a_string_tensor_of_the_text_plugin()
    {
        using var writer = new TensorBoardWriter(_folder.Path, _clock);
        writer.Text("sample", "*hyvää* päivää", 7);
        writer.Flush();

        var value = EventFileReader.Read(writer.Path)[1].At(5, 1);

        Assert.Equal("sample", value.Text(1));
        Assert.Equal(7, value.At(8).Integer(1));
        Assert.Empty(value.At(8, 2).Fields);
        Assert.Equal("*hyvää* päivää", value.At(8).Text(8));
        Assert.Equal("text", value.At(9, 1).Text(1));
        Assert.Equal(2, value.At(9).Integer(4));
    }

    [Fact]
    public void Hyperparameters_are_read_back_with_their_types()
    {
        using var writer = new TensorBoardWriter(_folder.Path, _clock);
        writer.BeginSession(
            new Dictionary<string, object> { ["kind"] = "lora", ["rank"] = 8, ["rate"] = 2e-4, ["packing"] = true }, ["eval/loss"], "seed");
        _clock.Now += TimeSpan.FromSeconds(60);
        writer.EndSession(SessionStatus.Success);
        writer.Dispose();

        var values = EventFileReader.Read(writer.Path).Skip(1).Select(e => e.At(5, 1)).ToList();

        Assert.Equal(
            ["_hparams_/experiment", "_hparams_/session_start_info", "_hparams_/session_end_info"], values.Select(v => v.Text(1)));
        Assert.All(values, v => Assert.Equal(("hparams", 1L, 0L), (v.At(9, 1).Text(1), v.At(8).Integer(1), v.At(8, 2, 2).Integer(1))));

        var experiment = values[0].At(9, 1, 2, 2);
        Assert.Equal(
            [("kind", 1L), ("rank", 3L), ("rate", 3L), ("packing", 2L)], experiment.Messages(4).Select(h => (h.Text(1), h.Integer(4))));
        Assert.Equal("eval/loss", experiment.At(5, 1).Text(2));

        var start = values[1].At(9, 1, 2, 3);
        var set = start.Messages(1).ToDictionary(entry => entry.Text(1), entry => entry.At(2));
        Assert.Equal(
            ("lora", 8.0, 2e-4, 1L), (set["kind"].Text(3), set["rank"].Double(2), set["rate"].Double(2), set["packing"].Integer(4)));
        Assert.Equal(("seed", 1_700_000_000.25), (start.Text(4), start.Double(5)));

        var end = values[2].At(9, 1, 2, 4);
        Assert.Equal((1L, 1_700_000_060.25), (end.Integer(1), end.Double(2)));
    }

    [Fact]
    public void Restart_writes_the_start_of_a_session()
    {
        using var writer = new TensorBoardWriter(_folder.Path, _clock);
        writer.RestartAt(500);
        writer.Flush();

        var restart = EventFileReader.Read(writer.Path)[1];

        Assert.Equal((500L, 1L), (restart.Integer(2), restart.At(7).Integer(1)));
    }

    [Fact]
    public void Tenth_event_flushes()
    {
        using var writer = new TensorBoardWriter(_folder.Path, _clock);
        for (int step = 0; step < 9; step++)
        {
            writer.Scalar("loss", step, step);
        }

        Assert.Single(EventFileReader.Read(writer.Path));
        writer.Scalar("loss", 9, 9);

        Assert.Equal(11, EventFileReader.Read(writer.Path).Count);
    }

    [Fact]
    public void Event_after_two_minutes_flushes()
    {
        using var writer = new TensorBoardWriter(_folder.Path, _clock);
        writer.Scalar("loss", 1, 1);
        _clock.Now += TimeSpan.FromSeconds(119);
        writer.Scalar("loss", 2, 2);

        Assert.Single(EventFileReader.Read(writer.Path));
        _clock.Now += TimeSpan.FromSeconds(1);
        writer.Scalar("loss", 3, 3);

        Assert.Equal(4, EventFileReader.Read(writer.Path).Count);
    }

    [Fact]
    public void Events_of_many_threads_are_all_there()
    {
        using (var writer = new TensorBoardWriter(_folder.Path, _clock))
        {
            Parallel.For(0, 500, step => writer.Scalar("loss", step, step));
        }

        var events = EventFileReader.Read(Directory.GetFiles(_folder.Path).Single());

        Assert.Equal(Enumerable.Range(0, 500).Select(i => (long)i), events.Skip(1).Select(e => e.Integer(2)).Order());
    }

    [Fact]
    public void File_that_is_cut_off_reads_up_to_its_last_whole_event()
    {
        using (var writer = new TensorBoardWriter(_folder.Path, _clock))
        {
            writer.Scalar("loss", 1, 1);
            writer.Scalar("loss", 2, 2);
        }

        byte[] bytes = File.ReadAllBytes(Directory.GetFiles(_folder.Path).Single());

        Assert.Equal(3, EventFileReader.Read(bytes).Count);
        Assert.Equal(2, EventFileReader.Read(bytes.AsSpan(0, bytes.Length - 1)).Count);
    }

    [Fact]
    public void Wrong_arguments_are_refused_and_leave_the_file_whole()
    {
        using var writer = new TensorBoardWriter(_folder.Path, _clock);

        Assert.Throws<ArgumentException>(() => writer.Scalar("", 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Scalar("loss", 1, -1));
        var error = Assert.Throws<ArgumentException>(
            () => writer.BeginSession(new Dictionary<string, object> { ["when"] = DateTime.UnixEpoch }, []));
        Assert.Contains("hyperparameter 'when' is a DateTime", error.Message, StringComparison.Ordinal);
        writer.Flush();

        Assert.Single(EventFileReader.Read(writer.Path));
    }

    [Fact]
    public void Writing_after_the_end_is_refused()
    {
        var writer = new TensorBoardWriter(_folder.Path, _clock);
        writer.Dispose();

        Assert.Throws<ObjectDisposedException>(() => writer.Scalar("loss", 1, 1));
    }

    [Fact]
    public void Folder_that_cannot_be_made_is_a_storage_error()
    {
        _folder.Write("taken", "");

        var error = Assert.Throws<StorageException>(() => new TensorBoardWriter(_folder["taken"], _clock));

        Assert.Contains("creating the events file", error.Message, StringComparison.Ordinal);
    }

    private sealed class SetClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_250);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() => Now;

        public override long GetTimestamp() => Now.Ticks;
    }
}
