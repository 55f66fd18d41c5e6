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
