// What an error's text is looked for with: a part of it, or with `*` or `?` a pattern for the whole. Letters count alike
// whether large or small.

import ArgumentParser
import Wire

struct TextPattern: Equatable, ExpressibleByArgument {
    private let pattern: [Character]

    init(argument: String) {
        let text = Array(argument.lowercased())
        let isPart = !text.contains("*") && !text.contains("?")
        pattern = isPart ? ["*"] + text + ["*"] : text
    }

    func matches(_ text: String) -> Bool {
        starWalk(pattern, over: Array(text.lowercased()), isStar: { $0 == "*" }, takes: { $0 == "?" || $0 == $1 })
    }
}
