using System.Diagnostics;
using Hieno.Formats.Durable;

namespace Hieno.Formats.Tests.Durable;

public sealed class DurableFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_saved_folder_holds_its_files_a_manifest_and_the_latest_pointer()
    {
        string path = Save(7, "seven");
        Assert.Equal(_folder["checkpoint-00000007"], path);
        Assert.Equal("seven", File.ReadAllText(Path.Combine(path, "state.json")));
        Assert.Equal("nested", File.ReadAllText(Path.Combine(path, "adapter", "a.txt")));
        Assert.Equal("checkpoint-00000007\n", File.ReadAllText(_folder["latest"]));
        Assert.Null(DurableFolder.Fault(path));
        Assert.Equal(["checkpoint-00000007", "latest"], Names());

        // sha256sum of "seven", and its CRC32C by an independent table implementation.
        string manifest = File.ReadAllText(Path.Combine(path, "manifest.json"));
        Assert.Contains("3ba8d02b16fd2a01c1a8ba1a1f036d7ce386ed953696fa57331c2ac48a80b255", manifest, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", 0x00000000u)]
    [InlineData("a", 0xC1D04330u)]
    [InlineData("123456789", 0xE3069283u)] // the check value of CRC-32C
    public void The_checksum_is_crc32c(string text, uint expected)
    {
        Assert.Equal(expected, ~FolderManifest.Crc32C(uint.MaxValue, System.Text.Encoding.ASCII.GetBytes(text)));
    }

    [Fact]
    public void The_newest_complete_folder_is_found_by_its_number()
    {
        Save(2, "b");
        Save(10, "c");
        Save(9, "a");
        Assert.Equal(_folder["checkpoint-00000010"], DurableFolder.FindNewest(_folder.Path, "checkpoint-", out var broken));
        Assert.Empty(broken);
        Assert.Null(DurableFolder.FindNewest(_folder["absent"], "checkpoint-", out _));
    }

    [Fact]
    public void Every_flipped_bit_is_noticed_and_the_folder_before_is_used()
    {
        string older = Save(1, "one");
        string newer = Save(2, "two");
        foreach (string path in Directory.GetFiles(newer, "*", SearchOption.AllDirectories))
        {
            byte[] good = File.ReadAllBytes(path);
            var random = new Random(3);
            for (int i = 0; i < 100; i++)
            {
                byte[] bad = [.. good];
                bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
                File.WriteAllBytes(path, bad);

                Assert.True(DurableFolder.Fault(newer) is not null, $"{path}: flip {i} was missed");
            }

            File.WriteAllBytes(path, good);
        }

        File.AppendAllText(Path.Combine(newer, "state.json"), "x");
        Assert.Equal(older, DurableFolder.FindNewest(_folder.Path, "checkpoint-", out var broken));
        var found = Assert.Single(broken);
        Assert.Equal("checkpoint-00000002", found.Name);
        Assert.Contains("state.json has 4 bytes", found.Reason, StringComparison.Ordinal);
        Assert.StartsWith(".broken-checkpoint-00000002-", found.RenamedTo, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(_folder[found.RenamedTo!], "state.json")));
    }

    [Fact]
    public void A_folder_without_manifest_and_what_a_killed_save_left_are_set_aside_and_reported()
    {
        string good = Save(1, "one");
        Directory.CreateDirectory(_folder["checkpoint-00000005"]);
        Directory.CreateDirectory(_folder[".tmp-checkpoint-00000006-abcdef01"]);
        Directory.CreateDirectory(_folder["checkpoint-best"]);
        Assert.Equal(good, DurableFolder.FindNewest(_folder.Path, "checkpoint-", out var broken));
        Assert.Equal([".tmp-checkpoint-00000006-abcdef01", "checkpoint-00000005"], broken.Select(b => b.Name));
        Assert.Equal(2, Directory.GetDirectories(_folder.Path, ".broken-*").Length);
        Assert.True(Directory.Exists(_folder["checkpoint-best"]));

        DurableFolder.FindNewest(_folder.Path, "checkpoint-", out broken);
        Assert.Empty(broken);
    }

    [Fact]
    public void What_a_kill_interrupted_after_the_save_is_finished()
    {
        Save(1, "one");
        Save(2, "two");
        Save(3, "three");
        Directory.Move(_folder["checkpoint-00000001"], _folder[".old-checkpoint-00000001-abcdef01"]);
        Directory.Move(_folder["checkpoint-00000003"], _folder[".replaced-checkpoint-00000003-abcdef01"]);
        Directory.CreateDirectory(_folder[".replaced-checkpoint-00000002-abcdef01"]);
        _folder.Write(".tmp-latest-abcdef01", "x");
        Assert.Equal(_folder["checkpoint-00000003"], DurableFolder.FindNewest(_folder.Path, "checkpoint-", out var broken));
        Assert.Empty(broken);
        Assert.Equal(["checkpoint-00000002", "checkpoint-00000003", "latest"], Names());
    }

    [Theory]
    [InlineData("""{"version":1,"files":[{"name":"../secret","size":1,"crc32c":"0","sha256":"0"}]}""")]
    [InlineData("""{"version":1,"files":[{"name":"/etc/passwd","size":1,"crc32c":"0","sha256":"0"}]}""")]
    [InlineData("""{"version":2,"files":[]}""")]
    [InlineData("""{"version":1,"files":[3]}""")]
    [InlineData("""{"version":1}""")]
    [InlineData("[]")]
    [InlineData("")]
    public void A_hostile_or_damaged_manifest_is_a_fault(string manifest)
    {
        string path = Save(1, "one");
        File.WriteAllText(Path.Combine(path, "manifest.json"), manifest);
        Assert.Equal("its manifest.json is damaged", DurableFolder.Fault(path));
    }

    [Fact]
    public void Rotation_keeps_the_newest_and_never_fewer_than_two_complete_ones()
    {
        for (int step = 1; step <= 5; step++)
        {
            Save(step, "x", keep: 3);
        }

        Assert.Equal(["checkpoint-00000003", "checkpoint-00000004", "checkpoint-00000005", "latest"], Names());

        File.Delete(_folder["checkpoint-00000005/manifest.json"]);
        Save(6, "x", keep: 1);
        Assert.Equal(["checkpoint-00000004", "checkpoint-00000005", "checkpoint-00000006", "latest"], Names());
    }

    [Fact]
    public void A_folder_of_the_same_name_is_replaced()
    {
        Save(1, "old");
        Save(1, "new");
        DurableFolder.Save(_folder.Path, "final", writer => writer.WriteText("a", "1"), keep: 1);
        DurableFolder.Save(_folder.Path, "final", writer => writer.WriteText("b", "2"), keep: 1);
        Assert.Equal("new", File.ReadAllText(_folder["checkpoint-00000001/state.json"]));
        Assert.Equal(["b", "manifest.json"], Directory.GetFiles(_folder["final"]).Select(Path.GetFileName).Order());
        Assert.Equal(["checkpoint-00000001", "final", "latest"], Names());
        Assert.Equal("checkpoint-00000001\n", File.ReadAllText(_folder["latest"]));
    }

    [Fact]
    public void A_save_that_fails_leaves_what_was_there_and_nothing_else()
    {
        Save(1, "one");
        Assert.Throws<InvalidOperationException>(() => DurableFolder.Save(_folder.Path, "checkpoint-00000002", writer =>
        {
            writer.WriteText("a", "1");
            throw new InvalidOperationException("stop");
        }));
        Assert.Equal(["checkpoint-00000001", "latest"], Names());
    }

    [SkippableFact]
    public void A_full_disk_is_named_as_such()
    {
        Skip.IfNot(File.Exists("/dev/full"), "This system has no /dev/full.");
        Save(1, "one");
        var error = Assert.Throws<StorageException>(() => DurableFolder.Save(_folder.Path, "checkpoint-00000002", writer =>
        {
            using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            full.Write("x"u8);
        }));
        Assert.Equal(ErrorCodes.StorageFull, error.Code);
        Assert.Contains("What was saved earlier is intact", error.Message, StringComparison.Ordinal);
        Assert.Equal(["checkpoint-00000001", "latest"], Names());
    }

    [SkippableFact]
    [Trait("tier", "slow")]
    public void A_disk_that_fills_up_at_any_byte_leaves_the_earlier_checkpoint_and_works_again_when_there_is_room()
    {
        string mount = _folder["small"];
        Directory.CreateDirectory(mount);
        Skip.IfNot(OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", "size=4m", "hieno-test", mount) == 0, "Mounting a small tmpfs needs Linux and root.");
        try
        {
            Fill(mount, 1, 1_000_000);
            int failed = 0;
            for (int bytes = 2_800_000; bytes <= 3_300_000; bytes += 50_000)
            {
                try
                {
                    Fill(mount, 2, bytes);
                    Directory.Delete(Path.Combine(mount, "checkpoint-00000002"), recursive: true);
                }
                catch (StorageException e)
                {
                    Assert.Equal(ErrorCodes.StorageFull, e.Code);
                    failed++;
                    Assert.Equal(["checkpoint-00000001", "latest"], Directory.GetFileSystemEntries(mount).Select(Path.GetFileName).Order());
                }

                Assert.Null(DurableFolder.Fault(Path.Combine(mount, "checkpoint-00000001")));
            }

            Assert.InRange(failed, 2, 9);
            Fill(mount, 3, 1_000_000);
            Assert.EndsWith("checkpoint-00000003", DurableFolder.FindNewest(mount, "checkpoint-", out var broken), StringComparison.Ordinal);
            Assert.Empty(broken);
        }
        finally
        {
            Run("umount", mount);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData(".hidden")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    public void Names_that_leave_the_parent_are_refused(string name)
    {
        Assert.Throws<ArgumentException>(() => DurableFolder.Save(_folder.Path, name, _ => { }));
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("/x")]
    [InlineData("a//b")]
    [InlineData("manifest.json")]
    public void File_names_that_leave_the_folder_are_refused(string name)
    {
        Assert.Throws<ArgumentException>(() => DurableFolder.Save(_folder.Path, "final", writer => writer.WriteText(name, "x")));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    private string Save(int step, string text, int keep = 0) =>
        DurableFolder.Save(_folder.Path, $"checkpoint-{step:D8}", writer =>
        {
            writer.WriteText("state.json", text);
            writer.WriteText("adapter/a.txt", "nested");
        }, keep);

    private static void Fill(string parent, int step, int bytes) =>
        DurableFolder.Save(parent, $"checkpoint-{step:D8}", writer => writer.Write("weights", stream => stream.Write(new byte[bytes])));

    private IEnumerable<string?> Names() => Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    private static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
