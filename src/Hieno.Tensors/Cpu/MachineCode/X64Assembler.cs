using System.Buffers.Binary;

namespace Hieno.Tensors.Cpu.MachineCode;

/// <summary>A 64-bit register; the number is the one that instructions name it by.</summary>
internal enum Register
{
    Rax = 0,
    Rcx = 1,
    Rdx = 2,
    Rdi = 7,
    R8 = 8,
    R9 = 9,
    R10 = 10,
    R11 = 11,
}

/// <summary>A 512-bit vector register, zmm0 to zmm31.</summary>
internal readonly record struct Zmm(int Number);

/// <summary>A place in memory: the address in <paramref name="Base"/> plus <paramref name="Offset"/> bytes.</summary>
internal readonly record struct Address(Register Base, int Offset = 0);

/// <summary>
/// Writes x64 machine code, one instruction a method: the few that <see cref="Bf16TileCode"/> needs. The encodings are those of the
/// instruction reference of Intel's and AMD's manuals; the tests hold bytes that other assemblers gave.
/// </summary>
/// <remarks>
/// An instruction is a prefix, an opcode, a ModRM byte that names a register and a register or an address, and perhaps an offset or a
/// constant. ModRM is (mod, reg, rm) in 2 + 3 + 3 bits: mod 3 means that rm is a register, mod 0 an address without offset, mod 1 an
/// address with an offset of one byte. Registers beyond the seventh have their upper bits in the prefix.
/// </remarks>
internal sealed class X64Assembler
{
    private const int VectorBytes = 64;

    private readonly List<byte> _code = [];

    /// <summary>Bytes written so far; also the position of the next instruction, to jump back to.</summary>
    public int Position => _code.Count;

    /// <summary>The code.</summary>
    public byte[] ToArray() => [.. _code];

    /// <summary><c>mov register, [address]</c>: loads 64 bits. REX.W 8B /r.</summary>
    public void Load(Register register, Address address)
    {
        Rex((int)register, (int)address.Base);
        _code.Add(0x8B);
        Memory((int)register, address, unit: 1);
    }

    /// <summary><c>add register, value</c>. REX.W 83 /0 with a constant of one byte, REX.W 81 /0 with four.</summary>
    public void Add(Register register, int value)
    {
        Rex(0, (int)register);
        bool isShort = value is >= sbyte.MinValue and <= sbyte.MaxValue;
        _code.Add(isShort ? (byte)0x83 : (byte)0x81);
        Registers(0, (int)register);
        if (isShort)
        {
            _code.Add((byte)(sbyte)value);
        }
        else
        {
            Int32(value);
        }
    }

    /// <summary><c>add register, other</c>. REX.W 01 /r, in which the register that is changed is rm.</summary>
    public void Add(Register register, Register other)
    {
        Rex((int)other, (int)register);
        _code.Add(0x01);
        Registers((int)other, (int)register);
    }

    /// <summary><c>dec register</c>: subtracts 1 and notes whether 0 is left. REX.W FF /1.</summary>
    public void Decrement(Register register)
    {
        Rex(0, (int)register);
        _code.Add(0xFF);
        Registers(1, (int)register);
    }

    /// <summary><c>jnz position</c>: jumps unless the last result was 0. 0F 85 and the distance from the end of this instruction.</summary>
    public void JumpUnlessZero(int position)
    {
        _code.Add(0x0F);
        _code.Add(0x85);
        Int32(position - (_code.Count + sizeof(int)));
    }

    /// <summary><c>prefetcht1 [address]</c>: asks for a line of memory in the second-level cache; never faults. 0F 18 /2.</summary>
    public void Prefetch(Address address)
    {
        if ((int)address.Base >= 8)
        {
            _code.Add(0x41); // REX.B: the upper half of the registers
        }

        _code.Add(0x0F);
        _code.Add(0x18);
        Memory(2, address, unit: 1);
    }

    /// <summary><c>vpxord zmm, zmm, zmm</c>: all bits 0. EVEX.512.66.0F.W0 EF /r.</summary>
    public void Clear(Zmm register)
    {
        Evex(OpcodeMap.Map0F, MandatoryPrefix.P66, register.Number, register.Number, rm: register.Number, rmIsVector: true);
        _code.Add(0xEF);
        Registers(register.Number, register.Number);
    }

    /// <summary><c>vmovups zmm, [address]</c>: loads 16 singles. EVEX.512.0F.W0 10 /r.</summary>
    public void Load(Zmm register, Address address) => VectorAndMemory(OpcodeMap.Map0F, MandatoryPrefix.None, 0x10, register, default, address, VectorBytes);

    /// <summary><c>vmovups [address], zmm</c>: stores 16 singles. EVEX.512.0F.W0 11 /r.</summary>
    public void Store(Address address, Zmm register) => VectorAndMemory(OpcodeMap.Map0F, MandatoryPrefix.None, 0x11, register, default, address, VectorBytes);

