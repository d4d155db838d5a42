using Hieno.Formats.Durable;

namespace Hieno.Formats.Tests.Durable;

public sealed class DurableFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_is_replaced_as_a_whole()
    {
        DurableFile.ReplaceText(_folder["a"], "one");
        DurableFile.ReplaceText(_folder["a"], "é");
        Assert.Equal("é"u8.ToArray(), File.ReadAllBytes(_folder["a"]));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_write_that_fails_leaves_the_old_file()
    {
        _folder.Write("a", "old");
        Assert.Throws<FormatException>(() => DurableFile.Replace(_folder["a"], stream =>
        {
            stream.WriteByte(1);
            throw new FormatException();
        }));
        Assert.Equal("old", File.ReadAllText(_folder["a"]));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_folder_that_is_absent_is_a_typed_error()
    {
        var error = Assert.Throws<StorageException>(() => DurableFile.ReplaceText(_folder["none/a"], "x"));
        Assert.Equal(ErrorCodes.StorageFailed, error.Code);
        Assert.StartsWith(_folder["none/a"] + ": ", error.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void An_fsync_that_fails_is_an_error()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Only Linux is known to refuse fsync on /dev/null.");
        var error = Assert.Throws<StorageException>(() => DurableFile.Sync("/dev/null"));
        Assert.Contains("fsync: Invalid argument", error.Message, StringComparison.Ordinal);
    }
}
