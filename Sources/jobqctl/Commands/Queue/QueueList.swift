// `jobqctl queue list` and `queue show`: queues in numbers, and one of them with its rules.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl queue list`: all queues with their depths, or only their names.
struct QueueList: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the queues and how many jobs are in which state.")

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Only the names, one on a line.")
    var names = false

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let reply = try jobqd.request("queues")
        let queues = reply["queues"]?.array ?? []
        if connection.json {
            print(Terminal.json(reply))
        } else if names {
            for queue in queues { print(queue["queue"]?.string ?? "") }
        } else {
            print(QueueTable.text(queues, terminal), terminator: "")
        }
        return true
    }
}

/// `jobqctl queue show QUEUE`: its depths, totals and policy.
struct QueueShow: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one queue: depths, totals since it was created, and its rules.",
        discussion: "The rules are for administrators; without that right they are left out.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The queue.", completion: .queues)
    var queue: String

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let stats = try jobqd.request("stats") { $0.member("queue", queue) }
        let all = try jobqd.request("queues")["queues"]?.array ?? []
        let mine = all.first { $0["queue"]?.string == queue }
        let policy = try policy(jobqd)
        if connection.json {
            print(
                Terminal.json(
                    "{\"queue\":\(mine?.description ?? "null"),\"totals\":\(stats["totals"]?.description ?? "null"),"
                        + "\"policy\":\(policy?["policy"]?.description ?? "null")}"))
            return true
        }
        print(head(mine, terminal))
        print("\n" + StatsTable.text(stats, terminal), terminator: "")
        if let policy {
            var table = Table([("RULE", .left), ("VALUE", .left)], cut: ["VALUE"])
            for (name, text) in PolicyText.lines(policy["policy"]) { table.add([.init(name), .init(text)]) }
            print("\n" + table.text(terminal), terminator: "")
        }
        return true
    }

    /// Its name, and what is special about it now.
    private func head(_ mine: JSONDocument?, _ terminal: Terminal) -> String {
        var lines = [terminal.marked(Terminal.visible(queue), .bold)]
        if let mine, mine["paused"]?.bool == true { lines.append(terminal.marked(QueueTable.pause(mine), .yellow)) }
        if let age = mine?["latency_ms"]?.integer, age > 0 {
            lines.append("oldest queued job: \(TimeText.span(age))")
        }
        return lines.joined(separator: "\n")
    }

    /// nil when this peer may not see it.
    private func policy(_ jobqd: JobqConnection) throws -> JSONDocument? {
        do {
            return try jobqd.request("configure") { $0.member("queue", queue) }
        } catch let refused as ProtocolError where refused.errorCode == .forbidden {
            return nil
        }
    }
}
