// Patterns of names: what is one, and what it matches, against a second and simpler matcher.

import Testing
import Wire

@Suite struct GlobTests {
    @Test(arguments: [
        "*", "?", "a", "email", "report.*", "*-eu", "a?c", "A9_.-", ".x", "-x", String(repeating: "*", count: 64),
    ])
    func aPatternIsMadeOfWhatNamesAreMadeOfAndTwoSigns(_ pattern: String) {
        #expect(Glob(pattern)?.pattern == pattern)
        #expect(Glob(pattern)?.description == pattern)
    }

    @Test(arguments: [
        "", "a b", "a/b", "a:b", "[ab]", "{a,b}", "a\\*", "\u{E9}", "a\u{0}", "a\n", String(repeating: "a", count: 65),
    ])
    func whatIsNoneIsRefused(_ pattern: String) {
        #expect(Glob(pattern) == nil)
    }

    @Test(arguments: [
        ("*", ["", "a", "email.eu-1"], []), ("email", ["email"], ["", "emai", "emails", "Email", "xemail"]),
        ("report.*", ["report.", "report.daily", "report.a.b"], ["report", "reportxdaily", "areport.x"]),
        ("*.eu", [".eu", "mail.eu", "mail.eu.eu"], ["eu", "mail.eu1", "mail.euu"]),
        ("a?c", ["abc", "a.c", "a?c"], ["ac", "abbc", "abcd"]), ("?", ["a"], ["", "ab"]), ("?*", ["a", "ab"], [""]),
        ("**", ["", "a"], []), ("a*b*c", ["abc", "aXbYc", "abbbcc"], ["ab", "acb", "abcd"]),
        ("*a*", ["a", "xax", "aa"], ["", "xyz"]), ("*aab", ["aab", "aaab", "aabaab"], ["aaba", "ab"]),
        ("a.b", ["a.b"], ["axb"]), ("??*??", ["abcd", "abcde"], ["abc"]),
    ])
    func aPatternMatchesWholeNames(_ pattern: String, _ matched: [String], _ others: [String]) {
        let glob = Glob(pattern)!
        for name in matched { #expect(glob.matches(name), "\(pattern) \(name)") }
        for name in others { #expect(!glob.matches(name), "\(pattern) \(name)") }
    }

    @Test func itIsExactWithoutTheTwoSigns() {
        #expect(Glob("email.eu-1")!.isExact)
        #expect(!Glob("email*")!.isExact && !Glob("e?ail")!.isExact && !Glob.all.isExact)
    }

    @Test func everyShortPatternAgreesWithARecursiveMatcher() {
        func words(_ letters: String, upTo length: Int) -> [String] {
            (1...length).reduce(into: [[""]]) { words, _ in
                words.append(words.last!.flatMap { word in letters.map { word + String($0) } })
            }.flatMap { $0 }
        }
        func matches(_ pattern: Substring, _ name: Substring) -> Bool {
            guard let first = pattern.first else { return name.isEmpty }
            if first == "*" {
                return matches(pattern.dropFirst(), name) || !name.isEmpty && matches(pattern, name.dropFirst())
            }
            guard let letter = name.first, first == "?" || first == letter else { return false }
            return matches(pattern.dropFirst(), name.dropFirst())
        }
        let names = words("ab", upTo: 5)
        var differences: [String] = []
        for pattern in words("ab*?", upTo: 4) where !pattern.isEmpty {
            let glob = Glob(pattern)!
            let matcher = GlobMatcher(glob)
            for name in names {
                let isRight = matches(pattern[...], name[...])
                if glob.matches(name) != isRight { differences.append("\(pattern) \(name)") }
                if matcher.matches(name) != isRight { differences.append("\(pattern) \(name), by the matcher") }
            }
        }
        #expect(differences == [])
    }

    /// 32 stars before a letter that never comes: what goes back to every star takes longer than the test may.
    @Test(.timeLimit(.minutes(1))) func aMaliciousPatternTakesNoLonger() {
        let glob = Glob(String(repeating: "*a", count: 31) + "b")!
        let name = String(repeating: "a", count: 64)
        for _ in 0..<1000 { #expect(!glob.matches(name)) }
    }

    @Test func theMatcherAgreesOnLongNames() {
        var random = SeededGenerator(seed: 11)
        let letters = Array("ab-._zZ09?*")
        func word(_ length: Int, of letters: ArraySlice<Character>) -> String {
            String((0..<length).map { _ in letters.randomElement(using: &random)! })
        }
        var differences: [String] = []
        var matched = 0
        for _ in 0..<20_000 {
            let name = word(Int.random(in: 1...64, using: &random), of: letters[..<3])
            var pattern = Array(name)
            for _ in 0..<Int.random(in: 0...6, using: &random) where !pattern.isEmpty {
                let start = Int.random(in: 0..<pattern.count, using: &random)
                let end = Int.random(in: start...min(pattern.count, start + 8), using: &random)
                pattern.replaceSubrange(start..<end, with: word(1, of: letters[...]))
            }
            guard let glob = Glob(String(pattern)) else { continue }
            let isRight = glob.matches(name)
            if isRight { matched += 1 }
            if GlobMatcher(glob).matches(name) != isRight { differences.append("\(glob) \(name)") }
        }
        #expect(differences == [])
        #expect(matched > 1000)
    }

    @Test func theMatcherKnowsTheLongestPatterns() {
        let name = String(repeating: "a", count: 64)
        for (pattern, isRight) in [
            (name, true), (String(name.dropLast()), false), (name.dropLast() + "b", false),
            (name.dropLast() + "*", true),
            (name.dropLast() + "?", true), (String(repeating: "?", count: 64), true),
            (String(repeating: "*", count: 64), true),
        ] {
            #expect(GlobMatcher(Glob(pattern)!).matches(name) == isRight, "\(pattern)")
        }
        #expect(!GlobMatcher(Glob(name)!).matches(name + "a"))
    }
}
