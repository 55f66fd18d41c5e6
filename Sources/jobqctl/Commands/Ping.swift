// `jobqctl ping`: one `ping`, for scripts and health checks.
//
// Without --store it proves that the daemon's loop turns; with it, that jobs can be stored. It does not measure time.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl ping`: is it there, and with --store, does it reach Redis?
struct Ping: DaemonCommand {
    static let configuration = CommandConfiguration(abstract: "Ask jobqd for a sign of life.")

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Go all the way to Redis and back.")
    var store = false

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let reply = try jobqd.request("ping") { if store { $0.member("store", true) } }
        print(connection.json ? reply.description : "jobqd is there\(store ? ", and so is its store" : "")")
        return true
    }
}
