using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Hieno.Formats.PyTorch;

/// <summary>
/// Reads the pickles that PyTorch writes, protocol 2, without running anything: an interpreter of those opcodes that state dictionaries need, with a table
/// of the names that may occur. Everything else is an error that says what and where.
/// </summary>
/// <param name="bytes">A part of a file that begins with a pickle.</param>
/// <param name="file">The file, for messages.</param>
/// <param name="start">Where in the file (or in its entry) the part begins, for messages.</param>
internal ref struct PickleReader(ReadOnlySpan<byte> bytes, string file, long start = 0)
{
    private static readonly object s_mark = new();

    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private readonly List<object?> _stack = [];
    private readonly Dictionary<int, object?> _memo = [];
    private int _opcodeAt;

    /// <summary>The byte after what was read.</summary>
    public int Position { get; private set; }

    /// <summary>Reads one pickle.</summary>
    /// <returns>Null, a bool, long, <see cref="BigInteger"/>, double, string, array of objects (a tuple), list of objects, or one of the types of <see cref="PickleDictionary"/>'s file.</returns>
    /// <exception cref="CheckpointException">It ends early, is malformed, or wants what is not allowed.</exception>
    public object? Read()
    {
        _stack.Clear();
        _memo.Clear();
        while (true)
        {
            _opcodeAt = Position;
            byte opcode = Take(1)[0];
            if (opcode == (byte)'.')
            {
                object? result = Pop();
                return _stack.Count == 0 ? result : throw Malformed($"it ends with {_stack.Count + 1} values");
            }

            Run(opcode);
        }
    }

    private void Run(byte opcode)
    {
        switch ((char)opcode)
        {
            case '\x80':
                if (Take(1)[0] is not 2 and var protocol)
                {
                    throw Unsupported($"its protocol is {protocol}, of which only 2 is read");
                }

                break;
            case '(':
                _stack.Add(s_mark);
                break;
            case '}':
                _stack.Add(new PickleDictionary());
                break;
            case ']':
                _stack.Add(new List<object?>());
                break;
            case ')':
                _stack.Add(Array.Empty<object?>());
                break;
            case '\x8f':
                _stack.Add(new PickleOpaque("set"));
                break;
            case 't':
                _stack.Add(PopToMark());
                break;
            case '\x85':
                _stack.Add(PopMany(1));
                break;
            case '\x86':
                _stack.Add(PopMany(2));
                break;
            case '\x87':
                _stack.Add(PopMany(3));
                break;
            case 'N':
                _stack.Add(null);
                break;
            case '\x88':
                _stack.Add(true);
                break;
            case '\x89':
                _stack.Add(false);
                break;
            case 'a':
                Append([Pop()]);
                break;
            case 'e':
                Append(PopToMark());
                break;
            case 's':
                SetItems(PopMany(2));
                break;
            case 'u':
                SetItems(PopToMark());
                break;
            case 'R':
                object?[] arguments = Pop() as object?[] ?? throw Malformed("a call has no tuple of arguments");
                _stack.Add(Call(PopGlobal("called"), arguments));
                break;
            case '\x81':
                object?[] made = Pop() as object?[] ?? throw Malformed("an object is made without a tuple of arguments");
                _stack.Add(Make(PopGlobal("made"), made));
                break;
            case 'b':
                Build();
                break;
            case 'Q':
                _stack.Add(Persistent(Pop()));
                break;
            default:
                RunSimple(opcode);
                break;
        }
    }

    // Numbers, texts, names and the memory of values.
    private void RunSimple(byte opcode)
    {
        switch ((char)opcode)
        {
            case 'J':
                _stack.Add((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
                break;
            case 'K':
                _stack.Add((long)Take(1)[0]);
                break;
            case 'M':
                _stack.Add((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
                break;
            case '\x8a':
                var number = new BigInteger(Take(Take(1)[0]));
                _stack.Add(number >= long.MinValue && number <= long.MaxValue ? (long)number : number);
                break;
            case 'G':
                _stack.Add(BinaryPrimitives.ReadDoubleBigEndian(Take(8)));
                break;
            case 'X':
                uint length = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                _stack.Add(Text(Take(length)));
                break;
            case 'U':
                _stack.Add(Encoding.Latin1.GetString(Take(Take(1)[0])));
                break;
            case 'c':
                (string module, string name) = (Line(), Line());
                _stack.Add(PickleGlobal.Find(module, name) ?? throw Unsafe($"it names {module}.{name}, which has no place in a file of weights"));
                break;
            case 'q':
                _memo[Take(1)[0]] = Peek();
                break;
            case 'r':
                _memo[BinaryPrimitives.ReadInt32LittleEndian(Take(4))] = Peek();
                break;
            case 'h':
                _stack.Add(Remembered(Take(1)[0]));
                break;
            case 'j':
                _stack.Add(Remembered(BinaryPrimitives.ReadInt32LittleEndian(Take(4))));
                break;
            default:
                throw Unsafe(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"it has the opcode 0x{opcode:x2}, which a file of weights does not need"));
        }
    }

    private object? Call(PickleGlobal function, object?[] arguments)
    {
        switch (function.Role)
        {
            case PickleRole.Dictionary:
                var dictionary = new PickleDictionary();
                foreach (object? pair in arguments is [List<object?> pairs] ? pairs : [])
                {
                    if (pair is not object?[] { Length: 2 } item)
                    {
                        throw Malformed("a dictionary is made of something else than pairs");
                    }

                    dictionary.Set(item[0], item[1]);
                }

                return arguments is [] or [List<object?>] ? dictionary : throw Malformed("a dictionary is made of something else than pairs");
            case PickleRole.Tuple:
                return arguments is [object?[] content] ? content : throw Malformed("a size is made of something else than a tuple");
            case PickleRole.Opaque:
                return new PickleOpaque(function.Name);
            case PickleRole.Tensor or PickleRole.TypedTensor:
                return Tensor(function, arguments);
            case PickleRole.Parameter:
                return arguments is [TorchTensor tensor, ..] ? tensor : throw Malformed("a parameter is made of something else than a tensor");
            default:
                throw Unsafe($"it calls {function.Name.Replace(' ', '.')}, which is no function that makes tensors");
        }
    }

    private object? Make(PickleGlobal type, object?[] arguments) =>
        type.Role is PickleRole.Dictionary or PickleRole.Opaque or PickleRole.Tuple or PickleRole.Parameter
            ? Call(type, arguments)
            : throw Unsafe($"it makes an object of {type.Name.Replace(' ', '.')}");

    private TorchTensor Tensor(PickleGlobal function, object?[] arguments)
    {
        if (arguments.Length < 4 || arguments[0] is not TorchStorage storage || arguments[1] is not long offset || Longs(arguments[2]) is not { } shape || Longs(arguments[3]) is not { } strides
            || shape.Length != strides.Length)
        {
            throw Malformed("a tensor is made of something else than storage, offset, shape and strides");
        }

        Safetensors.SafetensorsDType? type = function.Role == PickleRole.TypedTensor
            ? (arguments.Length > 6 && arguments[6] is PickleGlobal { Role: PickleRole.ElementType } named ? named.DType : null)
            : storage.DType;
        if (type is not { } dtype)
        {
            throw Malformed("a tensor's type is not said");
        }

        if (offset < 0 || Array.Exists(shape, extent => extent < 0) || Array.Exists(strides, stride => stride < 0))
        {
            throw Malformed($"a tensor has the shape [{string.Join(", ", shape)}], the strides [{string.Join(", ", strides)}] and the offset {offset}: none may be negative");
        }

        return new TorchTensor(storage, dtype, offset, shape, strides);
    }

    private TorchStorage Persistent(object? id)
    {
        if (id is not object?[] { Length: >= 5 } parts || parts[0] is not "storage" || parts[1] is not PickleGlobal { Role: PickleRole.Storage } type
            || parts[2] is not (string or long) || parts[4] is not (long and >= 0))
        {
            throw Malformed("a reference to bytes outside the pickle is no storage");
        }

        if (parts.Length > 5 && parts[5] is not null)
        {
            throw Unsupported("a storage is a part of another storage, as only very old versions of PyTorch wrote it");
        }

        return new TorchStorage(FormattableString.Invariant($"{parts[2]}"), type.DType, (long)parts[4]!);
    }

    // What a state dictionary carries beside its items (its modules' versions) is of no use here.
    private void Build()
    {
        Pop();
        if (Peek() is not (PickleDictionary or TorchTensor or PickleOpaque))
        {
            throw Unsafe("it gives a state to an object that is no dictionary or tensor");
        }
    }

    private void Append(object?[] items)
    {
        if (Peek() is List<object?> list)
        {
            list.AddRange(items);
        }
        else
        {
            throw Malformed("something is appended to what is no list");
        }
    }

    private void SetItems(object?[] items)
    {
        if (Peek() is not PickleDictionary dictionary || items.Length % 2 != 0)
        {
            throw Malformed("items are set in what is no dictionary");
        }

        for (int i = 0; i < items.Length; i += 2)
        {
            dictionary.Set(items[i], items[i + 1]);
        }
    }

    private readonly object? Peek() => _stack is [.., var top] && top != s_mark ? top : throw Malformed("a value is missing");

    private readonly object? Pop()
    {
        object? top = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    private readonly PickleGlobal PopGlobal(string what) => Pop() as PickleGlobal ?? throw Unsafe($"something is {what} that is not a name");

    private readonly object?[] PopMany(int count)
    {
        if (_stack.Count < count || _stack.IndexOf(s_mark, _stack.Count - count) >= 0)
        {
            throw Malformed("a value is missing");
        }

        object?[] values = [.. _stack[^count..]];
        _stack.RemoveRange(_stack.Count - count, count);
        return values;
    }

    private readonly object?[] PopToMark()
    {
        int mark = _stack.LastIndexOf(s_mark);
        if (mark < 0)
        {
            throw Malformed("a mark is missing");
        }

        object?[] values = [.. _stack[(mark + 1)..]];
        _stack.RemoveRange(mark, _stack.Count - mark);
        return values;
    }

    private readonly object? Remembered(int number) =>
        _memo.TryGetValue(number, out object? value) ? value : throw Malformed($"the value {number} is used before it is there");

    private static long[]? Longs(object? value) =>
        value is object?[] items && Array.TrueForAll(items, item => item is long) ? Array.ConvertAll(items, item => (long)item!) : null;

    private readonly string Text(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(utf8);
        }
        catch (DecoderFallbackException)
        {
            throw Malformed("a text is not valid UTF-8");
        }
    }

    private string Line()
    {
        int length = _bytes[Position..].IndexOf((byte)'\n');
        if (length is < 0 or > 1000)
        {
            throw Malformed("a name does not end");
        }

        string line = Encoding.Latin1.GetString(Take(length));
        Take(1);
        return line;
    }

    private ReadOnlySpan<byte> Take(long count)
    {
        if (count > _bytes.Length - Position)
        {
            throw Malformed("it ends early");
        }

        ReadOnlySpan<byte> taken = _bytes.Slice(Position, (int)count);
        Position += (int)count;
        return taken;
    }

    private readonly CheckpointException Malformed(string fact) => Error(ErrorCodes.CheckpointPickleInvalid, fact, "Fetch or save the file again");

    private readonly CheckpointException Unsupported(string fact) => Error(ErrorCodes.CheckpointPickleInvalid, fact, "Save it as safetensors, or with a newer PyTorch");

    private readonly CheckpointException Unsafe(string fact) => Error(
        ErrorCodes.CheckpointPickleUnsafe, fact, "Nothing of it was run. Take the weights as safetensors, or save the state dictionary alone");

    private readonly CheckpointException Error(string code, string fact, string advice) => new(code, file, $"in the pickle, at byte {start + _opcodeAt}, {fact}", advice);
}
