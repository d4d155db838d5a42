using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Hieno.Architecture.Tests;

/// <summary>Writes the public members of an assembly, one a line, in a fixed order.</summary>
internal static class PublicApiText
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    // Of a record the compiler writes these itself.
    private static readonly HashSet<string> s_ofEveryRecord = new(StringComparer.Ordinal)
    {
        "<Clone>$", "Equals", "GetHashCode", "ToString", "PrintMembers", "op_Equality", "op_Inequality", "get_EqualityContract", "EqualityContract", "Deconstruct",
    };

    private static readonly NullabilityInfoContext s_nullability = new();

    /// <summary>The lines of an assembly.</summary>
    public static IEnumerable<string> Of(Assembly assembly) => assembly.GetExportedTypes()
        .OrderBy(type => Name(type, null), StringComparer.Ordinal)
        .SelectMany(type => (string[])[Header(type), .. Members(type).Order(StringComparer.Ordinal)]);

    private static string Header(Type type)
    {
        string kind = type switch
        {
            { IsEnum: true } => "enum",
            { IsInterface: true } => "interface",
            { IsValueType: true } => IsRecord(type) ? "record struct" : "struct",
            _ when typeof(Delegate).IsAssignableFrom(type) => "delegate",
            { IsAbstract: true, IsSealed: true } => "static class",
            { IsAbstract: true } => IsRecord(type) ? "abstract record" : "abstract class",
            { IsSealed: true } => IsRecord(type) ? "sealed record" : "sealed class",
            _ => "class",
        };
        Type[] inherited = type.BaseType?.GetInterfaces() ?? [];
        IEnumerable<Type> above = type.IsEnum || typeof(Delegate).IsAssignableFrom(type)
            ? []
            : ((Type?[])[type.BaseType == typeof(object) || type.BaseType == typeof(ValueType) ? null : type.BaseType]).OfType<Type>()
                .Concat(type.GetInterfaces().Except(inherited).Where(face => face.IsPublic && !(face.IsGenericType && face.GetGenericTypeDefinition() == typeof(IEquatable<>))));
        string bases = string.Join(", ", above.Select(item => Name(item, null)).Order(StringComparer.Ordinal));
        return $"{kind} {type.Namespace}.{Name(type, null)}{(bases.Length > 0 ? $" : {bases}" : string.Empty)}";
    }

    private static IEnumerable<string> Members(Type type)
    {
        string owner = $"{type.Namespace}.{Name(type, null)}";
        if (type.IsEnum)
        {
            return type.GetFields(BindingFlags.Public | BindingFlags.Static)
                .Select(field => string.Create(CultureInfo.InvariantCulture, $"{owner}.{field.Name} = {field.GetRawConstantValue()}"));
        }

        if (typeof(Delegate).IsAssignableFrom(type))
        {
            return [Describe(owner, type.GetMethod("Invoke")!)];
        }

        bool record = IsRecord(type);
        IEnumerable<string> constructors = type.GetConstructors(Declared)
            .Where(item => IsVisible(item, type) && !(record && item.GetParameters() is [var only] && only.ParameterType == type))
            .Select(item => $"{owner}({Parameters(item)})");
        IEnumerable<string> methods = type.GetMethods(Declared)
            .Where(item => IsVisible(item, type) && !(record && s_ofEveryRecord.Contains(item.Name)) && !IsAccessor(item))
            .Select(item => Describe(owner, item));
        IEnumerable<string> properties = type.GetProperties(Declared)
            .Where(item => item.GetAccessors(nonPublic: true).Any(accessor => IsVisible(accessor, type)) && !(record && s_ofEveryRecord.Contains(item.Name)))
            .Select(item => Describe(owner, item, type));
        IEnumerable<string> fields = type.GetFields(Declared)
            .Where(item => item.IsPublic || (item.IsFamily && !type.IsSealed))
            .Select(item => $"{(item.IsLiteral ? "const " : item.IsStatic ? "static " : string.Empty)}{owner}.{item.Name} : {Name(item.FieldType, s_nullability.Create(item))}");
        return [.. constructors, .. methods, .. properties, .. fields];
    }

    // A record struct has no <Clone>$; both kinds have a PrintMembers that no one writes by hand.
    private static bool IsRecord(Type type) => type.GetMethod("PrintMembers", Declared, [typeof(StringBuilder)]) is not null;

    private static bool IsAccessor(MethodInfo method) => method.IsSpecialName && (method.Name.StartsWith("get_", StringComparison.Ordinal) || method.Name.StartsWith("set_", StringComparison.Ordinal));

    private static bool IsVisible(MethodBase method, Type type) => method.IsPublic || ((method.IsFamily || method.IsFamilyOrAssembly) && !type.IsSealed);

    private static string Describe(string owner, MethodInfo method)
    {
        string generic = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(argument => argument.Name))}>" : string.Empty;
        return $"{Prefix(method)}{owner}.{method.Name}{generic}({Parameters(method)}) : {Name(method.ReturnType, s_nullability.Create(method.ReturnParameter))}";
    }

    private static string Describe(string owner, PropertyInfo property, Type type)
    {
        string Accessor(MethodInfo? accessor, string word) => accessor is not null && IsVisible(accessor, type) ? $" {word};" : string.Empty;
        bool init = property.SetMethod?.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ?? false;
        string indices = property.GetIndexParameters() is { Length: > 0 } parameters ? $"[{string.Join(", ", parameters.Select(Describe))}]" : string.Empty;
        string required = property.GetCustomAttribute<RequiredMemberAttribute>() is null ? string.Empty : "required ";
        return $"{required}{Prefix(property.GetAccessors(nonPublic: true)[0])}{owner}.{property.Name}{indices} : {Name(property.PropertyType, s_nullability.Create(property))}"
            + $" {{{Accessor(property.GetMethod, "get")}{Accessor(property.SetMethod, init ? "init" : "set")} }}";
    }

    private static string Prefix(MethodInfo method)
    {
        var text = new StringBuilder();
        text.Append(method.IsPublic ? string.Empty : "protected ");
        text.Append(method.IsStatic ? "static " : string.Empty);
        bool overrides = method.IsVirtual && method.GetBaseDefinition() != method;
        return text.Append(method.DeclaringType!.IsInterface ? string.Empty : overrides ? "override " : method.IsAbstract ? "abstract " : method is { IsVirtual: true, IsFinal: false } ? "virtual " : string.Empty).ToString();
    }

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Describe));

    private static string Describe(ParameterInfo parameter)
    {
        string way = parameter.IsOut ? "out " : parameter.IsIn ? "in " : parameter.ParameterType.IsByRef ? "ref " : parameter.GetCustomAttribute<ParamArrayAttribute>() is not null || parameter.GetCustomAttribute<ParamCollectionAttribute>() is not null ? "params " : string.Empty;
        string value = !parameter.HasDefaultValue ? string.Empty : parameter.RawDefaultValue switch
        {
            null => parameter.ParameterType.IsValueType && Nullable.GetUnderlyingType(parameter.ParameterType) is null ? " = default" : " = null",
            bool flag => flag ? " = true" : " = false",
            string text => $" = \"{text}\"",
            IFormattable number => $" = {number.ToString(null, CultureInfo.InvariantCulture)}",
            var other => $" = {other}",
        };
        return $"{way}{Name(parameter.ParameterType, s_nullability.Create(parameter))} {parameter.Name}{value}";
    }

    private static string Name(Type type, NullabilityInfo? nullability)
    {
        if (type.IsByRef)
        {
            return Name(type.GetElementType()!, nullability);
        }

        string mark = nullability is { ReadState: NullabilityState.Nullable } && !type.IsValueType ? "?" : string.Empty;
        if (type.IsArray)
        {
            return $"{Name(type.GetElementType()!, nullability?.ElementType)}[{new string(',', type.GetArrayRank() - 1)}]{mark}";
        }

        if (type.IsPointer)
        {
            return Name(type.GetElementType()!, null) + "*";
        }

        if (Nullable.GetUnderlyingType(type) is { } value)
        {
            return Name(value, null) + "?";
        }

        string outer = type is { IsNested: true, IsGenericParameter: false } ? Name(type.DeclaringType!, null) + "." : string.Empty;
        if (!type.IsGenericType)
        {
            return outer + Keyword(type) + mark;
        }

        NullabilityInfo[]? inner = nullability?.GenericTypeArguments;
        Type[] arguments = type.GetGenericArguments();
        string list = string.Join(", ", arguments.Select((argument, i) => Name(argument, inner is not null && i < inner.Length ? inner[i] : null)));
        int tick = type.Name.IndexOf('`', StringComparison.Ordinal);
        return tick < 0 ? outer + type.Name + mark : $"{outer}{type.Name[..tick]}<{list}>{mark}";
    }

    private static string Keyword(Type type) => type.IsEnum ? type.Name : Type.GetTypeCode(type) switch
    {
        TypeCode.Boolean => "bool",
        TypeCode.Byte => "byte",
        TypeCode.Char => "char",
        TypeCode.Double => "double",
        TypeCode.Int16 => "short",
        TypeCode.Int32 => "int",
        TypeCode.Int64 => "long",
        TypeCode.Single => "float",
        TypeCode.String => "string",
        TypeCode.UInt16 => "ushort",
        TypeCode.UInt32 => "uint",
        TypeCode.UInt64 => "ulong",
        _ => type == typeof(void) ? "void" : type == typeof(object) ? "object" : type.Name,
    };
}
