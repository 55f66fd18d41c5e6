// A jobqd worker in Swift: worker SOCKET QUEUE [NAME].
// A job's payload may say {"ms":50,"needs":"/path"}: work for so long, and fail when there is no such file.
//
// The connection renews the lease while the job runs and survives restarts of the daemon; when that is away for five
// seconds, the worker ends.

import Glibc
import JobqClient

let arguments = CommandLine.arguments
guard arguments.count >= 3 else { fatalError("usage: worker SOCKET QUEUE [NAME]") }
let name = arguments.count > 3 ? arguments[3] : "swift-\(getpid())"

let jobqd = try ReconnectingConnection(path: arguments[1], identity: .init(worker: name), patienceMs: 5_000)
let next = ClaimOptions([arguments[2]], waitMs: 30_000)
var jobs: [ClaimedJob] = []
while true {
    guard let job = jobs.popLast() else {
        jobs = try jobqd.claim(next)
        continue
    }
    usleep(UInt32(clamping: (job.payload["ms"]?.integer ?? 0) * 1000))
    let missing = job.payload["needs"]?.string.flatMap { access($0, F_OK) == 0 ? nil : $0 }
    do {  // the answer brings the next job
        jobs =
            try missing.map { try jobqd.fail(job, error: "\($0) is not there", next: next) }
            ?? jobqd.complete(job, result: .object(["by": name]), next: next)
    } catch let error as ProtocolError where error.errorCode == .leaseLost || error.errorCode == .notFound {}
}
