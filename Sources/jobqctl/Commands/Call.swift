// `jobqctl call`: requests of the protocol as they are, replies as they come.
//
// It adds nothing but the deadline, and the exit status of the first error. Requests go out one after the other, also
// those with an `id`.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl call REQUEST`: any request of the protocol as it is, for scripts and for what has no subcommand.
struct Call: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send requests of the protocol as they are and print the replies.",
        discussion: """
            REQUEST is a JSON object like '{"op":"stats"}', or - for one on each line of standard input, which are \
            sent one after the other. The exit status is that of the first error.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "A JSON object, or -.")
    var request: String

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        var first: ProtocolError?
        let send = { (line: [UInt8]) in
            let reply = try jobqd.exchange(line: line, waitMs: try Self.waitMs(line))
            print(Terminal.json(reply))
            Terminal.flush()
            if let error = reply["error"], first == nil { first = ProtocolError(error) }
        }
        if request == "-" {
            var input = LineReader.standardInput
            while let line = try input.next() { if !LineReader.isBlank(line) { try send(line) } }
        } else {
            try send(Array(request.utf8))
        }
        if let first {
            Terminal.complain("\(first)")
            throw ExitStatus(first).code
        }
        return true
    }

    /// How long the request itself asks to wait. A line that is no JSON object would get no reply that can be told
    /// from another's, so it is refused here.
    private static func waitMs(_ line: [UInt8]) throws -> Int64 {
        guard let request = try? JSONDocument(line), request.kind == .object else {
            throw DataProblem(description: "the request is not a JSON object")
        }
        return max(0, request["wait_ms"]?.integer ?? request["next"]?["wait_ms"]?.integer ?? 0)
    }
}
