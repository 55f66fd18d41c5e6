// The command line taken apart: `--name VALUE` and `--name=VALUE` of the table, and the few words that are actions.
//
// Left out: short options (but -h), abbreviations, and arguments without a name. An option given twice counts as its
// last value, as everywhere.

import Wire

/// What the command line says.
struct CommandLineLayer {
    /// Option name and text, in the order given.
    private(set) var values: [(setting: Setting, text: String)] = []
    /// Each a whole sentence for the user.
    private(set) var problems: [String] = []
    private(set) var wantsHelp = false
    private(set) var wantsVersion = false
    private(set) var wantsCheck = false
    private(set) var wantsDump = false

    /// Options without a value: their names and what --help says of them.
    static let actions = [
        (option: "check-config", documentation: "Check the configuration, say what was read, and exit: 0, or 78."),
        (
            option: "dump-config",
            documentation: "Print the configuration as a file, each value with its origin, and exit."
        ),
        (option: "help", documentation: "Print this and exit."),
        (option: "version", documentation: "Print the version and exit."),
    ]

    init(_ arguments: [String]) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--"), argument.count > 2 else {
                if argument == "-h" {
                    wantsHelp = true
                } else {
                    problems.append("unexpected argument \"\(argument.printable)\" (see jobqd --help)")
                }
                continue
            }
            let body = argument.dropFirst(2)
            let equals = body.firstIndex(of: "=")
            let name = String(body[..<(equals ?? body.endIndex)])
            let attached = equals.map { String(body[body.index(after: $0)...]) }
            if takeAction(name) {
                if attached != nil { problems.append("--\(name) takes no value") }
            } else if let setting = Setting.named(name), setting.isOption {
                // A value may begin with dashes only in the form with "=".
                let next = rest.first.flatMap { $0.hasPrefix("--") ? nil : $0 }
                if attached == nil, next != nil { rest.removeFirst() }
                take(setting, attached ?? next)
            } else {
                let known = Setting.all.filter(\.isOption).map(\.option) + Self.actions.map(\.option)
                let hint = closestName(to: name, among: known).map { " (did you mean \"--\($0)\"?)" } ?? ""
                problems.append("unknown option \"--\(name.printable)\"\(hint)")
                // Most likely its value; a second message about it would not help.
                if attached == nil, rest.first?.hasPrefix("-") == false { rest.removeFirst() }
            }
        }
    }

    private mutating func take(_ setting: Setting, _ text: String?) {
        guard let text, !text.isEmpty else {
            problems.append("--\(setting.option) needs a value: \(setting.placeholder)")
            return
        }
        if case .redisURL = setting.type, RedisURLText.hasPassword(text) {
            problems.append(
                "--\(setting.option): a password here is visible to every user (ps); put it into a file and name that"
                    + " with --redis-password-file FILE")
            return
        }
        values.append((setting, text))
    }

    private mutating func takeAction(_ name: String) -> Bool {
        switch name {
        case "help": wantsHelp = true
        case "version": wantsVersion = true
        case "check-config": wantsCheck = true
        case "dump-config": wantsDump = true
        default: return false
        }
        return true
    }
}
