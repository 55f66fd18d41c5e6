// Small JSON objects out of Swift literals, for results, progress and payloads.
//
// Strings only, so that nothing has to be said about numbers and their spelling. Anything else is written as JSON text:
// `JSONDocument("[1.10]")`.

public import Wire

extension JSONDocument {
    /// An object of strings, e.g. `.object(["by": name])`. What is not a string is better written as JSON text.
    public static func object(_ members: KeyValuePairs<String, String>) -> JSONDocument {
        var writer = JSONWriter()
        writer.beginObject()
        for (name, value) in members {
            writer.key(name)
            writer.string(value)
        }
        writer.endObject()
        // Cannot throw: the writer writes nothing but JSON.
        return try! JSONDocument(writer.bytes)
    }
}
