// What commands that talk to the daemon share: the options of the connection, and how an error becomes a message on
// standard error and an exit status.

import ArgumentParser
import Glibc
import JobqClient
import Wire

/// Options of every command that talks to the daemon.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The socket of jobqd (default: $JOBQD_SOCKET, else \(JobqConnection.defaultPath)).", valueName: "path"),
        completion: .file())
    var socket: String?

    @Option(
        name: [.customShort("i"), .long],
        help: ArgumentHelp("The instance of jobqd: its socket is /run/jobqd/NAME/jobqd.sock.", valueName: "name"))
    var instance: String?

    @Flag(help: "Print replies as they came: a line of JSON each.")
    var json = false

    @Option(help: ArgumentHelp("Longest time to wait for a reply.", valueName: "duration"))
    var timeout = TimeSpan(milliseconds: 30_000)

    func validate() throws {
        guard (1...86_400_000).contains(timeout.milliseconds) else {
            throw ValidationError("--timeout must be 1ms to 24h")
        }
        guard socket == nil || instance == nil else { throw ValidationError("give either --socket or --instance") }
        if let instance, instance.isEmpty || instance.hasPrefix(".") || instance.contains("/") {
            throw ValidationError("--instance takes the name of an instance, as in jobqd@NAME.service")
        }
    }

    var path: String {
        if let socket { return socket }
        if let instance { return "/run/jobqd/\(instance)/jobqd.sock" }
        guard let value = getenv("JOBQD_SOCKET"), value.pointee != 0 else { return JobqConnection.defaultPath }
        return String(cString: value)
    }

    /// A new connection to it.
    func connect() throws -> JobqConnection {
        try JobqConnection(path: path, timeoutMs: timeout.milliseconds)
    }

    /// Says what went wrong on standard error (with --json a refusal also on standard output).
    ///
    /// - Returns: what to throw instead: an exit status, or the error itself when it is argument-parser's.
    func report(_ error: any Error) -> any Error {
        switch error {
        case let refused as ProtocolError:
            if json { print(Terminal.json("{\"ok\":false,\"error\":\(String(decoding: refused.raw, as: UTF8.self))}")) }
            Terminal.complain("\(refused)")
            return ExitStatus(refused).code
        case let lost as ConnectionError:
            Terminal.complain("\(lost)\(hint(lost))")
            return ExitStatus(lost).code
        case let problem as any Problem:
            Terminal.complain(problem.description)
            return problem.status.code
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

/// A command that talks to the daemon over one connection.
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
            isYes = try run(try connection.connect(), Terminal.standardOutput)
            try Terminal.finish()
        } catch {
            throw connection.report(error)
        }
        if !isYes { throw ExitStatus.no.code }
    }
}

/// An error of our own making: a message and an exit status.
protocol Problem: Error, CustomStringConvertible {
    var status: ExitStatus { get }
}

/// What the user gave cannot be sent, e.g. a payload that is not JSON.
struct DataProblem: Problem {
    let description: String
    var status: ExitStatus { .data }
}

/// Standard output takes no more.
struct OutputProblem: Problem {
    let description: String
    var status: ExitStatus { .io }
}

/// There is no such file, or it cannot be read.
struct InputProblem: Problem {
    let description: String
    let status: ExitStatus
}

/// What the user asks for cannot be done so, found only while doing it.
struct UsageProblem: Problem {
    let description: String
    var status: ExitStatus { .usage }
}
