using Hieno.Tensors;

namespace Hieno.Models.Tests;

public sealed class RowStoreTests
{
    [Theory]
    [InlineData(1 << 20, true)]
    [InlineData(200, true)]
    [InlineData(0, true)]
    [InlineData(1 << 20, false)]
    public void Rows_come_back_as_they_were_from_memory_and_from_the_file(long memoryLimit, bool hasFile)
    {
        string file = Path.Combine(Path.GetTempPath(), $"hieno-rows-{Guid.NewGuid():N}");
        using (var store = new RowStore(3, memoryLimit, hasFile ? file : null))
        {
            var places = new List<(RowStore.Place Place, float[] Values)>();
            for (int i = 0; i < 20; i++)
            {
                float[] values = [.. Enumerable.Range(0, 3 * (1 + (i % 4))).Select(k => (i * 100f) + k)];
                places.Add((store.Add(Tensor.FromValues([values.Length / 3, 3], values))!.Value, values));
            }

            Assert.Equal(memoryLimit < 1000, store.FileBytes > 0);
            Assert.Equal(memoryLimit < 1000, File.Exists(file));
            Assert.True(store.MemoryBytes <= memoryLimit);
            foreach ((RowStore.Place place, float[] values) in Enumerable.Reverse(places))
            {
                Tensor read = Tensor.FromValues([values.Length / 3, 3], new float[values.Length]);
                store.Read(place, read);
                Assert.Equal(values, read.ToArray());
            }
        }

        Assert.False(File.Exists(file));
    }

    [Fact]
    public void Without_a_file_no_more_is_kept_than_fits_in_memory()
    {
        using var store = new RowStore(4, memoryLimit: 64);
        Tensor rows = Tensor.FromValues([3, 4], new float[12]);
        Assert.NotNull(store.Add(rows));
        Assert.Null(store.Add(rows));
        Assert.NotNull(store.Add(rows.RowRange(0, 1)));
        Assert.Equal(64, store.MemoryBytes);
    }

    [Fact]
    public void A_file_that_cannot_be_made_is_named()
    {
        string folder = Path.Combine(Path.GetTempPath(), $"hieno-absent-{Guid.NewGuid():N}");
        using var store = new RowStore(4, memoryLimit: 0, Path.Combine(folder, "rows"));
        var error = Assert.Throws<Formats.Durable.StorageException>(() => store.Add(Tensor.FromValues([1, 4], new float[4])));
        Assert.Contains(folder, error.Message, StringComparison.Ordinal);
    }
}
