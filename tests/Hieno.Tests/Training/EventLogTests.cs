using Hieno.Training;

namespace Hieno.Tests.Training;

public sealed class EventLogTests
{
    [Theory]
    [InlineData("", 1)]
    [InlineData("{\"event\":\"log\",\"text\":\"a\"}\n", 2)]
    [InlineData("{\"event\":\"log\",\"text\":\"a\"}\n{\"event\":\"lo", 2)]
    [InlineData("{\"event\":\"lo", 1)]
    public void A_line_that_was_cut_off_is_removed_before_the_next_is_written(string before, int lines)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("events.jsonl", before);
        using (var log = EventLog.Open(path))
        {
            log.Append(new LogMessage("two\nlines, ünïcode"));
        }

        string[] read = File.ReadAllLines(path);
        Assert.Equal(lines, read.Length);
        Assert.All(read, line => System.Text.Json.JsonDocument.Parse(line).Dispose());
        Assert.Contains("ünïcode", read[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_reader_can_follow_the_file_while_it_is_written()
    {
        using var folder = new TemporaryFolder();
        using var log = EventLog.Open(folder.PathOf("events.jsonl"));
        using var reader = new StreamReader(new FileStream(folder.PathOf("events.jsonl"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        log.Append(new LogMessage("first"));
        Assert.Contains("first", reader.ReadLine(), StringComparison.Ordinal);
        log.Append(new LogMessage("second"));
        Assert.Contains("second", reader.ReadLine(), StringComparison.Ordinal);
    }
}
