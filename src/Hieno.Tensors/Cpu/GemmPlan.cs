namespace Hieno.Tensors.Cpu;

/// <summary>A task's part of C: consecutive tiles of rows by consecutive panels of columns.</summary>
internal readonly record struct GemmBlock(int FirstTile, int Tiles, int FirstPanel, int Panels);

/// <summary>How a matrix multiplication is cut: the depth into slices, C into blocks of tiles and panels.</summary>
/// <remarks>Sizes were measured on a processor with 1 MiB of second-level cache a core.</remarks>
internal readonly struct GemmPlan
{
    private const int LargestSlice = 384; // a slice of a panel (48 KiB) and a tile of A stream through the first-level cache
    private const int ColumnsPerTask = 192; // with a slice: 288 KiB of packed B
    private const int RowsPerTask = 1032; // 774 KiB of sums
    private const int ShallowRowsPerTask = 258;
    private const int DeepestShallow = 32; // a low-rank update: writing C is all the work
    private const int FewestRowsPerTask = 48; // below this, packing B costs too much
    private const int FewestPackedRows = 516; // the same for passes over a packed A
    private const long LongestPackedA = 4L << 20; // 16 MiB, half of a usual third-level cache

    private const int FewestTilesAtOnce = 4; // neighbours of a transposed A share cache lines
    private const int MostTilesAtOnce = 16; // runs of 768 bytes: longer ones are no faster

    private readonly int _panels;
    private readonly int _rowBlocks;
    private readonly int _columnBlocks;

    public GemmPlan(int rows, int depth, int columns, int lanes, int threads)
    {
        (Rows, Depth, Columns) = (rows, depth, columns);
        TileRows = GemmTile.Rows(lanes);
        (Slices, Slice) = SlicesOf(depth);
        RowTiles = CeilingDivide(rows, TileRows);
        _panels = CeilingDivide(columns, 2 * lanes);
        bool shallow = depth <= DeepestShallow;
        int columnsPerTask = shallow ? ColumnsPerTask * (LargestSlice / DeepestShallow) : ColumnsPerTask;
        _columnBlocks = CeilingDivide(_panels, columnsPerTask / (2 * lanes));
        _rowBlocks = CeilingDivide(rows, shallow ? ShallowRowsPerTask : RowsPerTask);
        PanelsAhead = shallow ? 4 : 0;

        // Long runs of memory, as long as every thread gets its share of the packing.
        TilesAtOnce = Math.Clamp(RowTiles * Slices / (2 * threads), FewestTilesAtOnce, MostTilesAtOnce);

        // Few tasks, or a last round with idle threads: cut the rows finer, then the columns.
        int mostRowBlocks = Math.Max(_rowBlocks, rows / FewestRowsPerTask);
        while (IsUneven(_rowBlocks * _columnBlocks, threads) && _rowBlocks < mostRowBlocks)
        {
            _rowBlocks++;
        }

        while (IsUneven(_rowBlocks * _columnBlocks, threads) && _columnBlocks < _panels)
        {
            _columnBlocks++;
        }
    }

    /// <summary>Rows of C.</summary>
    public int Rows { get; }

    /// <summary>Columns of C.</summary>
    public int Columns { get; }

    /// <summary>The summed dimension.</summary>
    public int Depth { get; }

    /// <summary>Rows of a tile.</summary>
    public int TileRows { get; }

    /// <summary>Tiles from top to bottom; the last may have fewer rows.</summary>
    public int RowTiles { get; }

    /// <summary>How many panels before its own a tile's part of C is asked for: a shallow product is done before memory answers.</summary>
    public int PanelsAhead { get; }

    /// <summary>Tiles of A that are packed together.</summary>
    public int TilesAtOnce { get; }

    /// <summary>Groups of tiles that are packed together, from top to bottom.</summary>
    public int PackGroups => CeilingDivide(RowTiles, TilesAtOnce);

    /// <summary>Depth of each slice but the last. Depends on the depth alone: it is part of the result's rounding.</summary>
    public int Slice { get; }

    /// <summary>Slices of the depth; one, of no depth, where the depth is 0.</summary>
    public int Slices { get; }

    /// <summary>Blocks of C.</summary>
    public int Tasks => _rowBlocks * _columnBlocks;

    /// <summary>Numbers from one packed tile of A to the next.</summary>
    public long PackedTileLength => (long)TileRows * (Slice + GemmPack.RowPadding);

    /// <summary>Numbers of all packed tiles of A.</summary>
    public long PackedLength => PackedTileLength * RowTiles * Slices;

    /// <summary>Where a packed tile of A begins.</summary>
    public long PackedTile(int slice, int tile) => PackedTileLength * (((long)slice * RowTiles) + tile);

    /// <summary>How many slices a depth is cut into, and the depth of each but the last.</summary>
    public static (int Slices, int Slice) SlicesOf(int depth)
    {
        int slices = Math.Max(1, CeilingDivide(depth, LargestSlice));
        return (slices, CeilingDivide(depth, slices));
    }

    /// <summary>Depth of slice <paramref name="slice"/>.</summary>
    public int DepthOf(int slice) => Math.Min(Slice, Depth - (slice * Slice));

    /// <summary>The part of C of task <paramref name="task"/>.</summary>
    public GemmBlock BlockOf(int task)
    {
        (int rowBlock, int columnBlock) = Math.DivRem(task, _columnBlocks);
        int firstTile = Part(RowTiles, rowBlock, _rowBlocks);
        int firstPanel = Part(_panels, columnBlock, _columnBlocks);
        return new GemmBlock(
            firstTile, Part(RowTiles, rowBlock + 1, _rowBlocks) - firstTile, firstPanel, Part(_panels, columnBlock + 1, _columnBlocks) - firstPanel);
    }

    /// <summary>How many rows of A are packed at a time.</summary>
    public static int PackedRows(int depth, int lanes)
    {
        int tileRows = GemmTile.Rows(lanes);
        long rows = Math.Max(FewestPackedRows, LongestPackedA / Math.Max(1, depth));
        return (int)Math.Min(rows / tileRows * tileRows, int.MaxValue);
    }

    private static bool IsUneven(int tasks, int threads) => threads > 1 && tasks < 8 * threads && tasks % threads != 0;

    private static int Part(int count, int index, int parts) => (int)((long)count * index / parts);

    private static int CeilingDivide(int value, int divisor) => (value + divisor - 1) / divisor;
}
