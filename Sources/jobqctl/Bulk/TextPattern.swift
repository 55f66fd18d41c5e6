// What an error's text is looked for with: a part of it, or with `*` or `?` a pattern for the whole. Letters count alike
// whether large or small.

import ArgumentParser

struct TextPattern: Equatable, ExpressibleByArgument {
    private let pattern: [Character]

    init(argument: String) {
        let text = Array(argument.lowercased())
        let isPart = !text.contains("*") && !text.contains("?")
        pattern = isPart ? ["*"] + text + ["*"] : text
    }

    /// At most O(pattern · text).
    func matches(_ text: String) -> Bool {
        let text = Array(text.lowercased())
        var (p, t) = (0, 0)
        // Where the last star stands, and how far it reaches; on a mismatch it takes in one character more.
        var (star, reach) = (-1, 0)
        while t < text.count {
            if p < pattern.count, pattern[p] == "*" {
                (star, reach) = (p, t)
                p += 1
            } else if p < pattern.count, pattern[p] == "?" || pattern[p] == text[t] {
                p += 1
                t += 1
            } else if star >= 0 {
                reach += 1
                (p, t) = (star + 1, reach)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == "*" }
    }
}
