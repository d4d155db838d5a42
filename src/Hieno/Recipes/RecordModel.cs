using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hieno.Recipes;

// The settings of a record type. All reflection of the recipe engine is in this file: the rest walks the models made here.
internal sealed class RecordModel
{
    private readonly MethodInfo _copy;

    private RecordModel(Type type, IReadOnlyList<SettingModel> settings, MethodInfo copy) =>
        (Type, Settings, _copy) = (type, settings, copy);

    public Type Type { get; }

    /// <summary>The settings in declaration order, those of a base record first.</summary>
    public IReadOnlyList<SettingModel> Settings { get; }

    public bool HasRequired => Settings.Any(s => s.IsRequired);

    /// <summary>A new record with its defaults; required settings are still unset.</summary>
    public object Create() => Activator.CreateInstance(Type)!;

    /// <summary>A shallow copy, as 'with' makes it, so that defaults shared between records are never written to.</summary>
    public object CopyOf(object record) => _copy.Invoke(record, null)!;

    /// <summary>Finds a setting by its key; flags may also be written in kebab case.</summary>
    public SettingModel? Find(string key, bool isFlag) =>
        Settings.FirstOrDefault(s => string.Equals(s.Key, key, StringComparison.Ordinal))
        ?? Settings.FirstOrDefault(s => isFlag && string.Equals(JsonNamingPolicy.KebabCaseLower.ConvertName(s.Key), key, StringComparison.Ordinal));

    public static RecordModel Of(Type type, KindCatalog catalog)
    {
        var copy = type.GetMethod("<Clone>$", BindingFlags.Public | BindingFlags.Instance);
        if (copy is null || type.IsAbstract || type.GetConstructor(Type.EmptyTypes) is null)
        {
            throw new InvalidOperationException(
                $"{type.Name}: settings must be a record that is not abstract and has a constructor without parameters. "
                + "Declare 'public sealed record' with init-only properties, or add the kinds of an abstract one to the catalog.");
        }

        var nullability = new NullabilityInfoContext();
        var settings = type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.CanRead && p.SetMethod is { IsPublic: true } && p.GetIndexParameters().Length == 0)
            .OrderBy(p => Depth(p.DeclaringType!))
            .ThenBy(p => p.MetadataToken)
            .Select(p => new SettingModel(p, ModelOf(p, nullability.Create(p), catalog)))
            .ToList();
        if (type.BaseType != typeof(object) && settings.Exists(s => string.Equals(s.Key, MapNode.KindKey, StringComparison.Ordinal)))
        {
            throw new InvalidOperationException($"{type.Name}.Kind: 'kind' chooses the kind of the group. Give the property another name.");
        }

