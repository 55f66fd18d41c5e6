// Reading events back from the text of the log: exactly what tell.lua writes, and nothing else.

import Testing
import Wire

@testable import Store

@Suite struct EventTextTests {
    private func events(_ message: String) -> [JobEvent]? {
        var message = message
        return message.withUTF8 { EventText.events(message: UnsafeRawBufferPointer($0)) }
    }

    @Test func oneEventHasTheSeqOfItsEntry() {
        #expect(
            events("1763680000123-42\nclaimed 01KA 3") == [
                JobEvent(kind: .claimed, id: "01KA", seq: EventID("1763680000123-42")!, attempt: 3)
            ])
    }

    @Test func eventsBeforeTheLastOneCountBackwards() {
        let found = events("5-1999\nenqueued a 0\nenqueued b 0 1763680000123\ndead c 3 - lease_expired") ?? []
        #expect(found.map(\.seq.description) == ["5-1997", "5-1998", "5-1999"])
        #expect(found.map(\.id) == ["a", "b", "c"])
        #expect(found.map(\.runAt) == [nil, 1_763_680_000_123, nil])
        #expect(found.map(\.reason) == [nil, nil, "lease_expired"])
        #expect(found.map(\.at) == [5, 5, 5])
    }

    @Test func reasonIsTheRestOfTheLine() {
        #expect(events("1-0\ncancelled a 0 - no longer wanted ünd -")?.first?.reason == "no longer wanted ünd -")
        #expect(
            events("1-0\nreleased a 0 77 why not")?.first
                == JobEvent(
                    kind: .released, id: "a", seq: EventID("1-0")!, attempt: 0, runAt: 77, reason: "why not"))
        #expect(events("1-0\nreleased a 0 -")?.first?.runAt == nil)
    }

    @Test(arguments: EventKind.allCases) func everyKindIsKnown(_ kind: EventKind) {
        #expect(events("1-0\n\(kind.rawValue) a 0")?.first?.kind == kind)
    }

    @Test(arguments: [
        "", "\n", "1-0", "1-0\n", "1\nclaimed a 1", "x-0\nclaimed a 1", "-\nclaimed a 1", "1-0\nclaimed",
        "1-0\nclaimed a",
        "1-0\nclaimed a ", "1-0\nclaimed a x", "1-0\nclaimed a -1", "1-0\nclaimed  1", "1-0\nclaimed a/b 1",
        "1-0\n claimed a 1", "1-0\nhugged a 1", "1-0\nCLAIMED a 1", "1-0\nclaimed a 1\n",
        "1-1\nclaimed a 1\n\nclaimed b 1",
        "1-0\nclaimed a 1\nclaimed b 1", "1-0\nclaimed a 1 ", "1-0\nclaimed a 1 x", "1-0\nclaimed a 1 - ",
        "1-0\nclaimed a 1 12345678901234567", "1-0\nclaimed a 1234567890", "1234567890123456789-0\nclaimed a 1",
        "{\"event\":\"completed\",\"queue\":\"email\"}", "1-0\r\nclaimed a 1\r\n",
    ])
    func whatIsNotOfThisFormIsNothing(_ message: String) {
        #expect(events(message) == nil)
    }

    @Test func anyBytesDoNoHarm() {
        for length in 0..<40 {
            let noise = (0..<length).map { UInt8(truncatingIfNeeded: 200 &+ $0 &* 37) }
            #expect(noise.withUnsafeBytes { EventText.events(message: $0) } == nil)
            let text = Array("9-99\nclaimed ".utf8) + noise + Array(" 1".utf8)
            #expect(text.withUnsafeBytes { EventText.events(message: $0) } == nil)
        }
        let reason = Array("9-99\ncancelled a 1 - ".utf8) + [0xff, 0xfe]
        #expect(reason.withUnsafeBytes { EventText.events(message: $0) }?.first?.reason == "\u{fffd}\u{fffd}")
    }
}
