using System.Reflection;
using System.Reflection.Emit;

namespace Hieno.Architecture.Tests;

/// <summary>Finds the types that a type mentions in its declaration and in the instructions of its methods.</summary>
internal static class TypeUses
{
    private const BindingFlags Everything = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> s_opcodes = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value);

    /// <summary>All types that <paramref name="type"/> mentions, taken apart into their generic definitions and arguments.</summary>
    public static HashSet<Type> Of(Type type)
    {
        var used = new HashSet<Type>();
        Add(used, type.BaseType);
        foreach (Type face in type.GetInterfaces())
        {
            Add(used, face);
        }

        foreach (FieldInfo field in type.GetFields(Everything))
        {
            Add(used, field.FieldType);
        }

        foreach (MethodBase method in type.GetMethods(Everything).Concat<MethodBase>(type.GetConstructors(Everything)))
        {
            Add(used, (method as MethodInfo)?.ReturnType);
            foreach (ParameterInfo parameter in method.GetParameters())
            {
                Add(used, parameter.ParameterType);
            }

            AddBody(used, method);
        }

        return used;
    }

    private static void AddBody(HashSet<Type> used, MethodBase method)
    {
        if (method.GetMethodBody() is not { } body)
        {
            return;
        }

        foreach (LocalVariableInfo local in body.LocalVariables)
        {
            Add(used, local.LocalType);
        }

        byte[] code = body.GetILAsByteArray()!;
        Type[] typeArguments = method.DeclaringType is { IsGenericType: true } owner ? owner.GetGenericArguments() : [];
        Type[] methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : [];
        for (int at = 0; at < code.Length;)
        {
            short value = code[at++];
            if (value == 0xFE) // the first of two bytes
            {
                value = (short)(0xFE00 | code[at++]);
            }

            OpCode opcode = s_opcodes[value];
            if (opcode.OperandType is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok)
            {
                MemberInfo member = method.Module.ResolveMember(BitConverter.ToInt32(code, at), typeArguments, methodArguments)!;
                Add(used, member as Type ?? member.DeclaringType);
                foreach (Type argument in member is MethodInfo { IsGenericMethod: true } generic ? generic.GetGenericArguments() : [])
                {
                    Add(used, argument);
                }
            }

            at += OperandLength(opcode, code, at);
        }
    }

    private static int OperandLength(OpCode opcode, byte[] code, int at) => opcode.OperandType switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
        _ => 4,
    };

    private static void Add(HashSet<Type> used, Type? type)
    {
        while (type is { HasElementType: true })
        {
            type = type.GetElementType();
        }

        if (type is null || type.IsGenericParameter || !used.Add(type.IsGenericType ? type.GetGenericTypeDefinition() : type))
        {
            if (type is not { IsGenericType: true, IsGenericTypeDefinition: false })
            {
                return;
            }
        }

        foreach (Type argument in type.IsGenericType && !type.IsGenericTypeDefinition ? type.GetGenericArguments() : [])
        {
            Add(used, argument);
        }
    }
}
