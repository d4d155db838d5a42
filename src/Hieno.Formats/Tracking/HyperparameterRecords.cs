using System.Globalization;

namespace Hieno.Formats.Tracking;

/// <summary>The messages of TensorBoard's hparams plugin: what was set, what to compare by, how the run ended.</summary>
internal static class HyperparameterRecords
{
    public const string ExperimentTag = "_hparams_/experiment";
    public const string SessionStartTag = "_hparams_/session_start_info";
    public const string SessionEndTag = "_hparams_/session_end_info";

    /// <summary>HParamsPluginData { experiment { hparam_infos, metric_infos } }.</summary>
    public static ProtobufWriter Experiment(IReadOnlyDictionary<string, object> hyperparameters, IReadOnlyList<string> metrics)
    {
        var experiment = new ProtobufWriter();
        foreach ((string name, object value) in hyperparameters)
        {
            experiment.Message(4, new ProtobufWriter().Text(1, name).Integer(4, DataType(name, value)));
        }

        foreach (string tag in metrics)
        {
            experiment.Message(5, new ProtobufWriter().Message(1, new ProtobufWriter().Text(2, tag)));
        }

        return new ProtobufWriter().Message(2, experiment);
    }

    /// <summary>HParamsPluginData { session_start_info { hparams, group_name, start_time_secs } }.</summary>
    public static ProtobufWriter SessionStart(IReadOnlyDictionary<string, object> hyperparameters, string groupName, double time)
    {
        var start = new ProtobufWriter();
        foreach ((string name, object value) in hyperparameters)
        {
            // A map's entry is a message of its key and its value.
            start.Message(1, new ProtobufWriter().Text(1, name).Message(2, Value(name, value)));
        }

        if (groupName.Length > 0)
        {
            start.Text(4, groupName);
        }

        return new ProtobufWriter().Message(3, start.Double(5, time));
    }

    /// <summary>HParamsPluginData { session_end_info { status, end_time_secs } }.</summary>
    public static ProtobufWriter SessionEnd(SessionStatus status, double time) =>
        new ProtobufWriter().Message(4, new ProtobufWriter().Integer(1, (long)status).Double(2, time));

    private static ProtobufWriter Value(string name, object value) => DataType(name, value) switch
    {
        1 => new ProtobufWriter().Text(3, (string)value),
        2 => new ProtobufWriter().Integer(4, (bool)value ? 1 : 0),
        _ => new ProtobufWriter().Double(2, Convert.ToDouble(value, CultureInfo.InvariantCulture)),
    };

    /// <summary>1 text, 2 truth value, 3 number.</summary>
    private static int DataType(string name, object value) => value switch
    {
        string => 1,
        bool => 2,
        byte or short or int or long or float or double or decimal => 3,
        _ => throw new ArgumentException(
            $"TensorBoardWriter: hyperparameter '{name}' is a {value.GetType().Name}. Give text, numbers or truth values.", nameof(value)),
    };
}
