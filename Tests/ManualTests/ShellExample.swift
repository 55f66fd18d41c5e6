// An example for the shell: `$ command` lines, continued where a line ends with `\` or `|` or a quote or brace is open, each
// followed by what it prints. In that `...` stands for any text, and alone on a line for any lines.

import Harness

struct ShellExample {
    struct Step {
        var command: String
        var output: [String]
    }
    let steps: [Step]

    init(_ display: ManualPage.Display) {
        var steps: [Step] = []
        var isOpen = false
        for line in display.lines {
            if line.hasPrefix("$ ") {
                steps.append(Step(command: String(line.dropFirst(2)), output: []))
            } else if steps.isEmpty {
                continue
            } else if isOpen {
                steps[steps.count - 1].command += "\n" + line
            } else {
                steps[steps.count - 1].output.append(line)
            }
            if let last = steps.last, last.output.isEmpty { isOpen = Self.isContinued(last.command) }
        }
        self.steps = steps
    }

    private static func isContinued(_ command: String) -> Bool {
        command.hasSuffix("\\") || command.hasSuffix("|") || !command.count { $0 == "'" }.isMultiple(of: 2)
            || command.count { $0 == "{" } > command.count { $0 == "}" }
    }

    /// Runs the commands one after the other with `sh` in an empty folder; throws when one fails or prints something
    /// else.
    func run(environment: [String: String], replacing names: [String: String]) throws {
        let folder = try TemporaryDirectory()
        for step in steps {
            let command = names.reduce(step.command) { $0.replacing($1.key, with: $1.value) }
            let result = try Program.run(
                "sh", ["-c", "cd '\(folder.path)' && exec 2>&1\n\(command)"], environment: environment)
            guard result.status == 0 else {
                throw HarnessError("\(command): status \(result.status), \(result.output)\(result.errors)")
            }
            let lines = result.output.split(separator: "\n").map(String.init)
            guard Self.matches(step.output[...], lines[...]) else {
                throw HarnessError("\(command) printed\n\(result.output)\nthe page has\n\(step.output)")
            }
        }
    }

    private static func matches(_ expected: ArraySlice<String>, _ lines: ArraySlice<String>) -> Bool {
        guard let first = expected.first else { return lines.isEmpty }
        if first == "..." {
            return (lines.startIndex...lines.endIndex).contains { matches(expected.dropFirst(), lines[$0...]) }
        }
        guard let line = lines.first, matches(first, line) else { return false }
        return matches(expected.dropFirst(), lines.dropFirst())
    }

    /// Whether a line has the pieces between the dots, in order. White space counts as one space.
    private static func matches(_ pattern: String, _ line: String) -> Bool {
        let pieces = squeezed(pattern).split(separator: "...", omittingEmptySubsequences: false)
        var rest = squeezed(line)[...]
        for (index, piece) in pieces.enumerated() {
            if index == 0 {
                guard rest.hasPrefix(piece) else { return false }
                rest = rest.dropFirst(piece.count)
            } else if index == pieces.count - 1 {
                return rest.hasSuffix(piece)
            } else {
                guard let found = rest.firstRange(of: piece) else { return false }
                rest = rest[found.upperBound...]
            }
        }
        return rest.isEmpty
    }

    private static func squeezed(_ text: String) -> String { text.split(separator: " ").joined(separator: " ") }
}
