using System.Runtime.InteropServices;

namespace Hieno.Tensors.Cpu.MachineCode;

/// <summary>What a tile's code reads: its one argument points here, so that it needs no stack and hardly cares about calling conventions.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Bf16TileWork
{
    /// <summary>Pairs of the depth, at least 1.</summary>
    public nint Pairs;

    /// <summary>Packed A: [pair][12].</summary>
    public uint* A;

    /// <summary>A packed panel of B: [pair][32].</summary>
    public uint* B;

    /// <summary>The tile of C: rows of 32 numbers.</summary>
    public float* Tile;

    /// <summary>What will be read after this tile; fetched into the second-level cache on the way.</summary>
    public byte* Next;

    /// <summary>Bytes by which <see cref="Next"/> moves with each pair.</summary>
    public nint NextStep;

    private fixed long _unused[2];

    // Where Windows wants the registers back that the code overwrites: zmm6 and up to nine more.
    private fixed long _saved[10 * 8];
}

/// <summary>
/// The innermost loop of a matrix product of bf16 numbers, as machine code: some rows by one or two vectors of C stay in registers while
/// the depth runs, two numbers (a pair) at a time.
/// </summary>
/// <remarks>
/// The loop is <see cref="GemmTile"/>'s: load B, broadcast each row's part of A, multiply and add. .NET has no intrinsic for
/// <c>vdpbf16ps</c>, which does two multiply-adds in each lane: hence the machine code, and nothing else is in it. In each pair the
/// number of the smaller depth lies in the upper half, which the instruction adds first. So each element of C is the same chain of
/// fused multiply-adds over k as <see cref="GemmTile"/> computes from the same rounded numbers, bit by bit (except that numbers below
/// 2⁻¹²⁶ count as 0 here).
/// </remarks>
internal static class Bf16TileCode
{
    /// <summary>Rows of a full tile, and of packed A.</summary>
    public const int Rows = 12;

    /// <summary>Columns of a panel, and of a tile.</summary>
    public const int Columns = 32;

    private const int LaneBytes = 4;
    private const int VectorBytes = 64;

    // Free to use under both calling conventions. None is the argument's, which the end may need again.
    private const Register Pairs = Register.Rax;
    private const Register A = Register.Rdx;
    private const Register B = Register.R8;
    private const Register Tile = Register.R9;
    private const Register Next = Register.R10;
    private const Register NextStep = Register.R11;

    /// <summary>Writes the code for one shape of tile.</summary>
    /// <param name="assembler">Where to.</param>
    /// <param name="rows">Rows, 1 to 12.</param>
    /// <param name="vectors">Vectors of 16 columns, 1 or 2.</param>
    /// <param name="add">True adds to the tile, false overwrites it.</param>
    /// <param name="windows">True for the calling convention of Windows, false for that of all others.</param>
    public static void Write(X64Assembler assembler, int rows, int vectors, bool add, bool windows)
    {
        // Registers 16 to 31 and 0 to 5 may be overwritten everywhere; on Windows those from 6 on must be given back.
        var free = new Queue<Zmm>(Enumerable.Range(16, 16).Concat(Enumerable.Range(0, 16)).Select(number => new Zmm(number)));
        Zmm[] right = [.. Enumerable.Range(0, vectors).Select(_ => free.Dequeue())];
        Zmm left = free.Dequeue();
        Zmm[] sums = [.. Enumerable.Range(0, rows * vectors).Select(_ => free.Dequeue())];
        Zmm[] saved = windows ? [.. sums.Where(sum => sum.Number is >= 6 and < 16)] : [];

        Register argument = windows ? Register.Rcx : Register.Rdi;
        Register[] fields = [Pairs, A, B, Tile, Next, NextStep];
        for (int i = 0; i < fields.Length; i++)
        {
            assembler.Load(fields[i], new Address(argument, i * sizeof(long)));
        }

        for (int i = 0; i < saved.Length; i++)
        {
            assembler.Store(new Address(argument, (i + 1) * VectorBytes), saved[i]);
        }

        Array.ForEach(sums, assembler.Clear);
        WriteLoop(assembler, rows, right, left, sums);
        for (int i = 0; i < sums.Length; i++)
        {
            (int row, int vector) = Math.DivRem(i, vectors);
            var place = new Address(Tile, (row * Columns * LaneBytes) + (vector * VectorBytes));
            if (add)
            {
                assembler.AddSingles(sums[i], sums[i], place);
            }

            assembler.Store(place, sums[i]);
        }

        for (int i = 0; i < saved.Length; i++)
        {
            assembler.Load(saved[i], new Address(argument, (i + 1) * VectorBytes));
        }

        assembler.ZeroUpper();
        assembler.Return();
    }

    private static void WriteLoop(X64Assembler assembler, int rows, Zmm[] right, Zmm left, Zmm[] sums)
    {
        int loop = assembler.Position;
        assembler.Prefetch(new Address(Next));
        assembler.Add(Next, NextStep);
        for (int vector = 0; vector < right.Length; vector++)
        {
            assembler.Load(right[vector], new Address(B, vector * VectorBytes));
        }

        for (int row = 0; row < rows; row++)
        {
            assembler.Broadcast(left, new Address(A, row * LaneBytes));
            for (int vector = 0; vector < right.Length; vector++)
            {
                assembler.DotBf16(sums[(row * right.Length) + vector], left, right[vector]);
            }
        }

        assembler.Add(A, Rows * LaneBytes);
        assembler.Add(B, Columns * LaneBytes);
        assembler.Decrement(Pairs);
        assembler.JumpUnlessZero(loop);
    }
}
