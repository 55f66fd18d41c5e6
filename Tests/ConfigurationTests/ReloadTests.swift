// SIGHUP: the running daemon reads its files again, takes over what the table calls reloadable, and keeps serving with
// what it had when the new configuration is wrong.

import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(1))) struct ReloadTests {
    private let daemon: Daemon

    init() throws { daemon = try Daemon(.memory, start: false) }

    /// Writes the configuration file, sends SIGHUP, and waits for the word in the log.
    private func reload(_ text: String, until word: String) throws {
        try daemon.directory.write(text, to: "jobqd.conf")
        daemon.process.send(signal: SIGHUP)
        try eventually(within: 10, "\"\(word)\" in the log: \(daemon.log)") { daemon.log.contains(word) }
        #expect(try daemon.connect().call("ping")["ok"] == true)
    }

    @Test func logLevelIsTakenOver() throws {
        try daemon.directory.write("[Log]\nLevel=error\n", to: "jobqd.conf")
        try daemon.start()
        #expect(!daemon.log.contains("serving"))
        try reload("[Log]\nLevel=info\n", until: "configuration reloaded")
    }

    @Test func connectionLimitIsTakenOverAlsoWhenItIsReachedAlready() throws {
        try daemon.start()
        let first = try daemon.connect()
        _ = try first.call("ping")
        try daemon.directory.write("[Limits]\nMaxConnections=1\n", to: "jobqd.conf")
        daemon.process.send(signal: SIGHUP)
        try eventually(within: 10, "the reload") { daemon.log.contains("configuration reloaded") }
        let second = try daemon.connect()  // the kernel takes it, the daemon does not
        try second.send(["op": "ping"])
        #expect(try second.staysSilent(for: 0.3))
        first.close()
        #expect(try second.receive()["ok"] == true)
    }

    @Test func wrongConfigurationChangesNothingAndIsLogged() throws {
        try daemon.start()
        try reload("[Limits]\nMaxConnections=none\n", until: "jobqd.conf:2: MaxConnections must be a number")
    }

    @Test func settingThatNeedsARestartIsSaidSo() throws {
        try daemon.start()
        try reload("[Redis]\nKeyPrefix=other\n", until: "need a restart")
    }
}

/// The operation `reload`, which says what a SIGHUP only logs.
@Suite(.timeLimit(.minutes(1))) struct ReloadOperationTests {
    private let daemon: Daemon
    private let client: LineClient

    init() throws {
        daemon = try Daemon(.memory)
        client = try daemon.connect()
    }

    private func reload(_ text: String) throws -> JSON {
        try daemon.directory.write(text, to: "jobqd.conf")
        return try client.call("reload")
    }

    @Test func itSaysWhatChangedAndWhatNeedsARestart() throws {
        let nothing: JSON = ["ok": true, "reloaded": true, "changed": [], "restart": []]
        #expect(try client.call("reload") == nothing)
        let reply = try reload("[Log]\nLevel=debug\n[Limits]\nLineBytes=2M\nMaxConnections=7\n")
        #expect(reply["changed"] == ["max-connections", "log-level"])
        #expect(reply["restart"] == ["line-bytes"])
        // What waits for a restart is said until it comes.
        #expect(try client.call("reload")["changed"] == [])
        #expect(try client.call("reload")["restart"] == ["line-bytes"])
        #expect(
            try reload("") == [
                "ok": true, "reloaded": true, "changed": ["max-connections", "log-level"], "restart": [],
            ])
    }

    @Test func aWrongConfigurationChangesNothingAndIsNamedByLine() throws {
        let reply = try reload("[Limits]\nMaxConnections=1\nInFlight=none\n[Moon]\nA=1\n")
        let file = daemon.directory.file("jobqd.conf")
        #expect(reply["reloaded"] == false)
        #expect(
            reply["problems"].array.map(\.string) == [
                "\(file):3: InFlight must be a number from 1 to 65536, not \"none\"",
                "\(file):5: unknown section [Moon]",
            ])
        // The good line of it did not count either: there is room for a second connection.
        #expect(try daemon.connect().call("ping")["ok"] == true)
    }
}
