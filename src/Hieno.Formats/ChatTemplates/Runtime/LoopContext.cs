using System.Numerics;
using Hieno.Formats.ChatTemplates.Values;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>The <c>loop</c> variable: where a for loop stands. Looks one element ahead only when it is asked about it.</summary>
/// <param name="items">What the loop walks over.</param>
/// <param name="count">Number of elements when known, otherwise null.</param>
/// <param name="depth">0 for a loop, one more for each recursive call of it.</param>
/// <param name="recurse">Runs the loop again over other items, for a recursive loop; otherwise null.</param>
internal sealed class LoopContext(IEnumerable<object?> items, int? count, int depth, Func<object?, string>? recurse) : Callable("loop")
{
    private readonly IEnumerator<object?> _items = items.GetEnumerator();
    private readonly List<object?> _ahead = [];
    private (bool Exists, object? Value) _previous, _current;
    private object?[]? _lastChanged;
    private int _index = -1;
    private int? _length = count;

    public object? Current => _current.Value;

    /// <summary>Number of elements; takes the rest of a one-time sequence to count it.</summary>
    public int Length
    {
        get
        {
            if (_length is null)
            {
                while (_items.MoveNext())
                {
                    _ahead.Add(_items.Current);
                }

                _length = _index + 1 + _ahead.Count;
            }

            return _length.Value;
        }
    }

    public bool MoveNext()
    {
        if (!Peek(out object? next))
        {
            return false;
        }

        _ahead.RemoveAt(0);
        (_previous, _current) = (_current, (true, next));
        _index++;
        return true;
    }

    /// <summary>The loop walked from outside, as <c>loop|list</c> does: what is left of it.</summary>
    public IEnumerable<object?> Elements()
    {
        while (MoveNext())
        {
            yield return _current.Value;
        }
    }

    public object? Attribute(string name, Budget budget) => name switch
    {
        "index" => new BigInteger(_index + 1),
        "index0" => new BigInteger(_index),
        "revindex" => new BigInteger(Length - _index),
        "revindex0" => new BigInteger(Length - _index - 1),
        "first" => _index == 0,
        "last" => !Peek(out _),
        "length" => new BigInteger(Length),
        "depth" => new BigInteger(depth + 1),
        "depth0" => new BigInteger(depth),
        "previtem" => _previous.Exists ? _previous.Value : new Undefined("there is no previous item"),
        "nextitem" => Peek(out object? next) ? next : new Undefined("there is no next item"),
        "cycle" => new Function("cycle", Cycle),
        "changed" => new Function("changed", arguments => HasChanged(arguments, budget)),
        _ => new Undefined($"'loop' has no attribute '{name}'"),
    };

    public override object? Call(Arguments arguments) => recurse is null
        ? throw TemplateFault.Evaluation("the loop is called but is not marked 'recursive'")
        : recurse(arguments.Bind("loop", 1, "items")[0]);

    private bool Peek(out object? next)
    {
        if (_ahead.Count == 0 && _items.MoveNext())
        {
            _ahead.Add(_items.Current);
        }

        next = _ahead.Count > 0 ? _ahead[0] : null;
        return _ahead.Count > 0;
    }

    private object? Cycle(Arguments arguments) => arguments.Positional.Count > 0
        ? arguments.Positional[_index % arguments.Positional.Count]
        : throw TemplateFault.Evaluation("loop.cycle has nothing to cycle through");

    private object? HasChanged(Arguments arguments, Budget budget)
    {
        object?[] values = [.. arguments.Positional];
        bool changed = _lastChanged is null || !PythonOrder.AreEqual(_lastChanged, values, budget);
        _lastChanged = values;
        return changed;
    }
}
