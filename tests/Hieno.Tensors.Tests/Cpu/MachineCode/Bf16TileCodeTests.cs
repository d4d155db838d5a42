using Hieno.Tensors.Cpu.MachineCode;

namespace Hieno.Tensors.Tests.Cpu.MachineCode;

public sealed unsafe class Bf16TileCodeTests
{
    [SkippableFact]
    public void Code_for_Windows_computes_the_same_and_gives_its_registers_back()
    {
        Skip.IfNot(OperatingSystem.IsLinux() && Bf16Tiles.Shared is not null, "needs Linux and a processor with AVX512_BF16");
        foreach ((int rows, int vectors) in new[] { (1, 1), (5, 2), (12, 1), (12, 2) })
        {
            float[] expected = new float[12 * 32];
            float[] actual = new float[12 * 32];
            float[] pairs = TestTensors.Normal(7 * (12 + 32), 1); // any bits will do as pairs, as long as they are finite
            fixed (float* operands = pairs, ours = expected, theirs = actual)
            {
                var work = new Bf16TileWork { Pairs = 7, A = (uint*)operands, B = (uint*)operands + (7 * 12), Tile = ours, Next = (byte*)operands };
                Bf16Tiles.Shared!.Run(rows, vectors, add: false, &work);
                work.Tile = theirs;

                // Windows passes the first argument in rcx, which is where Linux passes the fourth.
                var call = (delegate* unmanaged<nint, nint, nint, Bf16TileWork*, void>)Create(rows, vectors);
                call(0, 0, 0, &work);
            }

            TestTensors.SameBits(expected, actual);
        }
    }

    [Fact]
    public void Code_for_Windows_saves_what_it_overwrites_from_zmm6_on()
    {
        var assembler = new X64Assembler();
        Bf16TileCode.Write(assembler, 12, 2, add: false, windows: true);
        string code = Convert.ToHexString(assembler.ToArray());
        string[] saved = ["62F17C481171", "62F17C481179", "62717C481141", "62717C481149", "62717C481151"]; // vmovups [rcx+…], zmm6 to zmm10
        string[] restored = ["62F17C481071", "62F17C481079", "62717C481041", "62717C481049", "62717C481051"];
        Assert.All([.. saved, .. restored], instruction => Assert.Contains(instruction, code, StringComparison.Ordinal));
        Assert.DoesNotContain("62717C481159", code, StringComparison.Ordinal); // zmm11 is not used
    }

    private static nint Create(int rows, int vectors)
    {
        var assembler = new X64Assembler();
        Bf16TileCode.Write(assembler, rows, vectors, add: false, windows: true);
        nint code = ExecutableMemory.TryCreate(assembler.ToArray(), out string refusal);
        Assert.True(code != 0, refusal);
        return code;
    }
}
