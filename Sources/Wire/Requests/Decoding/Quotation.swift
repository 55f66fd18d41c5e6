// The client's words in our messages: a safe, short quotation, and the known word it was probably meant to be.

enum Quotation {
    private static let maximumCharacters = 40

    /// The text with all but printable ASCII escaped, and cut when long.
    static func safe(_ text: String) -> String {
        var quoted = ""
        for scalar in text.unicodeScalars {
            guard quoted.unicodeScalars.count < maximumCharacters else { return quoted + "..." }
            switch scalar.value {
            case 0x22, 0x5C: quoted += "\\" + String(scalar)
            case 0x20...0x7E: quoted.unicodeScalars.append(scalar)
            default: quoted += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return quoted
    }

    /// `; did you mean "queue"?` when one of the words is near, otherwise nothing.
    static func hint(for text: String, among words: [String]) -> String {
        closestName(to: text, among: words).map { "; did you mean \"\($0)\"?" } ?? ""
    }
}
