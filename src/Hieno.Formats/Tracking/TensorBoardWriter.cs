using System.Globalization;

namespace Hieno.Formats.Tracking;

/// <summary>Writes the events file of one run, which TensorBoard shows: curves, texts and the table of hyperparameters.</summary>
/// <remarks>
/// One run is one folder; TensorBoard is started on the folder above. Every writer starts a new file, so a resumed run writes
/// beside what it wrote before. Methods may be called from several threads.
/// Format: TensorBoard's record files of Event messages, version <c>brain.Event:2</c>.
/// </remarks>
public sealed class TensorBoardWriter : IDisposable
{
    private const int StringType = 7; // DT_STRING
    private const int FloatType = 1; // DT_FLOAT
    private const int TensorClass = 2; // DATA_CLASS_TENSOR
    private const int SessionStarted = 1; // SessionLog.START

    private readonly Lock _lock = new();
    private readonly EventRecordFile _file;
    private readonly TimeProvider _clock;
    private readonly TensorBoardOptions _options;
    private long _lastFlush;
    private int _waiting;
    private bool _isDisposed;

    /// <summary>Creates the events file and its folder.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="clock">Gives the events their time.</param>
    /// <param name="options">When to flush; null for the defaults.</param>
    /// <exception cref="Durable.StorageException">The folder or the file cannot be created or written.</exception>
    public TensorBoardWriter(string folder, TimeProvider clock, TensorBoardOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(clock);
        (_clock, _options) = (clock, options ?? new TensorBoardOptions());
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.FlushEvents, 1, nameof(options));

        long second = clock.GetUtcNow().ToUnixTimeSeconds();
        string host = Environment.MachineName.Replace(System.IO.Path.DirectorySeparatorChar, '-');
        _file = EventRecordFile.Create(
            folder, string.Create(CultureInfo.InvariantCulture, $"events.out.tfevents.{second:0000000000}.{host}.{Environment.ProcessId}"));
        _lastFlush = clock.GetTimestamp();
        Append(new ProtobufWriter().Double(1, UnixTime()).Text(3, "brain.Event:2"));
        Flush();
    }

    /// <summary>The events file.</summary>
    public string Path => _file.Path;

    /// <summary>Adds a point to a curve.</summary>
    /// <param name="tag">The curve's name, such as <c>train/loss</c>; what stands before a slash groups curves.</param>
    /// <param name="value">The point; kept as a 32-bit float. NaN and infinities are shown as gaps.</param>
    /// <param name="step">The training step, from 0.</param>
    /// <exception cref="Durable.StorageException">The file cannot be written.</exception>
    public void Scalar(string tag, double value, long step) =>
        AppendValue(step, NewValue(tag).Float(2, (float)value));

    /// <summary>Adds a text, shown as Markdown.</summary>
    /// <param name="tag">The text's name.</param>
    /// <param name="markdown">The text.</param>
    /// <param name="step">The training step, from 0.</param>
    /// <exception cref="Durable.StorageException">The file cannot be written.</exception>
    public void Text(string tag, string markdown, long step)
    {
        ArgumentNullException.ThrowIfNull(markdown);

        // A tensor of one string: the shape without dimensions is that of a scalar.
        var tensor = new ProtobufWriter().Integer(1, StringType).Message(2, new ProtobufWriter()).Text(8, markdown);
        AppendValue(step, NewValue(tag).Message(8, tensor).Message(9, Metadata("text", new ProtobufWriter())));
    }

    /// <summary>Enters the run into the table of hyperparameters. Call once, before training.</summary>
    /// <param name="hyperparameters">What was set, by name: text, numbers or truth values.</param>
    /// <param name="metrics">Tags of the scalars to compare runs by.</param>
    /// <param name="groupName">Runs of one group are repetitions of each other; null puts the run into a group of its own.</param>
    /// <exception cref="ArgumentException">A hyperparameter has a value of another type.</exception>
    /// <exception cref="Durable.StorageException">The file cannot be written.</exception>
    public void BeginSession(IReadOnlyDictionary<string, object> hyperparameters, IReadOnlyList<string> metrics, string? groupName = null)
    {
        ArgumentNullException.ThrowIfNull(hyperparameters);
        ArgumentNullException.ThrowIfNull(metrics);
        var experiment = HyperparameterRecords.Experiment(hyperparameters, metrics);
        var start = HyperparameterRecords.SessionStart(hyperparameters, groupName ?? "", UnixTime());
        AppendHyperparameters(HyperparameterRecords.ExperimentTag, experiment);
        AppendHyperparameters(HyperparameterRecords.SessionStartTag, start);
    }

    /// <summary>Notes in the table of hyperparameters how the run ended.</summary>
    /// <param name="status">How it ended.</param>
    /// <exception cref="Durable.StorageException">The file cannot be written.</exception>
    public void EndSession(SessionStatus status) =>
        AppendHyperparameters(HyperparameterRecords.SessionEndTag, HyperparameterRecords.SessionEnd(status, UnixTime()));

    /// <summary>Tells TensorBoard to drop what the run logged at this step and after it, in this file and in those before.</summary>
    /// <param name="step">The first step that will be trained again after a resume.</param>
    /// <exception cref="Durable.StorageException">The file cannot be written.</exception>
    public void RestartAt(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        Append(NewEvent(step).Message(7, new ProtobufWriter().Integer(1, SessionStarted)));
    }

    /// <summary>Makes everything written so far visible to a running TensorBoard.</summary>
    /// <exception cref="Durable.StorageException">The file cannot be written.</exception>
    public void Flush()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _file.Flush();
            (_waiting, _lastFlush) = (0, _clock.GetTimestamp());
        }
    }

    /// <summary>Writes what is left and closes the file.</summary>
    /// <exception cref="Durable.StorageException">The file cannot be written.</exception>
    public void Dispose()
    {
        lock (_lock)
        {
            if (!_isDisposed)
            {
                _isDisposed = true;
                _file.Dispose();
            }
        }
    }

    private static ProtobufWriter NewValue(string tag)
    {
        ArgumentException.ThrowIfNullOrEmpty(tag);
        return new ProtobufWriter().Text(1, tag);
    }

    private static ProtobufWriter Metadata(string plugin, ProtobufWriter content)
    {
        var pluginData = new ProtobufWriter().Text(1, plugin).Message(2, content);
        return new ProtobufWriter().Message(1, pluginData).Integer(4, TensorClass);
    }

    private double UnixTime() => (_clock.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds;

    private ProtobufWriter NewEvent(long step) => new ProtobufWriter().Double(1, UnixTime()).Integer(2, step);

    private void AppendValue(long step, ProtobufWriter value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        Append(NewEvent(step).Message(5, new ProtobufWriter().Message(1, value)));
    }

    private void AppendHyperparameters(string tag, ProtobufWriter content)
    {
        // All that matters stands in the metadata; the tensor beside it is empty, of shape [0].
        var shape = new ProtobufWriter().Message(2, new ProtobufWriter().Integer(1, 0));
        var tensor = new ProtobufWriter().Integer(1, FloatType).Message(2, shape);
        AppendValue(0, NewValue(tag).Message(8, tensor).Message(9, Metadata("hparams", content)));
    }

    private void Append(ProtobufWriter message)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _file.Append(message.Written);
            _waiting++;
            if (_waiting >= _options.FlushEvents || _clock.GetElapsedTime(_lastFlush) >= _options.FlushInterval)
            {
                Flush();
            }
        }
    }
}
