namespace Hieno.Formats.Text;

// A file read byte by byte, with two bytes of look-ahead and the position of the next byte.
internal sealed class ByteSource : IDisposable
{
    private readonly FileStream _stream;
    private readonly byte[] _buffer = new byte[1 << 16];
    private int _at, _end;

    public ByteSource(string path)
    {
        Path = path;
        _stream = DataBytes.Open(path);
        Fill();
        if (_buffer.AsSpan(0, _end).StartsWith(Utf8Check.ByteOrderMark))
        {
            _at = Utf8Check.ByteOrderMark.Length;
            Column += _at;
        }
    }

    public string Path { get; }

    /// <summary>Line of the next byte, counted from 1.</summary>
    public long Line { get; private set; } = 1;

    /// <summary>Place of the next byte in its line, counted from 1.</summary>
    public long Column { get; private set; } = 1;

    /// <summary>The next byte, or -1 at the end of the file.</summary>
    public int Peek() => Has(1) ? _buffer[_at] : -1;

    /// <summary>The byte after the next one, or -1 where there is none.</summary>
    public int PeekSecond() => Has(2) ? _buffer[_at + 1] : -1;

    /// <summary>Takes the next byte; -1 at the end of the file.</summary>
    public int Next()
    {
        int b = Peek();
        if (b >= 0)
        {
            _at++;
            (Line, Column) = b == '\n' ? (Line + 1, 1) : (Line, Column + 1);
        }

        return b;
    }

    public void Dispose() => _stream.Dispose();

    private bool Has(int bytes)
    {
        if (_end - _at < bytes)
        {
            Fill();
        }

        return _end - _at >= bytes;
    }

    // Moves what is left to the front and reads until the buffer is full or the file ends.
    private void Fill()
    {
        _buffer.AsSpan(_at, _end - _at).CopyTo(_buffer);
        (_at, _end) = (0, _end - _at);
        _end += DataBytes.Fill(_stream, _buffer.AsSpan(_end));
    }
}
