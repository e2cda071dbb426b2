using System.Text.Json;

namespace LowRank.Training.Data.Reading.Parquet;

/// <summary>
/// Puts the columns of a row group together into rows, as Dremel (Melnik et al. 2010) has it: definition levels tell how much of a path is there,
/// repetition levels where a list goes on.
/// </summary>
internal sealed class RecordWriter(SchemaNode root, IReadOnlyList<ColumnValues> columns)
{
    /// <summary>The next row as JSON.</summary>
    /// <exception cref="InvalidDataException">The columns do not fit each other.</exception>
    public Memory<byte> Next() => JsonRow.Of(json =>
    {
        foreach (var field in root.Children) Field(field, json, isColumn: true);
    });

    // Every structure of a column has all members that any of them has, most of them null: a message without tool_calls, an argument that another tool takes.
    // They are left out, as TRL does, because templates ask whether a member is there; of a message that calls tools the content is null in OpenAI's rows, too.
    private void Field(SchemaNode node, Utf8JsonWriter json, bool isColumn = false)
    {
        if (!isColumn && node is { IsOptional: true, Name: not "content" } && First(node).Definition < node.Defined)
        {
            Skip(node);
            return;
        }
        json.WritePropertyName(node.Name);
        Value(node, json);
    }

    /// <summary>A field that may be missing or repeated.</summary>
    private void Value(SchemaNode node, Utf8JsonWriter json)
    {
        if (node.IsRepeated) List(node, node, json);
        else if (node.IsOptional && First(node).Definition < node.Defined)
        {
            Skip(node);
            json.WriteNullValue();
        }
        else Present(node, json);
    }

    private void Present(SchemaNode node, Utf8JsonWriter json)
    {
        if (node.Type is not null) columns[node.FirstColumn].Write(json);
        else if (node is { IsList: true, Children: [{ IsRepeated: true } repeated] }) List(repeated, Element(node, repeated), json);
        else
        {
            json.WriteStartObject();
            foreach (var child in node.Children) Field(child, json);
            json.WriteEndObject();
        }
    }

    private void List(SchemaNode repeated, SchemaNode element, Utf8JsonWriter json)
    {
        json.WriteStartArray();
        if (First(repeated).Definition < repeated.Defined) Skip(repeated);
        else
        {
            do
            {
                if (element == repeated) Present(element, json);
                else Value(element, json);
            }
            while (First(repeated).Repetition == repeated.Repeats);
        }
        json.WriteEndArray();
    }

    /// <summary>What the elements of a list are: most writers put them into a group of one field, some old ones do not (the format's rules for older lists).</summary>
    private static SchemaNode Element(SchemaNode list, SchemaNode repeated) =>
        repeated is { Type: null, Children: [var single] } && repeated.Name != "array" && repeated.Name != list.Name + "_tuple" ? single : repeated;

    private ColumnValues First(SchemaNode node)
    {
        if (node.FirstColumn == node.ColumnsEnd) throw new InvalidDataException($"the group {node.Name} has no columns");
        return columns[node.FirstColumn];
    }

    private void Skip(SchemaNode node)
    {
        for (var i = node.FirstColumn; i < node.ColumnsEnd; i++) columns[i].SkipEmpty();
    }
}
