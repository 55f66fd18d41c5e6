// What a link knows of the jobs that were claimed over it, from requests and replies alone.

import Testing
import Wire

@testable import JobqClient

@Suite struct HeldClaimsTests {
    private var held = HeldClaims()

    private let claimed =
        #"{"ok":true,"jobs":[{"job":"q/a","token":"1-a","lease_ms":900},{"job":"q/b","token":"2-b","lease_ms":9000}]}"#

    init() throws {
        held.note(RequestLine("claim") { $0.member("queue", "q") }, try JSONDocument(claimed), at: 1_000)
    }

    private func token(_ operation: String, _ token: String, next: Bool = false) -> RequestLine {
        RequestLine(operation) {
            $0.member("job", "q/a")
            $0.member("token", token)
            if next { $0.member("next", raw: Array(#"{"queue":"q"}"#.utf8)) }
        }
    }

    private var tokens: [String] { held.all.map(\.token).sorted() }

    @Test func leasesAreDueAfterAThirdOfThemAndThenAgain() {
        var held = held
        #expect(held.nextTime == 1_300)
        #expect(held.due(at: 1_299).isEmpty)
        #expect(held.due(at: 1_300).map(\.job) == ["q/a"])
        #expect(held.nextTime == 1_600)
        #expect(held.due(at: 4_000).map(\.job).sorted() == ["q/a", "q/b"])
    }

    @Test func aRenewalThatFailedIsTriedAgainSoon() {
        var held = held
        _ = held.due(at: 1_300)
        held.extendSoon("1-a", at: 1_310)
        #expect(held.nextTime == 1_460)
    }

    @Test(arguments: ["complete", "fail", "release"]) func whatWasReportedIsNotHeldAnyMore(operation: String) throws {
        var held = held
        held.note(token(operation, "1-a"), try JSONDocument(#"{"ok":true,"state":"x"}"#), at: 1_100)
        #expect(held.all.map(\.token) == ["2-b"])
    }

    @Test func aRefusalEndsAClaimOnlyIfItSaysThatItIsOver() throws {
        var held = held
        let later = #"{"ok":false,"error":{"code":"store_full","message":"","retryable":true}}"#
        held.note(token("complete", "1-a"), try JSONDocument(later), at: 1_100)
        #expect(held.all.count == 2)
        let over = #"{"ok":false,"error":{"code":"lease_lost","message":"","retryable":false}}"#
        held.note(token("complete", "1-a"), try JSONDocument(over), at: 1_100)
        #expect(held.all.map(\.token) == ["2-b"])
    }

    @Test func theJobThatACompletionBringsIsHeld() throws {
        var held = held
        let reply = #"{"ok":true,"state":"completed","jobs":[{"job":"q/c","token":"3-c","lease_ms":30}]}"#
        held.note(token("complete", "1-a", next: true), try JSONDocument(reply), at: 1_100)
        #expect(held.all.map(\.token).sorted() == ["2-b", "3-c"])
        #expect(held.nextTime == 1_110)
    }

    @Test func ofManyEachAnswerCountsForItsOwnJob() throws {
        var held = held
        let request = RequestLine("complete") {
            $0.member("jobs", raw: Array(#"[{"job":"q/a","token":"1-a"},{"job":"q/b","token":"2-b"}]"#.utf8))
        }
        let reply =
            #"{"ok":true,"jobs":[{"ok":false,"error":{"code":"internal"}},{"ok":true}],"next":{"jobs":[{"job":"q/c","token":"3-c"}]}}"#
        held.note(request, try JSONDocument(reply), at: 1_100)
        #expect(held.all.map(\.token).sorted() == ["1-a", "3-c"])
    }

    @Test func pausesGrowToTheirBoundAndBeginAnew() {
        var pause = ReconnectPause(shortestMs: 20, longestMs: 2_000)
        var generator = SystemRandomNumberGenerator()
        let bounds: [Int64] = [20, 40, 80, 160, 320, 640, 1_280, 2_000, 2_000]
        for bound in bounds { #expect((bound / 2...bound).contains(pause.next(&generator))) }
        pause.reset()
        #expect(pause.next(&generator) <= 20)
    }

    @Test func idsAreThoseOfTheSpecification() {
        #expect(JobIdentifier.make(milliseconds: 0, high: 0, low: 0) == "00000000000000000000000000")
        // The time in the example of that text.
        #expect(JobIdentifier.make(milliseconds: 1_469_918_176_385, high: 0, low: 31) == "01ARYZ6S41000000000000000Z")
        #expect(JobIdentifier.make() != JobIdentifier.make())
    }
}
