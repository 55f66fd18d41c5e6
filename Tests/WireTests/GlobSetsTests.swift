// Patterns compared with each other, against the names that they match: all short ones, one by one.

import Testing
import Wire

@Suite struct GlobSetsTests {
    /// All words of these letters up to a length, without the empty one.
    private static func words(_ letters: String, upTo length: Int) -> [String] {
        var all: [String] = []
        var last = [""]
        for _ in 0..<length {
            last = last.flatMap { word in letters.map { word + String($0) } }
            all += last
        }
        return all
    }

    /// A letter that no pattern has stands for all others.
    private static let names = words("abc", upTo: 6)
    private static let patterns = words("ab*?", upTo: 3).map { pattern in
        let glob = Glob(pattern)!
        return (glob: glob, names: Set(names.indices.filter { glob.matches(names[$0]) }))
    }

    @Test func patternsOverlapWhenSomeNameMatchesBoth() {
        for a in Self.patterns {
            for b in Self.patterns where a.glob.overlaps(b.glob) == a.names.isDisjoint(with: b.names) {
                Issue.record("\(a.glob) \(b.glob)")
            }
        }
    }

    @Test func aPatternThatCoversAnotherMatchesAllItsNames() {
        for a in Self.patterns {
            for b in Self.patterns where a.glob.covers(b.glob) && !a.names.isSuperset(of: b.names) {
                Issue.record("\(a.glob) \(b.glob)")
            }
        }
    }

    /// With `?` it may say no: that `??*` has all names of `*ab` takes counting.
    @Test func aPatternWithoutQuestionMarksCoversWhateverItMatchesAllNamesOf() {
        for a in Self.patterns where !a.glob.pattern.contains("?") {
            for b in Self.patterns where a.names.isSuperset(of: b.names) && !a.glob.covers(b.glob) {
                Issue.record("\(a.glob) \(b.glob)")
            }
        }
    }

    @Test(arguments: [("a?c", "a?c"), ("a?c", "abc"), ("?*", "*?"), ("*?", "ab*"), ("a*", "a?b*"), ("*", "?")])
    func aPatternCoversItsLikeAndWhatIsNarrower(_ wide: String, _ narrow: String) {
        #expect(Glob(wide)!.covers(Glob(narrow)!))
    }

    @Test func longPatternsAreComparedInTime() {
        let a = Glob(String(repeating: "*a", count: 32))!
        let b = Glob(String(repeating: "*b", count: 32))!
        #expect(!a.overlaps(b) && !a.covers(b))
        #expect(a.overlaps(Glob(String(repeating: "a*", count: 32))!))
        #expect(a.covers(a) && Glob.all.covers(a) && !a.covers(.all))
    }

    @Test(arguments: [
        "mailer.service", "user@1000.service", "run-u*.scope", #"dev-disk-by\x2dlabel.device"#, "a:b.service",
    ])
    func patternsOfUnitsMayHaveWhatNamesOfUnitsHave(_ pattern: String) {
        #expect(Glob(unit: pattern)?.pattern == pattern)
    }

    @Test(arguments: ["", "a b", "a/b", "a,b", "\u{E9}", String(repeating: "a", count: 256)])
    func whatIsNoPatternOfUnitsIsRefused(_ pattern: String) {
        #expect(Glob(unit: pattern) == nil)
    }
}
