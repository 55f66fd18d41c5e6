// Where the next page of a listing begins, as clients carry it from page to page.
//
// Opaque to them. To the stores it is a place: score and id in a sorted set, an entry of the dead stream, an offset in
// the completed history. All begin with a whole number, so what was never given out can be told from what was.

/// The cursor of `list`.
public enum ListCursor {
    /// Whether a store may have given this out.
    public static func isPlausible(_ text: String) -> Bool {
        let digits = text.utf8.drop { $0 == UInt8(ascii: "-") }.prefix {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
        guard let first = text.utf8.first, !digits.isEmpty, digits.count <= 19 else { return false }
        let isSigned = first == UInt8(ascii: "-")
        guard digits.startIndex == text.utf8.index(text.startIndex, offsetBy: isSigned ? 1 : 0) else { return false }
        guard let next = text.utf8[digits.endIndex...].first else { return true }
        return next == UInt8(ascii: " ") || next == UInt8(ascii: ":") || next == UInt8(ascii: "-")
    }
}
