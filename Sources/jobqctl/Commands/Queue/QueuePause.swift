// `jobqctl queue pause` and `queue resume`: claims find nothing in a paused queue; enqueues go on.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl queue pause QUEUE`: holds it back, for good or for a while.
struct QueuePause: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Hold a queue back: claims find nothing in it.",
        discussion: "Jobs can still be put into it, and those that workers have go on.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The queue.", completion: .queues)
    var queue: String
    @Option(name: .customLong("for"), help: ArgumentHelp("Resume by itself after so long.", valueName: "duration"))
    var duration: TimeSpan?
    @Option(help: ArgumentHelp("Resume by itself then.", valueName: "time"))
    var until: PointInTime?

    func validate() throws {
        guard duration == nil || until == nil else { throw ValidationError("give either --for or --until") }
    }

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        var end = until?.milliseconds
        if let duration { end = try jobqd.ping(store: true) + duration.milliseconds }
        let reply = try jobqd.request("pause") {
            $0.member("queue", queue)
            if let end { $0.member("until", end) }
        }
        if connection.json {
            print(reply)
        } else {
            print("\(Terminal.visible(queue)) is paused\(end.map { " until \(TimeText.local($0))" } ?? "")")
        }
        return true
    }
}

/// `jobqctl queue resume QUEUE`
struct QueueResume: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "End the pause of a queue.",
        discussion: "It is no mistake to resume a queue that is not paused.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The queue.", completion: .queues)
    var queue: String

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let reply = try jobqd.request("resume") { $0.member("queue", queue) }
        print(connection.json ? reply.description : "\(Terminal.visible(queue)) goes on")
        return true
    }
}
