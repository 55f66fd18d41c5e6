// What a command is given of its job: the payload for its standard input, and the rest as environment variables.

import Glibc
import JobqClient
import Wire

enum JobEnvironment {
    /// The environment of this process without variables of a job (it may itself be run for one), and the socket.
    static func inherited(socket: String) -> [(String, String)] {
        var all: [(String, String)] = []
        var entry = environ
        while let text = entry.pointee {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, !parts[0].hasPrefix("JOBQ_"), parts[0] != "JOBQD_SOCKET" {
                all.append((String(parts[0]), String(parts[1])))
            }
            entry += 1
        }
        return all + [("JOBQD_SOCKET", socket)]
    }

    static func members(of job: ClaimedJob) -> [(String, String)] {
        var all = [
            ("JOBQ_JOB", job.job), ("JOBQ_QUEUE", job.queue), ("JOBQ_TYPE", job.type),
            ("JOBQ_ATTEMPT", String(job.attempt)), ("JOBQ_MAX_ATTEMPTS", String(job.maxAttempts)),
            ("JOBQ_TOKEN", job.token),
        ]
        if let meta = job.meta { all.append(("JOBQ_META", meta.description)) }
        if let checkpoint = job.checkpoint { all.append(("JOBQ_CHECKPOINT", checkpoint.description)) }
        return all
    }

    /// A line of JSON, byte for byte as it was enqueued; with `rawStrings`, a string is its text and nothing else.
    static func payload(of job: ClaimedJob, rawStrings: Bool) -> [UInt8] {
        if rawStrings, let text = job.payload.string { return Array(text.utf8) }
        return job.payload.raw + [0x0A]
    }
}
