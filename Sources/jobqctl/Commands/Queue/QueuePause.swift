// `jobqctl queue pause` and `queue resume`: claims find nothing in a paused queue; enqueues go on.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl queue pause QUEUE`: holds it back, for good or for a while.
struct QueuePause: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Hold a queue back: claims find nothing in it.",
        discussion: "Jobs can still be enqueued, and those that workers hold go on.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The queue.", completion: .queues)
    var queue: String
    @Option(name: .customLong("for"), help: ArgumentHelp("Resume after this long.", valueName: "duration"))
    var duration: TimeSpan?
    @Option(help: ArgumentHelp("Resume at this time, which must be in the future.", valueName: "time"))
    var until: PointInTime?

    @Flag(help: "Create the queue if it does not exist.")
    var create = false

    func validate() throws {
        guard duration == nil || until == nil else { throw ValidationError("give either --for or --until") }
    }

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        var end = until?.milliseconds
        if duration != nil || until != nil {
            // By the clock of Redis, which is the one that ends the pause.
            let now = try jobqd.ping(store: true)
            if let duration { end = now + duration.milliseconds }
            if let end, end <= now {
                throw UsageProblem(
                    description: "--until is in the past: \(TimeText.local(end)), and it is \(TimeText.local(now)) now")
            }
        }
        let reply = try jobqd.request("pause") {
            $0.member("queue", queue)
            if let end { $0.member("until", end) }
            if create { $0.member("create", true) }
        }
        if connection.json {
            print(Terminal.json(reply))
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
        print(connection.json ? Terminal.json(reply) : "\(Terminal.visible(queue)) resumed")
        return true
    }
}
