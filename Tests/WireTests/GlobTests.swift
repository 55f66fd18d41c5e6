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
            for name in names where glob.matches(name) != matches(pattern[...], name[...]) {
                differences.append("\(pattern) \(name)")
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
}
