// What `jobqctl run` tells the daemon of a command's end.
//
// A report must fit into one line of the daemon's: an error is cut, a result that does not fit fails the job for good. A report
// that the daemon refuses all the same (a result that is nested too deep) is followed by a plain failure that says so. When that
// is refused too, the lease is left to its end: a job that cannot be reported must not be held for ever.

import JobqClient
import Wire

extension JobRunner {
    func verdict(_ place: JobPlace, _ end: CommandVerdict.End) -> CommandVerdict.Report {
        var room = CommandVerdict.Room()
        let members = { (writer: inout JSONWriter) in
            writer.member("job", place.job.job)
            writer.member("token", place.job.token)
        }
        // The names, the quotes and the comma of the member that comes behind these.
        if let bytes = link.room("complete", beside: members) { room.result = bytes - 16 }
        if let bytes = link.room("fail", beside: members) { room.error = min(room.error, bytes - 32) }
        let output = place.child.outputBytes
        if plan.verdict.wantsResult, String(validating: output, as: UTF8.self) == nil {
            Terminal.complain("\(place.job.job): the output is not UTF-8; its wrong bytes become U+FFFD")
        }
        return plan.verdict.report(
            end, output: output, errors: place.child.lastErrors, reason: place.cancelReason, room: room)
    }

    func send(_ report: CommandVerdict.Report, _ place: JobPlace) {
        let job = place.job
        switch report {
        case .complete(let result):
            link.request("complete") {
                $0.member("job", job.job)
                $0.member("token", job.token)
                if let result { $0.member("result", raw: result) }
            } then: { [unowned self] in
                reported($0, report, place)
            }
        case .fail(let error, let retry):
            link.request("fail") {
                $0.member("job", job.job)
                $0.member("token", job.token)
                $0.member("error", error)
                $0.member("retry", retry)
            } then: { [unowned self] in
                reported($0, report, place)
            }
        }
    }

    private func reported(_ answer: JobqLink.Answer, _ report: CommandVerdict.Report, _ place: JobPlace) {
        if plan.asJSON { print(place.job, answer) }
        guard case .failure(let error) = answer else { return remove(place) }
        Terminal.complain("\(place.job.job): its end was not reported: \(error)")
        guard let refused = error as? ProtocolError, !Self.isOver(refused) else { return remove(place) }
        place.refusals += 1
        guard place.refusals == 1 else {
            Terminal.complain("\(place.job.job): its lease is not renewed any more")
            link.letGo(place.job.token)
            return remove(place)
        }
        // Nothing of the command's own is in it, so it is short and plain.
        switch report {
        case .complete: send(.fail(error: "the result was refused (\(refused.code))", retry: false), place)
        case .fail(_, let retry):
            send(.fail(error: "failed; the error text was refused (\(refused.code))", retry: retry), place)
        }
    }

    /// The job is not this worker's any more.
    private static func isOver(_ error: ProtocolError) -> Bool {
        switch error.errorCode {
        case .leaseLost, .notFound, .wrongState: true
        default: false
        }
    }

    /// `{"job":…,"reply":…}`, at once, since it may be a pipe that somebody reads.
    private func print(_ job: ClaimedJob, _ answer: JobqLink.Answer) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("job", job.job)
        switch answer {
        case .success(let reply): writer.member("reply", raw: reply.raw)
        case .failure(let error as ProtocolError): writer.member("error", raw: error.raw)
        case .failure(let error): writer.member("error", "\(error)")
        }
        writer.endObject()
        output.write(Array("\(Terminal.json(String(decoding: writer.bytes, as: UTF8.self)))\n".utf8))
    }
}
