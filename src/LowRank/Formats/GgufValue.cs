using System.Runtime.InteropServices;

namespace LowRank.Formats;

/// <summary>Reads typed metadata values of a GGUF file as .NET values.</summary>
internal static class GgufValue
{
    // gguf.h, enum gguf_type.
    private const uint U8 = 0, I8 = 1, U16 = 2, I16 = 3, U32 = 4, I32 = 5, F32 = 6, Bool = 7, String = 8, Array = 9, U64 = 10, I64 = 11, F64 = 12;

    // llama.cpp knows no arrays of arrays at all; a little room for other writers, none for a stack overflow.
    private const int MaxDepth = 4;

    public static object Read(GgufCursor cursor, string key, uint type) => type switch
    {
        U8 => cursor.Byte(key),
        I8 => (sbyte)cursor.Byte(key),
        U16 => MemoryMarshal.Read<ushort>(cursor.Take(2, key)),
        I16 => MemoryMarshal.Read<short>(cursor.Take(2, key)),
        U32 => cursor.UInt32(key),
        I32 => (int)cursor.UInt32(key),
        F32 => BitConverter.UInt32BitsToSingle(cursor.UInt32(key)),
        Bool => ReadBool(cursor, key),
        String => cursor.String($"value of '{key}'"),
        Array => ReadArray(cursor, key, 1),
        U64 => cursor.UInt64(key),
        I64 => (long)cursor.UInt64(key),
        F64 => BitConverter.UInt64BitsToDouble(cursor.UInt64(key)),
        _ => throw cursor.Error($"metadata key '{key}' has value type {type}; 0 to 12 are known", key),
    };

    private static bool ReadBool(GgufCursor cursor, string key)
    {
        var value = cursor.Byte(key);
        return value <= 1 ? value == 1 : throw cursor.Error($"metadata key '{key}' is a boolean of value {value}; 0 or 1 was expected", key);
    }

    private static Array ReadArray(GgufCursor cursor, string key, int depth)
    {
        var type = cursor.UInt32($"element type of '{key}'");
        var count = cursor.Count($"length of array '{key}'", LeastBytes(cursor, key, type));
        switch (type)
        {
            case U8: return Copy<byte>(cursor, key, count);
            case I8: return Copy<sbyte>(cursor, key, count);
            case U16: return Copy<ushort>(cursor, key, count);
            case I16: return Copy<short>(cursor, key, count);
            case U32: return Copy<uint>(cursor, key, count);
            case I32: return Copy<int>(cursor, key, count);
            case F32: return Copy<float>(cursor, key, count);
            case U64: return Copy<ulong>(cursor, key, count);
            case I64: return Copy<long>(cursor, key, count);
            case F64: return Copy<double>(cursor, key, count);
            case Bool:
                var bools = new bool[count];
                for (var i = 0; i < count; i++) bools[i] = ReadBool(cursor, key);
                return bools;
            case String:
                var strings = new string[count];
                var what = $"element of '{key}'";
                for (var i = 0; i < count; i++) strings[i] = cursor.String(what);
                return strings;
            default: // Array, by LeastBytes
                if (depth == MaxDepth) throw cursor.Error($"metadata key '{key}' nests arrays more than {MaxDepth} deep", key);
                var arrays = new object[count];
                for (var i = 0; i < count; i++) arrays[i] = ReadArray(cursor, key, depth + 1);
                return arrays;
        }
    }

    private static int LeastBytes(GgufCursor cursor, string key, uint type) => type switch
    {
        U8 or I8 or Bool => 1,
        U16 or I16 => 2,
        U32 or I32 or F32 => 4,
        U64 or I64 or F64 or String => 8,
        Array => 12,
        _ => throw cursor.Error($"metadata key '{key}' is an array of value type {type}; 0 to 12 are known", key),
    };

    // GGUF files and every system that .NET runs on are little endian.
    private static T[] Copy<T>(GgufCursor cursor, string key, int count) where T : unmanaged =>
        MemoryMarshal.Cast<byte, T>(cursor.Take((long)count * Marshal.SizeOf<T>(), $"array '{key}'")).ToArray();
}
