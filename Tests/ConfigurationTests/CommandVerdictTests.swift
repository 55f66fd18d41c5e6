// `jobqctl run`: what the end of a command says about its job.

import Testing
import Wire

@testable import jobqctl

@Suite struct CommandVerdictTests {
    private func report(
        _ end: CommandVerdict.End, output: String = "", errors: String = "", _ verdict: CommandVerdict = .init()
    ) -> CommandVerdict.Report {
        verdict.report(end, output: Array(output.utf8), errors: Array(errors.utf8))
    }

    @Test func waitStatusesAreTakenApart() {
        #expect(CommandVerdict.End(status: 0) == .exited(0))
        #expect(CommandVerdict.End(status: 65 << 8) == .exited(65))
        #expect(CommandVerdict.End(status: 9) == .signalled(9))
        // With the bit that says that a core was written.
        #expect(CommandVerdict.End(status: 0x80 | 11) == .signalled(11))
    }

    @Test func statusDecidesWhetherAndHow() {
        #expect(report(.exited(0)) == .complete(result: nil))
        #expect(report(.exited(1)) == .fail(error: "exit status 1", retry: true))
        #expect(report(.exited(65)) == .fail(error: "exit status 65", retry: false))
        #expect(report(.signalled(65)) == .fail(error: "ended by signal 65", retry: true))
        #expect(report(.exited(65), .init(deadStatuses: [])) == .fail(error: "exit status 65", retry: true))
    }

    @Test func resultIsJSONOrAString() {
        #expect(CommandVerdict.result(Array("{\"a\":\n1}\n".utf8)) == Array("{\"a\": 1}".utf8))
        #expect(CommandVerdict.result(Array("two words\n".utf8)) == Array("\"two words\"".utf8))
        #expect(CommandVerdict.result([]) == nil)
        #expect(CommandVerdict.result([0x0A]) == nil)
    }

    @Test func outputThatIsTooLongIsNoResult() {
        let verdict = CommandVerdict(wantsResult: true)
        let long = String(repeating: "x", count: CommandVerdict.longestResult + 1)
        guard case .fail(_, retry: false) = report(.exited(0), output: long, verdict) else {
            Issue.record("an output that is too long")
            return
        }
    }

    @Test func errorFitsIntoItsBoundHoweverItIsWritten() {
        for text in ["\u{1}", "é", "\"", "x"] {
            let error = CommandVerdict.error("exit status 1", Array(String(repeating: text, count: 16_384).utf8))
            var writer = JSONWriter()
            writer.string(error)
            #expect(writer.bytes.count <= CommandVerdict.longestError)
            #expect(error.hasPrefix("exit status 1: ") && error.utf8.count > 1_500)
        }
        #expect(CommandVerdict.error("exit status 1", Array(" \n".utf8)) == "exit status 1")
    }

    @Test func bothFitIntoTheRoomThatALineLeaves() {
        let room = CommandVerdict.Room(result: 100, error: 40)
        let verdict = CommandVerdict(wantsResult: true)
        for (count, isResult) in [(16, true), (17, false)] {
            // Six bytes of JSON each, and two quotes.
            let report = verdict.report(.exited(0), output: Array(repeating: 0, count: count), errors: [], room: room)
            if case .complete = report { #expect(isResult) } else { #expect(!isResult) }
        }
        for reason in [nil, String(repeating: "\u{1}", count: 500)] {
            let report = verdict.report(.exited(1), output: [], errors: [0x61], reason: reason, room: room)
            guard case .fail(let error, retry: true) = report else {
                Issue.record("\(report)")
                continue
            }
            var writer = JSONWriter()
            writer.string(error)
            #expect(writer.bytes.count <= 40)
        }
    }

    @Test(arguments: [
        ("12 (sh) S 1 7 7 0", 7), ("12 (a) Z b) R 1 8 8 0", 8), ("12 (sh) Z 1 7 7 0", nil), ("12 (sh) X 1 7 7", nil),
        ("", nil), ("12 (sh) S", nil),
    ])
    func groupOfALivingProcessIsReadFromItsStatus(text: String, group: Int32?) {
        #expect(ProcessGroups.group(in: Array(text.utf8)) == group)
    }

    @Test func bytesThatAreNoTextBecomeText() {
        #expect(CommandVerdict.error("exit status 1", [0xFF, 0x61]) == "exit status 1: \u{FFFD}a")
    }
}