    /// <summary><c>vbroadcastss zmm, [address]</c>: 32 bits from memory into each lane. EVEX.512.66.0F38.W0 18 /r.</summary>
    public void Broadcast(Zmm register, Address address) =>
        VectorAndMemory(OpcodeMap.Map0F38, MandatoryPrefix.P66, 0x18, register, default, address, sizeof(float));

    /// <summary><c>vaddps zmm, left, [address]</c>: the sums of 16 singles. EVEX.512.0F.W0 58 /r.</summary>
    public void AddSingles(Zmm register, Zmm left, Address address) =>
        VectorAndMemory(OpcodeMap.Map0F, MandatoryPrefix.None, 0x58, register, left, address, VectorBytes);

    /// <summary>
    /// <c>vdpbf16ps sum, left, right</c>: in each 32-bit lane, sum += left.high · right.high, then sum += left.low · right.low, where high and
    /// low are the lane's two bf16 numbers. Each of the two is one fused multiply-add. EVEX.512.F3.0F38.W0 52 /r.
    /// </summary>
    public void DotBf16(Zmm sum, Zmm left, Zmm right)
    {
        Evex(OpcodeMap.Map0F38, MandatoryPrefix.PF3, sum.Number, left.Number, rm: right.Number, rmIsVector: true);
        _code.Add(0x52);
        Registers(sum.Number, right.Number);
    }

    /// <summary><c>vzeroupper</c>: forgets the upper parts of zmm0 to zmm15, so that older instructions after it are not slowed down. VEX.128.0F 77.</summary>
    public void ZeroUpper() => _code.AddRange([0xC5, 0xF8, 0x77]);

    /// <summary><c>ret</c>. C3.</summary>
    public void Return() => _code.Add(0xC3);

    private void VectorAndMemory(OpcodeMap map, MandatoryPrefix prefix, byte opcode, Zmm register, Zmm second, Address address, int unit)
    {
        Evex(map, prefix, register.Number, second.Number, (int)address.Base, rmIsVector: false);
        _code.Add(opcode);
        Memory(register.Number, address, unit);
    }

    // REX: 0100 W R X B. W = 1: 64 bits; R and B are the fourth bits of reg and rm.
    private void Rex(int reg, int rm) => _code.Add((byte)(0x48 | ((reg >> 3) << 2) | (rm >> 3)));

    // EVEX: 62, then three bytes. The bits of register numbers are stored inverted; n[i] is bit i of register n.
    //   R  X  B  R' 0  map      R = reg[3], R' = reg[4]; B = rm[3]; X = rm[4] of a vector register, unused (1) for an address
    //   W  second[3..0]  1  pp  W = 0; the second operand, 1111 where there is none; pp the mandatory prefix
    //   z  L'L  b  V' aaa       L'L = 10: 512 bits; V' = second[4]; no masking (z = 0, aaa = 0), no broadcast (b = 0)
    private void Evex(OpcodeMap map, MandatoryPrefix prefix, int reg, int second, int rm, bool rmIsVector)
    {
        int x = rmIsVector ? (rm >> 4) & 1 : 0;
        _code.Add(0x62);
        _code.Add((byte)((Inverted(reg >> 3) << 7) | (Inverted(x) << 6) | (Inverted(rm >> 3) << 5) | (Inverted(reg >> 4) << 4) | (int)map));
        _code.Add((byte)(((~second & 0xF) << 3) | 0b100 | (int)prefix));
        _code.Add((byte)(0b0100_0000 | (Inverted(second >> 4) << 3)));
    }

    private static int Inverted(int bit) => ~bit & 1;

    // ModRM with mod 3: both are registers.
    private void Registers(int reg, int rm) => _code.Add((byte)(0b11_000_000 | ((reg & 7) << 3) | (rm & 7)));

    // ModRM with mod 0 or 1, and the offset. EVEX counts the one-byte offset in units of what the instruction reads.
    private void Memory(int reg, Address address, int unit)
    {
        (int count, int rest) = Math.DivRem(address.Offset, unit);
        if (rest != 0 || count is < sbyte.MinValue or > sbyte.MaxValue)
        {
            throw new ArgumentOutOfRangeException(nameof(address), $"The offset {address.Offset} is not one of −128 to 127 times {unit}.");
        }

        int mod = count == 0 ? 0b00_000_000 : 0b01_000_000;
        _code.Add((byte)(mod | ((reg & 7) << 3) | ((int)address.Base & 7)));
        if (count != 0)
        {
            _code.Add((byte)(sbyte)count);
        }
    }

    private void Int32(int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        _code.AddRange(bytes);
    }

    /// <summary>Which table of opcodes is meant.</summary>
    private enum OpcodeMap
    {
        Map0F = 1,
        Map0F38 = 2,
    }

    /// <summary>A prefix byte that is part of the opcode.</summary>
    private enum MandatoryPrefix
    {
        None = 0,
        P66 = 1,
        PF3 = 2,
    }
}
