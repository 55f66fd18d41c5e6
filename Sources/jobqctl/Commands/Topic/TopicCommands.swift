// `jobqctl topic …`: one job for every queue that is bound to a topic.

import ArgumentParser
import JobqClient
import Wire

struct TopicCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topic", abstract: "Bind queues to topics, and publish jobs to all that are bound.",
        subcommands: [
            TopicList.self,
            TopicPublish.self,
            TopicBind.self,
            TopicUnbind.self,
        ])
}

/// `jobqctl topic list`
struct TopicList: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the topics and the queues bound to each.")

    @OptionGroup var connection: ConnectionOptions

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let reply = try jobqd.request("topics")
        if connection.json {
            print(Terminal.json(reply))
            return true
        }
        var table = Table([("TOPIC", .left), ("QUEUES", .left)], cut: ["QUEUES"])
        let topics = reply["topics"]?.array ?? []
        for topic in topics {
            let queues = (topic["queues"]?.array ?? []).compactMap(\.string)
            table.add([.init(topic["topic"]?.string ?? "?"), .init(queues.joined(separator: " "))])
        }
        print(topics.isEmpty ? "no topics\n" : table.text(terminal), terminator: "")
        return true
    }
}

/// `jobqctl topic bind TOPIC QUEUE`
struct TopicBind: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "bind", abstract: "Bind a queue to a topic: it gets a job for each one published.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The topic, which is made by its first binding.", completion: .topics)
    var topic: String
    @Argument(help: "The queue.", completion: .queues)
    var queue: String

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let reply = try jobqd.request("bind") {
            $0.member("topic", topic)
            $0.member("queue", queue)
        }
        print(connection.json ? Terminal.json(reply) : "\(queue) is now bound to \(topic)")
        return true
    }
}

/// `jobqctl topic unbind TOPIC QUEUE`
struct TopicUnbind: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "unbind", abstract: "End a binding.",
        discussion: "Jobs that the queue has stay there. Exit status 1 when it is not bound.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The topic.", completion: .topics)
    var topic: String
    @Argument(help: "The queue.", completion: .queues)
    var queue: String

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let reply = try jobqd.request("unbind") {
            $0.member("topic", topic)
            $0.member("queue", queue)
        }
        print(connection.json ? Terminal.json(reply) : "\(queue) is no longer bound to \(topic)")
        return true
    }
}
