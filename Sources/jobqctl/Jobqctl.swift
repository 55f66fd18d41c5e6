// The admin command line of jobqd: each subcommand is one request and a way to show its reply.
//
// What a subcommand does stands in Commands/. Here is what they share: the socket, --json, and how an error becomes a
// message and an exit status. Left out as yet: everything but ping, status, enqueue, list, show, requeue and call.

import ArgumentParser
import Glibc
import JobqClient

@main
struct Jobqctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobqctl",
        abstract: "Look after the job queues of jobqd.",
        discussion: """
            Exit status: 0 done; 1 the answer is no (no such job, wrong state, not healthy); 64 wrong usage; 65 wrong \
            data; 69 jobqd cannot be reached; 70 a bug; 75 try again later; 76 not the protocol; 77 not permitted; \
            78 wrong configuration.
            """,
        version: "0.1.0",
        subcommands: [Ping.self, Status.self, Enqueue.self, List.self, Show.self, Requeue.self, Call.self])
}

/// Options of every subcommand.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The socket of jobqd (default: $JOBQD_SOCKET, else \(JobqConnection.defaultPath)).", valueName: "path"))
    var socket: String?

    @Flag(help: "Print the reply as it came: one line of JSON.")
    var json = false

    @Option(help: ArgumentHelp("Longest time to wait for a reply, in seconds.", valueName: "n"))
    var timeout: Int = 30

    func validate() throws {
        guard (1...86_400).contains(timeout) else { throw ValidationError("--timeout must be 1 to 86400") }
    }

    var path: String {
        if let socket { return socket }
        guard let value = getenv("JOBQD_SOCKET"), value.pointee != 0 else { return JobqConnection.defaultPath }
        return String(cString: value)
    }
}

/// A subcommand that talks to the daemon.
protocol DaemonCommand: ParsableCommand {
    var connection: ConnectionOptions { get }
    /// Asks, and prints what people want to see (or with `json` the reply).
    /// - Returns: false when the answer is "no".
    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool
}

extension DaemonCommand {
    func run() throws {
        let isYes: Bool
        do {
            let jobqd = try JobqConnection(path: connection.path, timeoutMs: Int64(connection.timeout) * 1000)
            isYes = try run(jobqd, Terminal.standardOutput)
        } catch {
            throw report(error)
        }
        if !isYes { throw ExitStatus.no.code }
    }

    /// Says what went wrong on standard error (with --json also the error object on standard output).
    private func report(_ error: any Error) -> any Error {
        switch error {
        case let refused as ProtocolError:
            if connection.json { print("{\"ok\":false,\"error\":\(String(decoding: refused.raw, as: UTF8.self))}") }
            Terminal.complain("\(refused)")
            return ExitStatus(refused).code
        case let lost as ConnectionError:
            Terminal.complain("\(lost)\(hint(lost))")
            return ExitStatus(lost).code
        case let wrong as DataProblem:
            Terminal.complain(wrong.description)
            return ExitStatus.data.code
        default:
            return error
        }
    }

    private func hint(_ error: ConnectionError) -> String {
        guard case .connect(_, let code) = error else { return "" }
        switch code {
        case ENOENT, ECONNREFUSED: return "; is it running? (systemctl status jobqd)"
        case EACCES: return "; are you in the group of the socket?"
        default: return ""
        }
    }
}

/// What the user gave cannot be sent, e.g. a payload that is not JSON.
struct DataProblem: Error, CustomStringConvertible {
    let description: String
}
