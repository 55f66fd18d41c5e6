// `jobqctl ping`: one `ping`, for scripts and health checks.
//
// Without --store it proves that the daemon's loop turns; with it, that Redis answers the daemon.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl ping`: is it there, and with --store, does it reach Redis?
struct Ping: DaemonCommand {
    static let configuration = CommandConfiguration(abstract: "Check that jobqd answers.")

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Check that Redis answers too.")
    var store = false

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let startedAt = MonotonicClock.microseconds
        let reply = try jobqd.request("ping") { if store { $0.member("store", true) } }
        let tenths = (MonotonicClock.microseconds - startedAt + 50) / 100
        let who = store ? "jobqd and Redis answer" : "jobqd answers"
        print(connection.json ? Terminal.json(reply) : "\(who) (\(tenths / 10).\(tenths % 10) ms)")
        return true
    }
}
