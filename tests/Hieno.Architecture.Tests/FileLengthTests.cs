using Xunit.Abstractions;

namespace Hieno.Architecture.Tests;

public sealed class FileLengthTests(ITestOutputHelper output)
{
    private const int Wanted = 400;
    private const int Most = 600;

    [Fact]
    public void No_source_file_is_longer_than_one_sitting()
    {
        (string File, int Lines)[] files = [.. Repository.Sources().Select(file => (file, Repository.Lines(file).Length)).OrderByDescending(file => file.Length)];
        Assert.NotEmpty(files);
        foreach ((string file, int lines) in files.TakeWhile(file => file.Lines > Wanted))
        {
            output.WriteLine($"{file} has {lines} lines, more than the {Wanted} wanted.");
        }

        string[] tooLong = [.. files.TakeWhile(file => file.Lines > Most).Select(file => $"{file.File} ({file.Lines} lines)")];
        Assert.True(tooLong.Length == 0, $"Split these by their ideas; the limit is {Most} lines: {string.Join(", ", tooLong)}.");
    }
}
