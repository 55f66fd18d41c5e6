// Many jobs from lines: gathered into batches, each one request, with a progress bar.
//
// A batch is full at the daemon's limit of items or of bytes, all that is sent with a job counted, its id too. It goes out early
// when the input has nothing more just now, so a slow pipe does not hold jobs back. One wrong line refuses its whole batch; then what stands before it is sent
// alone. So the lines that are in are always the first ones, and the message says how many: --skip goes on there.

import ArgumentParser
import JobqClient
import Wire

struct EnqueueMany {
    /// How a line becomes a job.
    struct Shape {
        /// Where payloads go; with whole jobs, where those go that do not say.
        let queue: String?
        /// nil: lines are whole jobs.
        let members: JobMembers?
    }

    private struct Line {
        /// From 1, in the input.
        let number: Int
        let job: [UInt8]
        /// What it takes in a request, with its comma and the id that it is given.
        let bytes: Int
    }

    private let jobqd: ReconnectingConnection
    private let shape: Shape
    private let isJSON: Bool
    private var batch: [Line] = []
    private var batchBytes = 0
    private var accepted = 0
    private var duplicates = 0
    /// The line the jobs before which are in.
    private var number = 0

    private var maximumItems = 1000
    private var maximumBytes = 1 << 20
    /// What stands around the jobs of a request: `{"op":"enqueue","id":N,"jobs":[…]}`, with the longest N.
    private static let envelope = 64

    init(_ jobqd: ReconnectingConnection, shape: Shape, isJSON: Bool) {
        self.jobqd = jobqd
        self.shape = shape
        self.isJSON = isJSON
    }

    /// Until the end of the input, the first wrong line, or Ctrl-C.
    mutating func run(_ input: LineReader, skipping skip: Int) throws -> Bool {
        var input = input
        let size = input.size
        var bar = ProgressBar("enqueueing", total: nil, unit: "jobs")
        try askLimits()
        Interruption.watch()
        do {
            while !Interruption.isRequested, let line = try input.next() {
                number += 1
                if number <= skip || LineReader.isBlank(line) { continue }
                try add(line)
                if !batch.isEmpty, !input.isReady { try flush() }
                bar.show(accepted, share: size.map { $0 > 0 ? Double(input.consumed) / Double($0) : 1 })
            }
            try flush()
        } catch {
            bar.clear()
            say(failed: error)
            throw error
        }
        bar.clear()
        say(failed: nil)
        if Interruption.isRequested {
            Terminal.complain("interrupted after line \(number); go on with --skip \(number)")
            throw Interruption.status.code
        }
        return true
    }

    private mutating func askLimits() throws {
        let limits = try jobqd.request("hello", waitMs: 0) { _ in }["limits"]
        if let items = limits?["batch"]?.integer { maximumItems = Int(items) }
        if let bytes = limits?["line_bytes"]?.integer { maximumBytes = Int(bytes) }
    }

    private mutating func add(_ line: [UInt8]) throws {
        let new: Line
        do {
            new = try self.line(line)
            guard new.bytes + Self.envelope <= maximumBytes else {
                throw DataProblem(description: "is too long: at most \(maximumBytes) bytes including the envelope")
            }
        } catch let problem as DataProblem {
            let number = number
            try flush()
            throw WrongLine(number: number, why: problem.description, status: .data)
        }
        let isFull = batchBytes + new.bytes + Self.envelope > maximumBytes
        if batch.count == maximumItems || isFull { try flush() }
        batch.append(new)
        batchBytes += new.bytes
    }

    /// The job that a line stands for.
    private func line(_ line: [UInt8]) throws -> Line {
        let value: JSONDocument
        do {
            value = try JSONDocument(line)
        } catch {
            throw DataProblem(description: "is not JSON: \(error)")
        }
        guard let members = shape.members else {
            let job = try wholeJob(value)
            let idBytes = value["job_id"] == nil ? JobIdentifier.memberBytes : 0
            return Line(number: number, job: job, bytes: job.count + 1 + idBytes)
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("queue", shape.queue ?? "")
        members.write(to: &writer)
        writer.member("payload", raw: value.raw)
        writer.endObject()
        let job = writer.bytes
        return Line(number: number, job: job, bytes: job.count + 1 + JobIdentifier.memberBytes)
    }

    private func wholeJob(_ value: JSONDocument) throws -> [UInt8] {
        guard value.kind == .object else { throw DataProblem(description: "is not a JSON object") }
        guard let queue = shape.queue, value["queue"] == nil else { return value.raw }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("queue", queue)
        for (name, member) in value.members ?? [] {
            writer.key(name)
            writer.raw(member.raw)
        }
        writer.endObject()
        return writer.bytes
    }

    // MARK: Sending

    private mutating func flush() throws {
        let lines = batch
        batch = []
        batchBytes = 0
        if lines.isEmpty { return }
        do {
            try send(lines[...])
        } catch let refused as ProtocolError {
            // The batch was refused as a whole, for one of its lines: those before it are fine.
            guard let index = refused.index, lines.indices.contains(index) else {
                throw WrongLine(number: lines[0].number, why: "\(refused)", status: ExitStatus(refused))
            }
            try send(lines[..<index])
            let status: ExitStatus = refused.isRetryable ? .temporary : .data
            throw WrongLine(number: lines[index].number, why: "\(refused)", status: status)
        }
    }

    private mutating func send(_ lines: ArraySlice<Line>) throws {
        if lines.isEmpty { return }
        let reply = try jobqd.request("enqueue", waitMs: 0) { writer in
            writer.key("jobs")
            writer.beginArray()
            for line in lines { writer.raw(line.job) }
            writer.endArray()
        }
        if isJSON { print(Terminal.json(reply)) }
        var refused: WrongLine?
        var behind = 0
        for (line, item) in zip(lines, reply["jobs"]?.array ?? []) {
            if let error = item["error"].map(ProtocolError.init) {
                // Full: later lines of another queue may be in all the same, so it does not end here.
                if refused == nil {
                    refused = WrongLine(number: line.number, why: "\(error)", status: ExitStatus(error))
                }
            } else {
                accepted += 1
                if refused != nil { behind += 1 }
                if item["duplicate"]?.bool == true { duplicates += 1 }
            }
        }
        if var refused {
            refused.behind = behind
            throw refused
        }
    }

    private func say(failed error: (any Error)?) {
        if !isJSON {
            print("\(accepted.of("job")) enqueued\(duplicates > 0 ? ", \(duplicates) of them existed already" : "")")
        }
        // Whether the batch is in that had no answer is not known.
        if error is ConnectionError, number > 0 {
            Terminal.complain("the answer for the last lines up to \(number) did not come")
        }
    }
}

/// A line that could not be enqueued; those before it are in.
struct WrongLine: Problem {
    let number: Int
    let why: String
    let status: ExitStatus
    /// Later lines that are in all the same, being of queues that had room.
    var behind = 0

    var description: String {
        let problem = "line \(number): \(why)"
        if behind == 0 { return "\(problem); go on with --skip \(number - 1)" }
        return "\(problem); \(behind.of("line")) behind it went in, which --skip \(number - 1) would enqueue again"
    }
}
