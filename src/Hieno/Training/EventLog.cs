using System.Text;
using Hieno.Formats.Durable;

namespace Hieno.Training;

/// <summary>A file of events, one JSON object a line. Whatever happens while it is written, all of its lines are whole when it is opened again.</summary>
internal sealed class EventLog : IDisposable
{
    private const byte LineEnd = (byte)'\n';

    private readonly FileStream _file;

    private EventLog(FileStream file) => _file = file;

    /// <summary>Opens or makes the file, to append to it. Readers may follow it meanwhile.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static EventLog Open(string path)
    {
        // Without a buffer each line is one call to the system: a kill in between cannot cut one.
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        RemoveCutLine(file);
        file.Seek(0, SeekOrigin.End);
        return new EventLog(file);
    }

    /// <summary>Appends an event.</summary>
    /// <exception cref="StorageException">It could not be written; the events before it are intact.</exception>
    public void Append(TrainingEvent item)
    {
        byte[] line = [.. Encoding.UTF8.GetBytes(item.ToJson()), LineEnd];
        long before = _file.Position;
        try
        {
            _file.Write(line);
        }
        catch (IOException e)
        {
            TakeBack(before);
            throw StorageException.From(e, _file.Name, "writing an event", "The events before it and all checkpoints are intact");
        }
    }

    public void Dispose() => _file.Dispose();

    // Takes back the part of a line that found room on a full disk. Where even that fails, the next opening does it.
    private void TakeBack(long length)
    {
        try
        {
            _file.SetLength(length);
            _file.Position = length;
        }
        catch (IOException e)
        {
            System.Diagnostics.Debug.WriteLine(e.Message);
        }
    }

    // A power cut may have left half of the last line.
    private static void RemoveCutLine(FileStream file)
    {
        long end = file.Length;
        while (end > 0)
        {
            file.Position = end - 1;
            if (file.ReadByte() == LineEnd)
            {
                break;
            }

            end--;
        }

        file.SetLength(end);
    }
}
