// `jobqctl enqueue`: one job from the command line, a file or standard input; or, with --ndjson or --jobs, as many as there
// are lines (EnqueueMany.swift).

import ArgumentParser
import Glibc
import JobqClient
import Wire

/// `jobqctl enqueue QUEUE [PAYLOAD]`: one job; prints its name. With --ndjson or --jobs a job for each line.
struct Enqueue: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put one job or many into a queue.",
        discussion: """
            Prints the job's name. With --job-id a repetition changes nothing.

            Without a payload, that of a pipe or a file on standard input is used, else null.

            With --ndjson each line of standard input (or of --file) is a payload, with --jobs a whole job as in the \
            protocol, with its own queue if it names one. They are sent in batches, each of which survives a restart of \
            jobqd. When a line is wrong, the lines before it are enqueued, the message names it, and the exit status is \
            65; --skip continues there.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The queue; with --jobs, of those lines that name none.", completion: .queues)
    var queue: String?
    @Argument(help: "JSON, or - to read it from standard input.")
    var payload: String?

    @Option(help: "Read the payload, or the lines, from this file.", completion: .file())
    var file: String?
    @Flag(help: "Each line is the payload of a job.")
    var ndjson = false
    @Flag(help: "Each line is a job: an object as in the protocol.")
    var jobs = false
    @Option(help: ArgumentHelp("Skip the first N lines.", valueName: "n"))
    var skip: Int?
    @OptionGroup(title: "Options of a job") var job: JobOptions

    private var isMany: Bool { ndjson || jobs }

    func validate() throws {
        guard queue != nil || jobs else { throw ValidationError("missing queue name") }
        guard !(ndjson && jobs) else { throw ValidationError("give either --ndjson or --jobs") }
        guard file == nil || payload == nil || (isMany && payload == "-") else {
            throw ValidationError("give either a payload or --file")
        }
        guard isMany || skip == nil else { throw ValidationError("--skip goes with --ndjson and --jobs") }
        guard skip ?? 0 >= 0 else { throw ValidationError("--skip must not be negative") }
        guard isMany else { return }
        guard payload == nil || payload == "-" else {
            throw ValidationError("with --ndjson and --jobs the lines come from standard input or --file")
        }
        guard job.jobID == nil, job.uniqueKey == nil else {
            throw ValidationError("--job-id and --unique-key are for one job; see --jobs")
        }
        if jobs, !job.isEmpty {
            throw ValidationError("with --jobs the options of a job belong in its line")
        }
    }

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let input = try input()
        if isMany {
            let shape = EnqueueMany.Shape(queue: queue, members: jobs ? nil : try job.members())
            // Through restarts of the daemon: a batch whose answer is lost is repeated under the same ids.
            let lasting = try ReconnectingConnection(
                path: connection.path, patienceMs: connection.timeout.milliseconds,
                timeoutMs: connection.timeout.milliseconds)
            var many = EnqueueMany(lasting, shape: shape, isJSON: connection.json)
            return try many.run(input, skipping: skip ?? 0)
        }
        let bytes = file != nil ? try input.readAll() : try ClientJSON.payload(payload)
        let payload = try ClientJSON.read(bytes, "the payload")
        let members = try job.members()
        let reply = try jobqd.request("enqueue") {
            $0.member("queue", queue ?? "")
            members.write(to: &$0)
            $0.member("payload", raw: payload.raw)
        }
        if connection.json {
            print(Terminal.json(reply))
        } else {
            print(reply["job"]?.string ?? "")
            if reply["duplicate"]?.bool == true {
                Terminal.complain("already exists (\(reply["state"]?.string ?? "?")); nothing changed")
            }
        }
        return true
    }

    private func input() throws -> LineReader {
        guard let file, file != "-" else { return .standardInput }
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw InputProblem(description: "\(file): \(String(cString: strerror(errno)))", status: .noInput)
        }
        return LineReader(descriptor)
    }
}
