// The text of an event's place in the log, and the order of such places.

import Testing
import Wire

@Suite struct EventIDTests {
    @Test(arguments: [
        ("1763680000123-0", 1_763_680_000_123, 0), ("1763680000123-456007", 1_763_680_000_123, 456_007), ("0-0", 0, 0),
        ("0-1", 0, 1), ("5", 5, 0), ("007-08", 7, 8),
        ("999999999999999999-999999999999999999", 999_999_999_999_999_999, 999_999_999_999_999_999),
    ])
    func anIDIsReadFromItsText(_ text: String, _ milliseconds: UInt64, _ number: UInt64) {
        #expect(EventID(text) == EventID(milliseconds: milliseconds, number: number))
    }

    @Test(arguments: [
        "", "-", "5-", "-5", "5-5-5", "5--5", "a", "5-a", "a-5", " 5-5", "5-5 ", "5 -5", "+5-5", "5-+5", "-5-5",
        "0x5-1",
        "5.0-1", "5_0-1", "$", "+", "*", "5-*", "\u{665}-1", "1000000000000000000-0", "0-1000000000000000000",
        "99999999999999999999-0", "5-5\n", "5\u{0}-5",
    ])
    func whatIsNoneIsRefused(_ text: String) {
        #expect(EventID(text) == nil)
    }

    @Test func theTextOfAnIDIsReadAsTheSame() {
        for id in [
            EventID.zero, EventID(milliseconds: 1, number: 2),
            EventID(milliseconds: 1_763_680_000_123, number: 999_999),
        ] {
            #expect(EventID(id.description) == id)
        }
        #expect(EventID(milliseconds: 12, number: 3).description == "12-3")
    }

    @Test func aSubstringWillDo() {
        #expect(EventID("12-3 email/1".split(separator: " ")[0]) == EventID(milliseconds: 12, number: 3))
    }

    @Test func idsAreOrderedByTimeAndThenByNumber() {
        let ascending = ["0-0", "0-1", "1-0", "1-9", "1-10", "2-0", "10-0", "1763680000123-1"].map { EventID($0)! }
        #expect(ascending.reversed().sorted() == ascending)
        for (index, id) in ascending.enumerated() {
            for later in ascending[(index + 1)...] {
                #expect(id < later && !(later < id))
            }
            #expect(!(id < id))
        }
        #expect(EventID.zero == EventID("0")!)
    }
}
