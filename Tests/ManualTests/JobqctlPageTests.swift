// jobqctl(1) against what jobqctl says of itself (--experimental-dump-help), both ways: commands and their options. What
// every command has is described once, at the beginning.

import Harness
import Testing

@testable import jobqctl

@Suite struct JobqctlPageTests {
    private let page: ManualPage

    init() throws { page = try ManualPage("jobqctl.1") }

    /// Names of options by command, `queue list` → `--json`, …; commands that only group others are left out.
    private static func commands() throws -> [String: Set<String>] {
        let result = try Program.run(
            BuiltProducts.path("jobqctl", variable: "JOBQCTL_BINARY"), ["--experimental-dump-help"])
        var found: [String: Set<String>] = [:]
        collect(try JSON(parsing: result.output.utf8)["command"], [], &found)
        return found
    }

    private static func collect(_ command: JSON, _ path: [String], _ found: inout [String: Set<String>]) {
        let inner = command["subcommands"].array.filter { $0["commandName"] != "help" && $0["shouldDisplay"] != false }
        for one in inner { collect(one, path + [one["commandName"].string ?? ""], &found) }
        guard inner.isEmpty, !path.isEmpty else { return }
        let names = command["arguments"].array.filter { $0["shouldDisplay"] != false }.flatMap { $0["names"].array }
        found[path.joined(separator: " ")] = Set(names.map(option))
    }

    private static func option(_ name: JSON) -> String {
        (name["kind"].string?.hasPrefix("short") == true ? "-" : "--") + (name["name"].string ?? "")
    }

    /// What the page says of options at its beginning.
    private var common: Set<String> { Set(page.names("Fl", in: "DESCRIPTION").map { "-\($0)" }) }

    @Test func everyCommandIsDescribedAndNoOther() throws {
        let items = page.items.filter { $0.section == "COMMANDS" && $0.depth == 1 }
        let described = items.flatMap { $0.names.filter { $0.macro == "Cm" } }
        #expect(described.map(\.name).sorted() == (try Self.commands().keys.sorted()))
    }

    @Test func everyOptionOfACommandIsDescribedAndNoOther() throws {
        let commands = try Self.commands()
        for (place, item) in page.items.enumerated() where item.section == "COMMANDS" && item.depth == 1 {
            let inner = page.items.filter { $0.parent == place }.flatMap(\.names).filter { $0.macro == "Fl" }
            let options = Set(inner.map { "-\($0.name)" })
            for command in item.names.filter({ $0.macro == "Cm" }).map(\.name) {
                #expect(commands[command].map { $0.subtracting(common) } == options, "\(command)")
            }
        }
    }

    @Test func optionsOfEveryCommandAreThoseAtTheBeginning() throws {
        let all = try Self.commands().values
        let shared = all.dropFirst().reduce(all.first ?? []) { $0.intersection($1) }
        #expect(shared.isSubset(of: common), "an option of every command is not described at the beginning")
        for option in common { #expect(all.contains { $0.contains(option) }, "no command has \(option)") }
    }

    @Test func everyExitStatusIsDescribedAndNoOther() {
        let statuses = [0] + (1...255).compactMap { ExitStatus(rawValue: $0)?.rawValue }
        #expect(page.items("", in: "EXIT STATUS").map { $0.names[0].name } == statuses.map { "\($0)" })
    }
}
