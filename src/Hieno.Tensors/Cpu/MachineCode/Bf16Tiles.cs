using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Hieno.Tensors.Cpu.MachineCode;

/// <summary>The tiles of <see cref="Bf16TileCode"/>, ready to be called: one for each number of rows, of vectors, and whether it adds.</summary>
internal sealed unsafe class Bf16Tiles
{
    private static readonly Lazy<(Bf16Tiles? Tiles, string Refusal)> s_shared = new(Create);

    private readonly nint[] _entries;

    /// <summary>Tiles whose code begins at <paramref name="entries"/>, numbered by <see cref="Number"/>.</summary>
    private Bf16Tiles(nint[] entries) => _entries = entries;

    /// <summary>The tiles of this process, or null where it cannot have any; see <see cref="Refusal"/>.</summary>
    public static Bf16Tiles? Shared => s_shared.Value.Tiles;

    /// <summary>Why there are none; empty when there are.</summary>
    public static string Refusal => s_shared.Value.Refusal;

    private static bool IsSupported =>
        Avx512F.IsSupported // also says that the operating system keeps the large registers when it switches threads
        && X86Base.CpuId(0, 0).Eax >= 7
        && X86Base.CpuId(7, 0).Eax >= 1 // leaf 7 has a second page
        && (X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0; // AVX512_BF16

    /// <summary>Computes a tile of <paramref name="rows"/> rows, 1 to 12, by one or two vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int rows, int vectors, bool add, Bf16TileWork* work) =>
        // Without the usual hand-over to the garbage collector, which costs more than a small tile; a tile takes about a microsecond.
        ((delegate* unmanaged[SuppressGCTransition]<Bf16TileWork*, void>)_entries[Number(rows, vectors, add)])(work);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Number(int rows, int vectors, bool add) => (rows * 4) + (vectors * 2) + (add ? 1 : 0) - 6;

    private static (Bf16Tiles? Tiles, string Refusal) Create()
    {
        if (!IsSupported)
        {
            return (null, "the processor has no bf16 multiply-add (AVX512_BF16)");
        }

        var assembler = new X64Assembler();
        int[] starts = new int[Bf16TileCode.Rows * 4];
        for (int number = 0; number < starts.Length; number++)
        {
            starts[number] = assembler.Position;
            Bf16TileCode.Write(assembler, (number / 4) + 1, (number / 2 % 2) + 1, add: number % 2 != 0, OperatingSystem.IsWindows());
        }

        nint memory = ExecutableMemory.TryCreate(assembler.ToArray(), out string refusal);
        if (memory == 0)
        {
            return (null, refusal);
        }

        var tiles = new Bf16Tiles(Array.ConvertAll(starts, start => memory + start));
        return Bf16SelfTest.FirstFault(tiles) is { } fault ? (null, $"its self-test failed: {fault}") : (tiles, string.Empty);
    }
}
