namespace Hieno.Formats.Images.Jpeg;

/// <summary>The bits of a scan up to the next marker; a zero byte after 0xFF is stuffing (ITU-T T.81, section F.1.2.3).</summary>
internal sealed class JpegBits(ImageBytes file)
{
    private readonly byte[] _bytes = file.Bytes;
    private ulong _buffer; // the lowest _count bits are still to be read
    private int _count;
    private int _absent;   // how many of them lie behind the end of the scan: they may be looked at, not used

    /// <summary>The next <paramref name="count"/> bits (at most 16) as a number, without going past them.</summary>
    public int Peek(int count)
    {
        if (_count < count)
        {
            Fill();
        }

        return (int)(_buffer >> (_count - count)) & ((1 << count) - 1);
    }

    public void Skip(int count)
    {
        _count -= count;
        if (_count < _absent)
        {
            throw file.Position >= file.Length
                ? file.Truncated("its pixels are not complete")
                : file.Invalid($"its compressed pixels end too early, at the marker 0x{_bytes[file.Position + 1]:X2} at byte {file.Position}");
        }
    }

    /// <summary>The next bits as a number; 0 for none.</summary>
    public int Read(int count)
    {
        if (count == 0)
        {
            return 0;
        }

        int value = Peek(count);
        Skip(count);
        return value;
    }

    /// <summary>A number of so many bits that has a sign: the lower half of the range stands for negative numbers (T.81, figure F.12).</summary>
    public int ReadSigned(int count)
    {
        int value = Read(count);
        return count > 0 && value < 1 << (count - 1) ? value - (1 << count) + 1 : value;
    }

    /// <summary>Drops what is left of the scan and goes to the marker behind it.</summary>
    public void EndScan()
    {
        (_buffer, _count, _absent) = (0, 0, 0);
        while (!AtMarker() && file.Position < file.Length)
        {
            file.Position++;
        }
    }

    public ImageException Invalid(string fact) => file.Invalid(fact);

    private void Fill()
    {
        while (_count <= 48)
        {
            int next = 0;
            if (file.Position >= file.Length || AtMarker())
            {
                _absent += 8;
            }
            else
            {
                next = _bytes[file.Position++];
                file.Position += next == 0xFF ? 1 : 0;
            }

            _buffer = (_buffer << 8) | (uint)next;
            _count += 8;
        }
    }

    // 0xFF at the very end of a file is half a marker.
    private bool AtMarker() =>
        file.Position < file.Length && _bytes[file.Position] == 0xFF && (file.Position + 1 == file.Length || _bytes[file.Position + 1] != 0);
}
