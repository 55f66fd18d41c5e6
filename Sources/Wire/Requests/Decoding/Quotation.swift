// The client's words in our messages: a safe, short quotation, and the known word it was probably meant to be.

public enum Quotation {
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
        nearest(to: text, among: words).map { "; did you mean \"\($0.word)\"?" } ?? ""
    }

    /// The nearest of the words that are near enough to be meant, and how far it is; nil: none is.
    public static func nearest(to text: String, among words: some Sequence<String>) -> (word: String, distance: Int)? {
        guard text.utf8.count <= 64 else { return nil }
        let given = Array(text.lowercased().utf8)
        var best: (word: String, distance: Int)?
        for word in words {
            // Each letter more or less is one step.
            let most = max(1, word.utf8.count / 3)
            guard abs(word.utf8.count - given.count) <= most || word.utf8.starts(with: given) else { continue }
            // The beginning of a word is near to it, however long the rest: `delay` for `delay_ms`.
            let isBeginning = given.count >= 3 && word.utf8.starts(with: given)
            let distance = isBeginning ? 1 : editDistance(given, Array(word.utf8))
            if distance <= most, distance < best?.distance ?? .max { best = (word, distance) }
        }
        return best
    }

    /// How many letters must be put in, left out, replaced or swapped with their neighbour (optimal string alignment).
    private static func editDistance(_ first: [UInt8], _ second: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...second.count)
        for row in 0..<first.count {
            var current = [row + 1]
            for column in 0..<second.count {
                let replaced = last[column] + (first[row] == second[column] ? 0 : 1)
                var cost = min(replaced, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, first[row] == second[column - 1], first[row - 1] == second[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[second.count]
    }
}
