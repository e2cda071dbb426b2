namespace LowRank.Training.Tests.Fuzzing.Mutation;

/// <summary>Values at which readers break: ends of ranges, empty and odd texts.</summary>
internal static class Edges
{
    /// <summary>Whole numbers as bits.</summary>
    public static readonly ulong[] Integers =
        [0, 1, 2, 3, 7, 31, 32, 63, 64, 127, 128, 255, 256, 65535, 65536, 1 << 24, int.MaxValue, 1UL << 31, uint.MaxValue, 1UL << 32, 1UL << 33, 1UL << 40, 1UL << 61, long.MaxValue, 1UL << 63, ulong.MaxValue - 1, ulong.MaxValue];

    /// <summary>Numbers as JSON.</summary>
    public static readonly string[] Numbers =
    [
        "0", "1", "-1", "2", "3", "5", "7", "8", "64", "100", "127", "128", "255", "256", "1000", "65536", "2147483647", "2147483648", "-2147483648", "4294967296", "9007199254740993", "9223372036854775807",
        "9223372036854775808", "18446744073709551616", "-0", "0.5", "-0.5", "1.0", "1e3", "1e-9", "1e308", "1e309", "-1e400", "5e-324", "1e-5000", "0.1", "3.4028236e38", "1E+2", "123456789012345678901234567890",
    ];

    /// <summary>Texts as JSON.</summary>
    public static readonly string[] Texts =
    [
        "\"\"", "\" \"", "\"a\"", "\"null\"", "\"0\"", "\"-1\"", "\"true\"", "\"\\u0000\"", "\"\\ud800\"", "\"\\udc00x\"", "\"\\ud83d\\ude00\"", "\"\\n\\r\\t\"", "\"é\"", "\"한글\"", "\"😀\"", "\"\\uffff\"", "\"../../x\"", "\"/\"",
        "\"(a+)+$\"", "\"[\"", "\"(?P<n>x)(?P=n)\"", "\"{{ x }}\"", "\"{% if %}\"", "\"%s %d\"", "\"\\\"\"", "\"\\\\\"", "\"all-linear\"", "\"LORA\"", "\"llama\"", "\"user\"", "\"assistant\"", "\"tool\"", "\"<s>\"", "\"▁\"", "\"Ġ\"",
    ];

    /// <summary>Values of all kinds as JSON.</summary>
    public static readonly string[] Json = [.. Numbers, .. Texts, "null", "true", "false", "[]", "{}", "[[]]", "[null]", "{\"\":0}", "[0,1]", "[-1]", "{\"a\":{\"b\":[1]}}"];

    /// <summary>Bytes that change how a text is read.</summary>
    public static readonly byte[][] Bytes = [[0], [0xFF], [0xFE, 0xFF], [0xFF, 0xFE], [0xEF, 0xBB, 0xBF], [0x0D], [0x0A], [0x0D, 0x0A], [0xC3], [0xF0, 0x9F], [0xE2, 0x80, 0xA8], [0x22], [0x5C], [0x7B], [0x5D], [0x2C], [0x1A], [0x80]];
}
