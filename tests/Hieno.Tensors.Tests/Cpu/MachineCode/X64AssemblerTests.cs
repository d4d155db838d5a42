using Hieno.Tensors.Cpu.MachineCode;

namespace Hieno.Tensors.Tests.Cpu.MachineCode;

/// <summary>The expected bytes are those of GNU as for the instruction in the comment.</summary>
public sealed class X64AssemblerTests
{
    [Fact]
    public void Loads_of_64_bits()
    {
        Gives("48 8b 07", code => code.Load(Register.Rax, new Address(Register.Rdi)));            // mov rax, [rdi]
        Gives("4c 8b 5f 28", code => code.Load(Register.R11, new Address(Register.Rdi, 40)));     // mov r11, [rdi+40]
        Gives("48 8b 51 08", code => code.Load(Register.Rdx, new Address(Register.Rcx, 8)));      // mov rdx, [rcx+8]
    }

    [Fact]
    public void Sums_of_64_bits()
    {
        Gives("48 83 c2 30", code => code.Add(Register.Rdx, 48));               // add rdx, 48
        Gives("49 81 c0 80 00 00 00", code => code.Add(Register.R8, 128));      // add r8, 128
        Gives("49 83 c0 80", code => code.Add(Register.R8, -128));              // add r8, -128
        Gives("4d 01 da", code => code.Add(Register.R10, Register.R11));        // add r10, r11
        Gives("48 01 d0", code => code.Add(Register.Rax, Register.Rdx));        // add rax, rdx
        Gives("48 ff c8", code => code.Decrement(Register.Rax));                // dec rax
        Gives("49 ff cb", code => code.Decrement(Register.R11));                // dec r11
    }

    [Fact]
    public void Jump_counts_from_its_own_end()
    {
        Gives("48 ff c8 0f 85 f7 ff ff ff", code =>                              // l: dec rax; jnz l
        {
            int loop = code.Position;
            code.Decrement(Register.Rax);
            code.JumpUnlessZero(loop);
        });
    }

    [Fact]
    public void Prefetch_return_and_the_end_of_vector_code()
    {
        Gives("41 0f 18 12", code => code.Prefetch(new Address(Register.R10)));         // prefetcht1 [r10]
        Gives("0f 18 52 40", code => code.Prefetch(new Address(Register.Rdx, 64)));     // prefetcht1 [rdx+64]
        Gives("c5 f8 77", code => code.ZeroUpper());                                    // vzeroupper
        Gives("c3", code => code.Return());                                             // ret
    }

    [Fact]
    public void Cleared_vectors()
    {
        Gives("62 f1 7d 48 ef c0", code => code.Clear(new Zmm(0)));      // vpxord zmm0, zmm0, zmm0
        Gives("62 01 05 40 ef ff", code => code.Clear(new Zmm(31)));     // vpxord zmm31, zmm31, zmm31
    }

    [Fact]
    public void Loads_and_stores_of_vectors()
    {
        Gives("62 41 7c 48 10 00", code => code.Load(new Zmm(24), new Address(Register.R8)));              // vmovups zmm24, [r8]
        Gives("62 41 7c 48 10 48 01", code => code.Load(new Zmm(25), new Address(Register.R8, 64)));       // vmovups zmm25, [r8+64]
        Gives("62 f1 7c 48 10 79 fe", code => code.Load(new Zmm(7), new Address(Register.Rcx, -128)));     // vmovups zmm7, [rcx-128]
        Gives("62 c1 7c 48 11 79 17", code => code.Store(new Address(Register.R9, 1472), new Zmm(23)));    // vmovups [r9+1472], zmm23
        Gives("62 d1 7c 48 11 01", code => code.Store(new Address(Register.R9), new Zmm(0)));              // vmovups [r9], zmm0
    }

    [Fact]
    public void One_number_in_all_lanes()
    {
        Gives("62 62 7d 48 18 12", code => code.Broadcast(new Zmm(26), new Address(Register.Rdx)));          // vbroadcastss zmm26, [rdx]
        Gives("62 62 7d 48 18 5a 0b", code => code.Broadcast(new Zmm(27), new Address(Register.Rdx, 44)));   // vbroadcastss zmm27, [rdx+44]
        Gives("62 d2 7d 48 18 68 01", code => code.Broadcast(new Zmm(5), new Address(Register.R8, 4)));      // vbroadcastss zmm5, [r8+4]
    }

    [Fact]
    public void Sums_of_singles_and_products_of_pairs()
    {
        Gives("62 d1 7c 48 58 01", code => code.AddSingles(new Zmm(0), new Zmm(0), new Address(Register.R9)));             // vaddps zmm0, zmm0, [r9]
        Gives("62 c1 44 40 58 79 17", code => code.AddSingles(new Zmm(23), new Zmm(23), new Address(Register.R9, 1472)));  // vaddps zmm23, zmm23, [r9+1472]
        Gives("62 71 6c 40 58 4a 01", code => code.AddSingles(new Zmm(9), new Zmm(18), new Address(Register.Rdx, 64)));    // vaddps zmm9, zmm18, [rdx+64]
        Gives("62 92 2e 40 52 c0", code => code.DotBf16(new Zmm(0), new Zmm(26), new Zmm(24)));                            // vdpbf16ps zmm0, zmm26, zmm24
        Gives("62 82 26 40 52 f9", code => code.DotBf16(new Zmm(23), new Zmm(27), new Zmm(25)));                           // vdpbf16ps zmm23, zmm27, zmm25
        Gives("62 12 46 48 52 e7", code => code.DotBf16(new Zmm(12), new Zmm(7), new Zmm(31)));                            // vdpbf16ps zmm12, zmm7, zmm31
    }

    [Theory]
    [InlineData(32)]
    [InlineData(128 * 64)]
    [InlineData(-129 * 64)]
    public void An_offset_that_does_not_fit_is_refused(int offset)
    {
        var code = new X64Assembler();
        Assert.Throws<ArgumentOutOfRangeException>("address", () => code.Load(new Zmm(1), new Address(Register.Rdx, offset)));
    }

    private static void Gives(string expected, Action<X64Assembler> write)
    {
        var code = new X64Assembler();
        write(code);
        Assert.Equal(expected, Convert.ToHexStringLower(code.ToArray()).Chunk(2).Select(pair => new string(pair)).Aggregate((a, b) => $"{a} {b}"));
    }
}