        return new RecordModel(type, settings, copy);
    }

    private static int Depth(Type type) => type.BaseType is null ? 0 : 1 + Depth(type.BaseType);

    private static ValueModel ModelOf(PropertyInfo property, NullabilityInfo nullability, KindCatalog catalog)
    {
        try
        {
            var model = ModelOf(property.PropertyType, nullability, property, catalog);
            RefuseIdleLimits(property, model);
            return model;
        }
        catch (NotSupportedException e)
        {
            throw new InvalidOperationException($"{property.DeclaringType!.Name}.{property.Name}: {e.Message}", e);
        }
    }

    // A limit on a type that cannot have it would be a promise that nobody keeps.
    private static void RefuseIdleLimits(PropertyInfo property, ValueModel model)
    {
        var value = model.Innermost;
        bool isNumber = value is IntegerModel or NumberModel;
        bool isWord = value is TextValueModel or ChoiceModel;
        bool hasLength = model is ListModel or TableModel or TextValueModel;
        string? idle = property.IsDefined(typeof(RangeAttribute)) && !isNumber ? "[Range]"
            : property.IsDefined(typeof(AllowedValuesAttribute)) && !isNumber && !isWord ? "[AllowedValues]"
            : property.IsDefined(typeof(MinLengthAttribute)) && !hasLength ? "[MinLength]"
            : property.IsDefined(typeof(MaxLengthAttribute)) && !hasLength ? "[MaxLength]"
            : property.IsDefined(typeof(LengthAttribute)) && !hasLength ? "[Length]"
            : null;
        if (idle is not null)
        {
            throw new NotSupportedException($"{idle} cannot limit {model.Expected}. Remove it, or check the value in IValidated.Validate.");
        }
    }

    // [Range] and [AllowedValues] speak of single values, so on a list or dictionary they go to its elements; lengths stay with the whole.
    private static ValueModel ModelOf(Type declared, NullabilityInfo nullability, PropertyInfo property, KindCatalog catalog)
    {
        var underlying = Nullable.GetUnderlyingType(declared);
        var type = underlying ?? declared;
        bool nullable = underlying is not null || (!type.IsValueType && nullability.ReadState == NullabilityState.Nullable);
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
        {
            var element = ModelOf(type.GenericTypeArguments[0], nullability.GenericTypeArguments[0], property, catalog);
            return new ListModel(element, Generic<Func<IReadOnlyList<object?>, object>>(nameof(BuildList), type.GenericTypeArguments[0]))
            {
                Nullable = nullable,
                Limits = Lengths(property, ofText: false),
            };
        }

        bool isTable = type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>);
        if (isTable && type.GenericTypeArguments[0] == typeof(string))
        {
            var element = ModelOf(type.GenericTypeArguments[1], nullability.GenericTypeArguments[1], property, catalog);
            var valueType = type.GenericTypeArguments[1];
            return new TableModel(
                element,
                Generic<Func<IReadOnlyList<KeyValuePair<string, object?>>, object>>(nameof(BuildTable), valueType),
                Generic<Func<object, IReadOnlyList<KeyValuePair<string, object?>>>>(nameof(EntriesOf), valueType))
            {
                Nullable = nullable,
                Limits = Lengths(property, ofText: false),
            };
        }

        if (ScalarOf(type, property, nullable) is { } scalar)
        {
            return scalar;
        }

        if (type.IsAbstract || catalog.KindsOf(type).Count > 0)
        {
            return catalog.KindsOf(type) is { Count: > 0 } kinds
                ? new KindsModel(type, kinds) { Nullable = nullable }
                : throw new NotSupportedException(
                    $"no kind of {type.Name} is in the catalog. Add one: catalog.Add<{type.Name}, …>(\"name\").");
        }

        return type.IsClass && type.GetMethod("<Clone>$") is not null
            ? new GroupModel(type) { Nullable = nullable }
            : throw new NotSupportedException(
                $"{type.Name} cannot be a setting. "
                + "Use text, bool, a number, an enum, a record, IReadOnlyList, IReadOnlyDictionary or an IScalarForm.");
    }

    private static ScalarModel? ScalarOf(Type type, PropertyInfo property, bool nullable)
    {
        if (type.IsEnum)
        {
            return new ChoiceModel(ChoicesOf(type)) { Nullable = nullable, Limits = Allowed(property, type) };
        }

        var code = Type.GetTypeCode(type);
        return code switch
        {
            TypeCode.Boolean => new TruthModel { Nullable = nullable },
            TypeCode.Int32 => Integer(int.MinValue, int.MaxValue),
            TypeCode.Int64 => Integer(long.MinValue, long.MaxValue),
            TypeCode.UInt64 => Integer(ulong.MinValue, ulong.MaxValue),
            TypeCode.Single or TypeCode.Double => new NumberModel(single: code == TypeCode.Single)
            {
                Nullable = nullable,
                Limits = Numeric(property, type),
            },
            TypeCode.String => new TextValueModel
            {
                Nullable = nullable,
                Limits = [.. Lengths(property, ofText: true), .. Allowed(property, type)],
            },
            _ => type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IScalarForm<>))
                ? Generic<Func<bool, ScalarFormModel>>(nameof(FormModel), type)(nullable)
                : null,
        };

        IntegerModel Integer(decimal min, decimal max) => new(code, min, max) { Nullable = nullable, Limits = Numeric(property, type) };
    }

    private static ScalarFormModel FormModel<T>(bool nullable)
        where T : IScalarForm<T> =>
        new(
            T.Expected,
            T.Pattern,
            T.AcceptsNumbers,
            text => T.TryParse(text, out var value) ? value : null,
            value => ((T)value).ToRecipeText())
        {
            Nullable = nullable,
        };

    private static List<Limit> Numeric(PropertyInfo property, Type type)
    {
        var limits = Allowed(property, type);
        if (property.GetCustomAttribute<RangeAttribute>() is { } range)
        {
            // The attribute holds ints, doubles, or texts of another type.
            limits.Add(new RangeLimit(Limit(range.Minimum), Limit(range.Maximum), range.MinimumIsExclusive, range.MaximumIsExclusive));
        }

        return limits;

        static double Limit(object bound) => Convert.ToDouble(bound, CultureInfo.InvariantCulture);
    }

    private static List<Limit> Lengths(PropertyInfo property, bool ofText)
    {
        // On a list of texts the length is that of the list.
        if (ofText && property.PropertyType != typeof(string))
        {
            return [];
        }

        var both = property.GetCustomAttribute<LengthAttribute>();
        int min = property.GetCustomAttribute<MinLengthAttribute>()?.Length ?? both?.MinimumLength ?? 0;
        int max = property.GetCustomAttribute<MaxLengthAttribute>()?.Length ?? both?.MaximumLength ?? int.MaxValue;
        return min == 0 && max == int.MaxValue ? [] : [new LengthLimit(min, max, ofText)];
    }

    private static List<Limit> Allowed(PropertyInfo property, Type type)
    {
        if (property.GetCustomAttribute<AllowedValuesAttribute>() is not { Values: var values })
        {
            return [];
        }

        var choices = type.IsEnum ? ChoicesOf(type) : [];
        return [new AllowedLimit([.. values.OfType<object>().Select(v => type.IsEnum ? choices.First(c => c.Value.Equals(v)) : Plain(v))])];

        KeyValuePair<string, object> Plain(object value) => new(
            Convert.ToString(value, CultureInfo.InvariantCulture)!,
            Convert.ChangeType(value, type, CultureInfo.InvariantCulture));
    }

    private static List<KeyValuePair<string, object>> ChoicesOf(Type type) =>
        [.. type.GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => KeyValuePair.Create(
            f.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name ?? JsonNamingPolicy.KebabCaseLower.ConvertName(f.Name),
            f.GetValue(null)!))];

    private static TDelegate Generic<TDelegate>(string method, Type argument)
        where TDelegate : Delegate =>
        typeof(RecordModel).GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(argument).CreateDelegate<TDelegate>();

    private static object BuildList<T>(IReadOnlyList<object?> elements) => new SettingList<T>([.. elements.Select(e => (T)e!)]);

    private static object BuildTable<T>(IReadOnlyList<KeyValuePair<string, object?>> entries) =>
        new SettingTable<T>([.. entries.Select(e => KeyValuePair.Create(e.Key, (T)e.Value!))]);

    private static List<KeyValuePair<string, object?>> EntriesOf<T>(object dictionary) =>
        [.. ((IReadOnlyDictionary<string, T>)dictionary).Select(e => KeyValuePair.Create(e.Key, (object?)e.Value))];
}

// One property of a record.
internal sealed class SettingModel(PropertyInfo property, ValueModel value)
{
    /// <summary>The key in recipes: the property's name in camel case.</summary>
    public string Key { get; } = JsonNamingPolicy.CamelCase.ConvertName(property.Name);

    public ValueModel Value => value;

    public bool IsRequired { get; } = property.GetCustomAttribute<RequiredMemberAttribute>() is not null;

    public Type DeclaringType => property.DeclaringType!;

    public string PropertyName => property.Name;

    public object? Get(object record) => property.GetValue(record);

    // Init-only is a rule of the compiler, not of the run time: the record is not handed out before all its settings are set.
    public void Set(object record, object? setting) => property.SetValue(record, setting);
}
