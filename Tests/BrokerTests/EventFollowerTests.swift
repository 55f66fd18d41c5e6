// What a reader of a queue's events hands out: everything once, in order, whatever comes twice or in between.

import Store
import Testing
import Wire

@testable import Broker

/// A follower whose events are just numbers.
private final class Reader {
    var follower: EventFollower

    init(_ follower: EventFollower) { self.follower = follower }

    static func live(after number: UInt64) -> Reader { Reader(.live(after: seq(number))) }
    static func behind(after number: UInt64) -> Reader { Reader(.behind(after: seq(number))) }

    func heard(_ numbers: ClosedRange<UInt64>) -> [UInt64] { follower.heard(Self.events(numbers)).map(\.seq.number) }

    func took(_ numbers: ClosedRange<UInt64>, isLast: Bool = true) -> [UInt64] {
        follower.took(EventPage(events: Self.events(numbers), isLast: isLast)).map(\.seq.number)
    }

    func ask() -> UInt64? { follower.ask()?.number }

    static func seq(_ number: UInt64) -> EventID { EventID(milliseconds: 1_000, number: number) }

    static func events(_ numbers: ClosedRange<UInt64>) -> [JobEvent] {
        numbers.map { JobEvent(kind: .completed, id: "\($0)", seq: seq($0), attempt: 1) }
    }
}

@Suite struct EventFollowerTests {
    @Test func liveEventsAreHandedOutOnceAlsoWhenTheyComeTwice() {
        let reader = Reader.live(after: 0)
        #expect(reader.heard(1...3) == [1, 2, 3])
        #expect(reader.heard(1...3).isEmpty)
        #expect(reader.heard(2...5) == [4, 5])
        #expect(reader.follower.position == Reader.seq(5))
        #expect(reader.ask() == nil)
    }

    @Test func theSuffixHandedOutKeepsTheIndexesOfTheWhole() {
        let reader = Reader.live(after: 2)
        let suffix = reader.follower.heard(Reader.events(1...4))
        #expect(suffix.indices == 2..<4)
    }

    @Test func beforeAPageIsAskedForLiveEventsAreLeftToTheLog() {
        let reader = Reader.behind(after: 1)
        #expect(reader.heard(2...3).isEmpty)
        #expect(reader.ask() == 1)
        #expect(reader.took(2...3) == [2, 3])
        #expect(reader.follower.isLive)
    }

    @Test func whatIsAnnouncedWhileThePageIsUnderWayFollowsItOnce() {
        let reader = Reader.behind(after: 0)
        _ = reader.ask()
        #expect(reader.heard(3...4).isEmpty)
        #expect(reader.heard(5...5).isEmpty)
        #expect(reader.took(1...3) == [1, 2, 3, 4, 5])
        #expect(reader.follower.isLive)
        #expect(reader.heard(6...6) == [6])
    }

    @Test func whileThereIsMoreInTheLogPageFollowsPage() {
        let reader = Reader.behind(after: 0)
        _ = reader.ask()
        #expect(reader.took(1...2, isLast: false) == [1, 2])
        #expect(reader.ask() == 2)
        #expect(reader.took(3...4) == [3, 4])
        #expect(reader.follower.isLive)
    }

    @Test func moreAnnouncedThanIsHeldMeansAnotherPage() {
        let reader = Reader.behind(after: 0)
        _ = reader.ask()
        let many = UInt64(EventFollower.heldLimit) + 1
        #expect(reader.heard(2...2).isEmpty)
        #expect(reader.heard(3...(many + 2)).isEmpty)
        #expect(reader.took(1...1) == [1])
        #expect(reader.ask() == 1)
        #expect(reader.took(2...(many + 2)).count == Int(many) + 1)
        #expect(reader.follower.isLive)
    }

    @Test func aPageAskedForBeforeAnInterruptionIsNotTheLast() {
        let reader = Reader.behind(after: 0)
        _ = reader.ask()
        reader.follower.interrupt()
        #expect(reader.heard(5...5).isEmpty)
        #expect(reader.took(1...2) == [1, 2])
        #expect(reader.ask() == 2)
        #expect(reader.took(3...5) == [3, 4, 5])
    }

    @Test func anInterruptedLiveReaderReadsTheLogFromItsPosition() {
        let reader = Reader.live(after: 0)
        _ = reader.heard(1...2)
        reader.follower.interrupt()
        #expect(reader.heard(4...4).isEmpty)
        #expect(reader.ask() == 2)
        #expect(reader.took(3...4) == [3, 4])
    }

    @Test func aPageThatDidNotComeIsAskedForAgain() {
        let reader = Reader.behind(after: 3)
        _ = reader.ask()
        _ = reader.heard(4...4)
        reader.follower.failed()
        #expect(reader.ask() == 3)
        // The announcement before the failure is in the log.
        #expect(reader.took(4...5) == [4, 5])
    }

    @Test func anUnreadableLogIsGivenUpAndLiveEventsGoOn() {
        let reader = Reader.behind(after: 3)
        _ = reader.ask()
        reader.follower.giveUp()
        #expect(reader.heard(3...4) == [4])
    }

    @Test func anEmptyPageIsTheLastWhateverItSays() {
        let reader = Reader.behind(after: 0)
        _ = reader.ask()
        let none = reader.follower.took(EventPage(events: [], isLast: false))
        #expect(none.isEmpty)
        #expect(reader.follower.isLive)
    }
}
