// `jobqctl reload`: the daemon reads its configuration again. Returns when that is done, so it can stand in a unit's
// ExecReload=.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl reload`: status 78 and the reasons when the configuration is wrong; then nothing has changed.
struct Reload: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Reload the configuration.",
        discussion: "Exit status 78 when the configuration is wrong; then nothing changes.")

    @OptionGroup var connection: ConnectionOptions

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let reply = try jobqd.request("reload")
        let isReloaded = reply["reloaded"]?.bool == true
        if connection.json { print(Terminal.json(reply)) }
        if !isReloaded {
            for problem in reply["problems"]?.array ?? [] { Terminal.complain(problem.string ?? problem.description) }
            throw ExitStatus.configuration.code
        }
        if !connection.json {
            let changed = Self.words(reply["changed"])
            print(changed.isEmpty ? "reloaded; nothing has changed" : "reloaded; changed: \(changed)")
            let restart = Self.words(reply["restart"])
            if !restart.isEmpty { print("after a restart: \(restart)") }
        }
        return true
    }

    private static func words(_ list: JSONDocument?) -> String {
        (list?.array ?? []).compactMap(\.string).map(Terminal.visible).joined(separator: ", ")
    }
}
