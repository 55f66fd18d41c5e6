// What a command is given of its job: the payload for its standard input, and the rest as environment variables.

import Glibc
import JobqClient
import Wire

enum JobEnvironment {
    /// The environment of this process, byte for byte, without variables of a job (it may itself be run for one), and the
    /// socket. An entry is `NAME=VALUE`.
    static func inherited(socket: String) -> [[UInt8]] {
        var all: [[UInt8]] = []
        var entry = environ
        while let text = entry.pointee {
            let bytes = UnsafeBufferPointer(start: text, count: strlen(text)).map(UInt8.init(bitPattern:))
            if !bytes.starts(with: Array("JOBQ_".utf8)), !bytes.starts(with: Array("JOBQD_SOCKET=".utf8)) {
                all.append(bytes)
            }
            entry += 1
        }
        return all + [variable("JOBQD_SOCKET", socket)]
    }

    static func members(of job: ClaimedJob) -> [[UInt8]] {
        var all = [
            variable("JOBQ_JOB", job.job), variable("JOBQ_QUEUE", job.queue), variable("JOBQ_TYPE", job.type),
            variable("JOBQ_ATTEMPT", String(job.attempt)), variable("JOBQ_MAX_ATTEMPTS", String(job.maxAttempts)),
            variable("JOBQ_TOKEN", job.token),
        ]
        if let meta = job.meta { all.append(variable("JOBQ_META", meta.description)) }
        if let checkpoint = job.checkpoint { all.append(variable("JOBQ_CHECKPOINT", checkpoint.description)) }
        return all
    }

    private static func variable(_ name: String, _ value: String) -> [UInt8] { Array("\(name)=\(value)".utf8) }

    /// A line of JSON, byte for byte as it was enqueued; with `rawStrings`, a string is its text and nothing else.
    static func payload(of job: ClaimedJob, rawStrings: Bool) -> [UInt8] {
        if rawStrings, let text = job.payload.string { return Array(text.utf8) }
        return job.payload.raw + [0x0A]
    }
}
