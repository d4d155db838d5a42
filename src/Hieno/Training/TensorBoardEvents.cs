using Hieno.Formats.Tracking;

namespace Hieno.Training;

/// <summary>Writes a run's events where TensorBoard looks for them.</summary>
internal sealed class TensorBoardEvents(string folder, TimeProvider clock) : IDisposable
{
    private readonly TensorBoardWriter _writer = new(folder, clock);

    /// <summary>Writes what has a curve; other events are left out.</summary>
    public void Write(TrainingEvent item)
    {
        switch (item)
        {
            case RunStarted started:
                // Steps count from 1 here. What a run that was cut off has logged beyond its checkpoint is logged again.
                _writer.RestartAt(started.FirstStep + 1);
                break;
            case StepCompleted step:
                _writer.Scalar("train/loss", step.Loss, step.Step);
                _writer.Scalar("train/learning-rate", step.LearningRate, step.Step);
                _writer.Scalar("train/gradient-norm", step.GradientNorm, step.Step);
                _writer.Scalar("train/tokens-per-second", step.TokensPerSecond, step.Step);
                break;
            case Evaluated evaluated:
                foreach ((string name, double value) in evaluated.Metrics)
                {
                    _writer.Scalar($"{evaluated.Split}/{name}", value, evaluated.Step);
                }

                break;
        }
    }

    public void Dispose() => _writer.Dispose();
}
