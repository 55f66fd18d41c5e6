// A jobqd worker in Swift: worker SOCKET QUEUE [NAME].
// A job's payload may say {"ms":50,"needs":"/path"}: work for so long, and fail when there is no such file.

import Glibc
import JobqClient

let arguments = CommandLine.arguments
guard arguments.count >= 3 else { fatalError("usage: worker SOCKET QUEUE [NAME]") }
let name = arguments.count > 3 ? arguments[3] : "swift-\(getpid())"

/// Extends the lease from a connection of its own, until it is cancelled or the lease is lost.
func heartbeat(_ job: ClaimedJob, path: String) -> Task<Void, any Error> {
    Task.detached {
        let jobqd = try JobqConnection(path: path)
        while true {
            try await Task.sleep(for: .milliseconds(job.leaseMs / 3))
            try jobqd.extend(job)
        }
    }
}

let jobqd = try JobqConnection(path: arguments[1])
try jobqd.hello(worker: name)
let next = ClaimOptions([arguments[2]], waitMs: 30_000)
var jobs: [ClaimedJob] = []
while true {
    guard let job = jobs.popLast() else {
        jobs = try jobqd.claim(next)
        continue
    }
    let beat = heartbeat(job, path: arguments[1])
    usleep(UInt32(clamping: (job.payload["ms"]?.integer ?? 0) * 1000))
    let missing = job.payload["needs"]?.string.flatMap { access($0, F_OK) == 0 ? nil : $0 }
    beat.cancel()
    do {  // the answer brings the next job
        jobs =
            try missing.map { try jobqd.fail(job, error: "\($0) is not there", next: next) }
            ?? jobqd.complete(job, result: .object(["by": name]), next: next)
    } catch let error as ProtocolError where error.errorCode == .leaseLost || error.errorCode == .notFound {}
}
