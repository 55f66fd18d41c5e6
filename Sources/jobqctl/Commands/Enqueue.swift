// `jobqctl enqueue`: one job from the command line or standard input.
//
// The payload is validated here, so that a typing mistake gets an answer about the JSON and not about the request, and
// goes out byte for byte. Many jobs at once are better sent through `jobqctl call -`.

import ArgumentParser
import Glibc
import JobqClient
import Wire

/// `jobqctl enqueue QUEUE [PAYLOAD]`: one job. Prints its name.
struct Enqueue: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put a job into a queue.",
        discussion: "Prints the job's name. With --id it is safe to repeat: the second time changes nothing.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The queue.", completion: .queues)
    var queue: String

    @Argument(help: "JSON, or - to read it from standard input.")
    var payload = "null"

    @Option(help: "What kind of work it is.")
    var type: String?
    @Option(help: ArgumentHelp("The part of its name after the slash.", valueName: "id"))
    var id: String?
    @Option(parsing: .unconditional, help: "-100 to 100, higher runs first.")
    var priority: Int?
    @Flag(help: "Before all others of its priority.")
    var front = false
    @Option(help: ArgumentHelp("Not before then, milliseconds from now.", valueName: "n"))
    var delayMs: Int64?
    @Option(help: ArgumentHelp("Not before then, milliseconds since 1970.", valueName: "time"))
    var runAt: Int64?
    @Option(help: ArgumentHelp("How often it may be tried, 1 to 1000.", valueName: "n"))
    var maxAttempts: Int?
    @Option(help: ArgumentHelp("How long a worker has it without a sign of life.", valueName: "n"))
    var leaseMs: Int64?
    @Option(help: ArgumentHelp("How long its record stays when it is done.", valueName: "n"))
    var keepMs: Int64?
    @Option(help: ArgumentHelp("A JSON object to carry along.", valueName: "json"))
    var meta: String?

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let payload = try json(payload == "-" ? StandardInput.readAll() : Array(payload.utf8), "the payload")
        var job = JobToEnqueue(queue: queue, payload: payload, type: type, jobID: id)
        job.priority = priority
        job.front = front ? true : nil
        job.delayMs = delayMs
        job.runAt = runAt
        job.maxAttempts = maxAttempts
        job.leaseMs = leaseMs
        job.keepMs = keepMs
        job.meta = try meta.map { try json(Array($0.utf8), "--meta") }

        let reply = try jobqd.request(enqueue: job)
        if connection.json {
            print(reply)
        } else {
            print(reply["job"]?.string ?? "")
            if reply["duplicate"]?.bool == true {
                Terminal.complain("it was there already, \(reply["state"]?.string ?? "?")")
            }
        }
        return true
    }

    private func json(_ bytes: [UInt8], _ what: String) throws -> JSONDocument {
        do {
            return try JSONDocument(bytes)
        } catch {
            throw DataProblem(description: "\(what) is not JSON: \(error)")
        }
    }
}
