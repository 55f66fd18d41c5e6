// `jobqctl info` and `version`: who is there.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl info`: all that the daemon tells of itself.
struct Info: DaemonCommand {
    static let configuration = CommandConfiguration(abstract: "Show information about the running daemon.")

    @OptionGroup var connection: ConnectionOptions

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let info = try jobqd.request("info")
        if connection.json {
            print(Terminal.json(info))
        } else {
            Fields.printGrouped(info, leavingOut: ["ok"], terminal)
        }
        return true
    }
}

/// `jobqctl version`: its own and the daemon's, which may be another during an upgrade.
struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the versions of jobqctl and of the running jobqd.")

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        if !connection.json { print("jobqctl \(Release.version)") }
        do {
            let info = try connection.connect().request("info")
            let daemon = info["version"]?.string ?? "?"
            if connection.json {
                print(
                    Terminal.json(
                        "{\"jobqctl\":\"\(Release.version)\",\"jobqd\":\(info["version"]?.description ?? "null")}"))
            } else {
                print("jobqd   \(Terminal.visible(daemon))")
            }
        } catch {
            throw connection.report(error)
        }
    }
}
