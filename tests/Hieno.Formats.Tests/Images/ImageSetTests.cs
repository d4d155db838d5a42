using System.IO.Compression;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Png;
using Hieno.Formats.Images.Sets;
using Hieno.Formats.Text;
using Hieno.Tests.Shared;

namespace Hieno.Formats.Tests.Images;

public sealed class ImageSetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_idx_file_gives_its_pictures_with_the_labels_beside_it(bool packed)
    {
        string ending = packed ? ".gz" : string.Empty;
        string path = _folder.Write("t10k-images-idx3-ubyte" + ending, Packed(packed, [0, 0, 8, 3, .. Extents(2, 1, 3), 1, 2, 3, 4, 5, 6]));
        _folder.Write("t10k-labels-idx1-ubyte" + ending, Packed(packed, [0, 0, 8, 1, .. Extents(2), 7, 12]));
        ImageSet set = ImageSet.Read(path);
        Assert.Equal(["07", "12"], set.Rows.Select(row => row.Label));
        Assert.Equal($"{path}, picture 1", set.Rows[1].Source);
        Image second = set.Rows[1].Read();
        Assert.Equal((3, 1, 1), (second.Width, second.Height, second.Channels));
        Assert.Equal([4, 5, 6], second.Samples);
        Assert.Equal(2, set.Files.Count);
    }

    [Fact]
    public void Every_truncation_of_an_idx_file_is_refused_and_so_is_what_follows_it()
    {
        byte[] whole = [0, 0, 8, 3, .. Extents(2, 1, 3), 1, 2, 3, 4, 5, 6];
        byte[] packed = Packed(true, whole);
        for (int length = 0; length < whole.Length; length++)
        {
            Refused(ErrorCodes.ImageTruncated, string.Empty, () => IdxFile.Read(_folder.Write("a-ubyte", whole[..length])));
        }

        for (int length = 2; length < packed.Length - 9; length++) // then all numbers are there: what follows says that they end, and checks them
        {
            Assert.Throws<ImageException>(() => IdxFile.Read(_folder.Write("a-ubyte.gz", packed[..length])));
        }

        Refused(ErrorCodes.ImageTruncated, "20 × 1 × 3 bytes, more than a file of its length can hold", () => IdxFile.Read(_folder.Write("a-ubyte", [0, 0, 8, 3, .. Extents(20, 1, 3), 1])));
        Refused(ErrorCodes.ImageSetInvalid, "goes on after its 2 × 1 × 3 numbers, which end at byte 22", () => IdxFile.Read(_folder.Write("a-ubyte", [.. whole, 0])));
    }

    [Fact]
    public void An_idx_file_of_another_kind_is_refused()
    {
        Refused(ErrorCodes.ImageSetInvalid, "begins with 00000D01 at byte 0", () => IdxFile.Read(_folder.Write("a-ubyte", [0, 0, 0x0D, 1, .. Extents(1), 0, 0, 0, 0])));
        Refused(ErrorCodes.ImageSetInvalid, "begins with 89504E47 at byte 0", () => IdxFile.Read(_folder.Write("a-ubyte", PngWriter.Encode(new Image(1, 1, 1)))));
        Refused(ErrorCodes.ImageSetInvalid, "its extents are 3, which are no pictures", () => ImageSet.Read(_folder.Write("images-idx3-ubyte", [0, 0, 8, 1, .. Extents(3), 1, 2, 3])));
        Refused(ErrorCodes.ImageSetInvalid, "its extents are 0 × 2 × 2", () => ImageSet.Read(_folder.Write("images-idx3-ubyte", [0, 0, 8, 3, .. Extents(0, 2, 2)])));
        string pictures = _folder.Write("images-idx3-ubyte", [0, 0, 8, 3, .. Extents(2, 1, 1), 1, 2]);
        _folder.Write("labels-idx1-ubyte", [0, 0, 8, 1, .. Extents(3), 1, 2, 3]);
        Refused(ErrorCodes.ImageSetInvalid, "holds 2 pictures", () => ImageSet.Read(pictures));
    }

    [Fact]
    public void A_small_packed_file_that_claims_to_be_large_is_refused_before_memory_is_taken()
    {
        string claims = _folder.Write("claims-ubyte.gz", Packed(true, [0, 0, 8, 3, .. Extents(60_000, 1000, 1000), 1, 2]));
        Refused(ErrorCodes.ImageTooLarge, "60000 × 1000 × 1000 bytes, and 1073741824 are allowed", () => IdxFile.Read(claims));
        string less = _folder.Write("less-ubyte.gz", Packed(true, [0, 0, 8, 3, .. Extents(600, 1000, 1000), 1, 2]));
        long before = GC.GetTotalAllocatedBytes(precise: true);
        Refused(ErrorCodes.ImageTruncated, "600 × 1000 × 1000 bytes, more than", () => IdxFile.Read(less));
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 50_000_000);
        string bomb = _folder.Write("bomb-ubyte.gz", Packed(true, [0, 0, 8, 1, .. Extents(1000), .. new byte[3_000_000]]));
        Refused(ErrorCodes.ImageSetInvalid, "goes on after its 1000 numbers", () => IdxFile.Read(bomb));
        string wide = _folder.Write("wide-ubyte", [0, 0, 8, 3, .. Extents(1, 20, 20), .. new byte[400]]);
        Refused(ErrorCodes.ImageTooLarge, "20 × 20 pixels, and 100 are allowed", () => ImageSet.Read(wide, new ImageSetOptions { Limits = new ImageReadOptions { MaxPixels = 100 } }));
    }

    [Fact]
    public void The_planes_of_cifar_become_pixels_and_its_labels_names()
    {
        byte[] record = [3, .. Planes(10, 20, 30)];
        ImageSet set = ImageSet.Read(_folder.Write("data_batch_1.bin", [.. record, 9, .. Planes(1, 2, 3)]));
        Assert.Equal(["cat", "truck"], set.Rows.Select(row => row.Label));
        Image first = set.Rows[0].Read();
        Assert.Equal((32, 32, 3), (first.Width, first.Height, first.Channels));
        Assert.Equal([10, 20, 30, 11, 20, 30], first.Samples[..6]);
        Assert.Equal(10, set.Classes.Count);

        _folder.Write("batches.meta.txt", string.Join('\n', Enumerable.Range(0, 10).Select(i => $"kind{i}")) + "\n\n");
        Assert.Equal("kind3", ImageSet.Read(_folder["data_batch_1.bin"]).Rows[0].Label);
        _folder.Write("batches.meta.txt", "one\ntwo\n");
        Refused(ErrorCodes.ImageSetInvalid, "it has 2 names of classes, and there are 10", () => ImageSet.Read(_folder["data_batch_1.bin"]));
    }

    [Fact]
    public void Cifar_100_has_two_labels_of_which_one_is_taken()
    {
        string path = _folder.Write("train.bin", [4, 71, .. Planes(1, 2, 3)]);
        Assert.Equal("71", ImageSet.Read(path).Rows[0].Label);
        Assert.Equal(100, ImageSet.Read(path).Classes.Count);
        Assert.Equal("04", ImageSet.Read(path, new ImageSetOptions { CoarseLabels = true }).Rows[0].Label);
    }

    [Fact]
    public void A_cifar_file_of_another_length_or_with_an_impossible_label_is_refused()
    {
        Refused(ErrorCodes.ImageSetInvalid, "its 3072 bytes are not a number of CIFAR-10's records of 3073", () => ImageSet.Read(_folder.Write("a.bin", new byte[3072])));
        Refused(ErrorCodes.ImageSetInvalid, "its 0 bytes", () => ImageSet.Read(_folder.Write("a.bin", Array.Empty<byte>())));
        byte[] wrong = new byte[2 * 3073];
        wrong[3073] = 10;
        Refused(ErrorCodes.ImageSetInvalid, "its label at byte 3073 is 10, and there are 0 to 9", () => ImageSet.Read(_folder.Write("a.bin", wrong)));
    }

    [Fact]
    public void A_folder_for_each_class_gives_sorted_rows()
    {
        Picture("set/bees/b.png");
        Picture("set/ants/2.png");
        Picture("set/ants/10.PNG");
        _folder.Write("set/ants/.hidden", "x");
        _folder.Write("set/ants/Thumbs.db", "x");
        ImageSet set = ImageSet.Read(_folder["set"]);
        Assert.True(ImageSet.Recognises(_folder["set"]));
        Assert.Equal(["10.PNG", "2.png", "b.png"], set.Rows.Select(row => Path.GetFileName(row.Source)));
        Assert.Equal(["ants", "ants", "bees"], set.Rows.Select(row => row.Label));
        Assert.Equal(["ants", "bees"], set.Classes);
        Assert.Equal(2, set.Rows[0].Read().Width);
        Assert.Equal(3, ImageFolder.ReadUnlabelled(_folder.Path).Rows.Count);
    }

    [Fact]
    public void A_folder_that_is_not_laid_out_by_classes_is_refused_with_what_lies_there()
    {
        Refused(ErrorCodes.ImageFileUnreadable, "there is no such file or folder", () => ImageSet.Read(_folder["absent"]));
        Directory.CreateDirectory(_folder["set"]);
        Refused(ErrorCodes.ImageFolderInvalid, "the folder is empty", () => ImageSet.Read(_folder["set"]));
        _folder.Write("set/notes.txt", "x");
        Refused(ErrorCodes.ImageFolderInvalid, "no folder for a class, only 1 file such as 'notes.txt'", () => ImageSet.Read(_folder["set"]));
        Directory.CreateDirectory(_folder["set/ants"]);
        Refused(ErrorCodes.ImageFolderInvalid, "the class 'ants' has no picture", () => ImageSet.Read(_folder["set"]));
        _folder.Write("set/ants/a.webp", "x");
        Refused(ErrorCodes.ImageFolderInvalid, "'a.webp' is no picture that can be read", () => ImageSet.Read(_folder["set"]));
        File.Delete(_folder["set/ants/a.webp"]);
        Picture("set/ants/more/a.png");
        Refused(ErrorCodes.ImageFolderInvalid, "the class 'ants' holds a folder 'more'", () => ImageSet.Read(_folder["set"]));
        Picture("set/a.png");
        Refused(ErrorCodes.ImageFolderInvalid, "the picture 'a.png' lies beside the folders of 1 class", () => ImageSet.Read(_folder["set"]));
        Refused(ErrorCodes.ImageFolderInvalid, "holds a picture", () => ImageFolder.ReadUnlabelled(Directory.CreateDirectory(_folder["none"]).FullName));
    }

    [Fact]
    public void A_table_names_its_pictures_relative_to_itself()
    {
        Picture("set/a.png");
        ImageSet set = ImageSet.Read(_folder.Write("table.csv", "file_name,label\nset/a.png,ant\n"));
        Assert.Equal("ant", set.Rows.Single().Label);
        Assert.Equal(2, set.Rows[0].Read().Width);
        Assert.Equal("0.5", ImageSet.Read(_folder.Write("table.jsonl", """{"photo":"set/a.png","weight":0.5}"""), new ImageSetOptions { ImageColumn = "photo", LabelColumn = "weight" }).Rows[0].Label);
        Assert.Null(ImageSet.Read(_folder.Write("table.jsonl", """{"image":"set/a.png"}""")).Rows[0].Label);

        var absent = Assert.Throws<DatasetException>(() => ImageSet.Read(_folder.Write("table.csv", "image,label\nset/a.png,ant\nset/b.png,ant\n")));
        Assert.Equal((ErrorCodes.DatasetRowInvalid, 3L), (absent.Code, absent.Line));
        Assert.Contains("there is no picture 'set/b.png'", absent.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.DatasetColumnMissing, Assert.Throws<DatasetException>(() => ImageSet.Read(_folder.Write("table.csv", "text,label\na,b\n"))).Code);
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void The_real_sets_are_read()
    {
        ImageSet digits = ImageSet.Read(SharedFolder.Require("data/mnist/t10k-images-idx3-ubyte.gz"));
        Assert.Equal(10_000, digits.Rows.Count);
        Assert.Equal(["7", "2", "1", "0", "4"], digits.Rows.Take(5).Select(row => row.Label));
        Assert.Equal(10, digits.Classes.Count);
        Assert.All(digits.Rows.GroupBy(row => row.Label), group => Assert.InRange(group.Count(), 892, 1135)); // the counts that the set is known for

        ImageSet things = ImageSet.Read(SharedFolder.Require("data/cifar10-jpeg/test_200_per_class.bin"));
        Assert.Equal(2000, things.Rows.Count);
        Assert.All(things.Rows.GroupBy(row => row.Label), group => Assert.Equal(200, group.Count()));

        ImageSet insects = ImageSet.Read(SharedFolder.Require("data/ants-bees-256/val"));
        Assert.Equal(["ants", "bees"], insects.Classes);
        Refused(ErrorCodes.ImageFolderInvalid, "the class 'train' holds a folder 'ants'", () => ImageSet.Read(SharedFolder.Require("data/ants-bees-256")));
    }

    private void Picture(string name)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[name])!);
        _folder.Write(name, PngWriter.Encode(new Image(2, 2, 1)));
    }

    private static byte[] Extents(params int[] extents) => [.. extents.SelectMany(extent => BitConverter.GetBytes(extent).Reverse())];

    // Three planes; the first pixel but one of the red plane is one more, so that rows and columns cannot be mistaken.
    private static byte[] Planes(byte red, byte green, byte blue)
    {
        byte[] planes = [.. Enumerable.Repeat(red, 1024), .. Enumerable.Repeat(green, 1024), .. Enumerable.Repeat(blue, 1024)];
        planes[1]++;
        return planes;
    }

    private static byte[] Packed(bool pack, byte[] bytes)
    {
        if (!pack)
        {
            return bytes;
        }

        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
        {
            gzip.Write(bytes);
        }

        return packed.ToArray();
    }

    private static void Refused(string code, string part, Action read)
    {
        var error = Assert.Throws<ImageException>(read);
        Assert.Equal(code, error.Code);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }
}
