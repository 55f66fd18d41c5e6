// The command line before ArgumentParser sees it: options of the connection may stand before the command, and a command that
// there is not gets an answer that names the nearest.

import ArgumentParser
import Wire

enum CommandWords {
    /// Options of `ConnectionOptions`, which every command has that talks to the daemon; true: a value follows.
    private static let movable: KeyValuePairs<String, Bool> = [
        "--json": false, "--socket": true, "--timeout": true, "--instance": true, "-i": true,
    ]

    /// The command's words first, then the options that stood before them, then the rest.
    static func arranged(_ words: [String]) throws(UsageProblem) -> [String] {
        var rest = words[...]
        var path: [String] = []
        var moved: [String] = []
        var group: (any ParsableCommand.Type)? = Jobqctl.self
        while let current = group, let word = rest.first {
            if let count = try length(of: rest) {
                moved += rest.prefix(count)
                rest = rest.dropFirst(count)
            } else if word.hasPrefix("-") {
                break
            } else if word == "help", path.isEmpty {
                try check(rest.dropFirst().filter { !$0.hasPrefix("-") })
                return words
            } else {
                let next = try command(word, in: current, path)
                path.append(word)
                rest = rest.dropFirst()
                group = next.configuration.subcommands.isEmpty ? nil : next
            }
        }
        if !moved.isEmpty, path.isEmpty || (group != nil && rest.isEmpty) {
            throw UsageProblem(
                description: "missing command; see: \((["jobqctl"] + path).joined(separator: " ")) --help")
        }
        return path + moved + rest
    }

    /// How many words an option takes that may stand here; nil: the first is none.
    private static func length(of words: ArraySlice<String>) throws(UsageProblem) -> Int? {
        guard let word = words.first else { return nil }
        for (name, takesValue) in movable {
            if word == name, takesValue, words.count < 2 {
                throw UsageProblem(description: "missing value for \(name)")
            }
            if word == name { return takesValue ? 2 : 1 }
            if takesValue, name.hasPrefix("--") ? word.hasPrefix("\(name)=") : word.hasPrefix(name) { return 1 }
        }
        return nil
    }

    private static func command(
        _ word: String, in group: any ParsableCommand.Type, _ path: [String]
    ) throws(UsageProblem) -> any ParsableCommand.Type {
        let commands = group.configuration.subcommands
        if let found = commands.first(where: { $0._commandName == word }) { return found }
        let names = commands.map { $0._commandName } + (path.isEmpty ? ["help"] : [])
        let asked = (path + [word]).joined(separator: " ")
        let help = (["jobqctl"] + path).joined(separator: " ") + " --help"
        guard let nearest = closestName(to: word, among: names) else {
            throw UsageProblem(description: "unknown command '\(asked)'; see: \(help)")
        }
        let meant = (path + [nearest]).joined(separator: " ")
        throw UsageProblem(description: "unknown command '\(asked)'; did you mean '\(meant)'? See: \(help)")
    }

    /// Whether there is the command that help is wanted for.
    private static func check(_ words: [String]) throws(UsageProblem) {
        var group: any ParsableCommand.Type = Jobqctl.self
        var path: [String] = []
        for word in words {
            if group.configuration.subcommands.isEmpty {
                throw UsageProblem(description: "'\(path.joined(separator: " "))' has no commands below it: '\(word)'")
            }
            if path.isEmpty, word == "help" { return }
            group = try command(word, in: group, path)
            path.append(word)
        }
    }
}
