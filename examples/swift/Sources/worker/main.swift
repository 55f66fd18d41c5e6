// A jobqd worker in Swift: worker SOCKET QUEUE [NAME].
// A job's payload may say {"ms":50,"needs":"/path"}: the work takes this long, and fails when there is no such file.
//
// The connection renews the lease while the job runs and survives restarts of the daemon. The worker outlives longer absences
// too, of the daemon or of Redis: it asks again whatever may be answered later, with the same token, until the lease is lost.

import Glibc
import JobqClient

/// Asks until there is an answer that will not change by asking again.
func insist<Answer>(_ ask: () throws -> Answer) throws -> Answer {
    while true {
        do {
            return try ask()
        } catch let error as ProtocolError where error.isRetryable {
            usleep(200_000)
        } catch is ConnectionError {
            usleep(200_000)
        }
    }
}

let arguments = CommandLine.arguments
guard arguments.count >= 3 else { fatalError("usage: worker SOCKET QUEUE [NAME]") }
let name = arguments.count > 3 ? arguments[3] : "swift-\(getpid())"

let jobqd = try insist { try ReconnectingConnection(path: arguments[1], identity: .init(worker: name)) }
let next = ClaimOptions([arguments[2]], waitMs: 30_000)
var jobs: [ClaimedJob] = []
while true {
    guard let job = jobs.popLast() else {
        jobs = try insist { try jobqd.claim(next) }
        continue
    }
    usleep(UInt32(clamping: (job.payload["ms"]?.integer ?? 0) * 1000))
    let missing = job.payload["needs"]?.string.flatMap { access($0, F_OK) == 0 ? nil : $0 }
    do {  // the answer brings the next job
        jobs = try insist {
            if let missing { return try jobqd.fail(job, error: "\(missing) is not there", next: next) }
            return try jobqd.complete(job, result: .object(["by": name]), next: next)
        }
    } catch let error as ProtocolError where [.leaseLost, .notFound, .wrongState].contains(error.errorCode) {}
}
