// `jobqctl workers` and `quiet`: who works for this daemon, and telling them to stop claiming.
//
// Each daemon knows its own workers only.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl workers`: the named workers and the jobs in their hands.
struct Workers: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the named workers and how many jobs they hold.",
        discussion: "Each daemon knows its own workers only.")

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Also list the jobs they hold.")
    var jobs = false

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let reply = try jobqd.request("workers")
        if connection.json {
            print(Terminal.json(reply))
            return true
        }
        let now = try jobqd.ping()
        let workers = reply["workers"]?.array ?? []
        var table = Table(
            [
                ("WORKER", .left), ("PID", .right), ("UID", .right), ("UNIT", .left), ("SINCE", .left),
                ("HELD", .right), ("", .left),
            ], cut: ["WORKER", "UNIT"], drop: ["UID", "SINCE", "UNIT", "PID"])
        for worker in workers {
            table.add(Self.row(worker, now: now))
            if jobs {
                for job in worker["jobs"]?.array ?? [] {
                    table.add([.init("  \(job.string ?? "?")", .dim)] + Array(repeating: .init(""), count: 6))
                }
            }
        }
        print(workers.isEmpty ? "no workers\n" : table.text(terminal), terminator: "")
        return true
    }

    private static func row(_ worker: JSONDocument, now: Int64) -> [Table.Cell] {
        let number = { (name: String) in worker[name]?.integer.map(String.init) ?? "" }
        var notes: [String] = []
        if worker["connected"]?.bool == false { notes.append("away") }
        if worker["quiet"]?.bool == true { notes.append("quiet") }
        return [
            .init(worker["worker"]?.string ?? "?"), .init(number("pid")), .init(number("uid")),
            .init(worker["unit"]?.string ?? ""),
            .init(worker["since_at"]?.integer.map { TimeText.ago($0, now: now) } ?? ""), .init(number("held")),
            .init(notes.joined(separator: ", "), .yellow),
        ]
    }
}

/// `jobqctl quiet [GLOB]`: they finish what they have and get no more, until `--undo`.
struct Quiet: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell workers to finish what they have and to claim no more.",
        discussion: "--undo lets them claim again. Exit status 1 when there is no worker of that name.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(
        help: ArgumentHelp("Workers whose names match, as in 'mailer-*' (default: all).", valueName: "glob"),
        completion: .workers)
    var glob = "*"
    @Flag(help: "Let them claim again.")
    var undo = false

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let reply = try jobqd.request(undo ? "resume" : "quiet") { $0.member("worker", glob) }
        let count = Int(reply["workers"]?.integer ?? 0)
        print(
            connection.json
                ? Terminal.json(reply) : "\(count.of("worker")) \(undo ? "may claim again" : "told to finish")"
        )
        return true
    }
}
