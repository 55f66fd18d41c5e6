// `jobqctl check`: are the keys in Redis as they must be? With --repair what can be put right is.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl check [QUEUE] [--repair]`: "no" when something is wrong and was not repaired.
struct Check: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the store for inconsistencies, and repair them on request.",
        discussion: "Exit status 1 when an inconsistency was found and not repaired.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The queue (default: all).", completion: .queues)
    var queue: String?
    @Flag(help: "Repair what can be repaired.")
    var repair = false
    @OptionGroup var confirmation: ConfirmationOptions

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        if repair { try confirmation.confirm("Repair \(queue ?? "all queues")?") }
        let reply = try jobqd.request("check") {
            if let queue { $0.member("queue", queue) }
            if repair { $0.member("repair", true) }
        }
        let isHealthy = reply["healthy"]?.bool == true
        if connection.json {
            print(Terminal.json(reply))
            return isHealthy
        }
        let number = { (name: String) in Int(reply[name]?.integer ?? 0) }
        let violations = reply["violations"]?.array ?? []
        if !violations.isEmpty { print(Self.table(violations).text(terminal)) }
        if number("violations_total") > violations.count { print("(the first \(violations.count) are shown)") }
        // Of a job both its record and its place in a list are looked at.
        var line = "\(number("checked")) entries checked, \(number("violations_total").of("violation"))"
        if repair { line += ", \(number("repaired")) repaired" }
        print("\(line): \(terminal.marked(isHealthy ? "healthy" : "not healthy", isHealthy ? .green : .red))")
        return isHealthy
    }

    private static func table(_ violations: [JSONDocument]) -> Table {
        var table = Table(
            [
                ("QUEUE", .left), ("INVARIANT", .left), ("JOB", .left), ("", .left), ("VIOLATION", .left),
            ], cut: ["QUEUE", "VIOLATION", "JOB"], drop: [])
        for violation in violations {
            let isRepaired = violation["repaired"]?.bool == true
            let invariant = violation["invariant"].map { $0.string ?? $0.description } ?? ""
            table.add([
                .init(violation["queue"]?.string ?? "?"), .init(invariant), .init(violation["job"]?.string ?? ""),
                .init(isRepaired ? "repaired" : "", .green), .init(violation["message"]?.string ?? ""),
            ])
        }
        return table
    }
}
