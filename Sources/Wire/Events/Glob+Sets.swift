// Patterns compared with each other: which names they share, and whether one has all the names of another.
//
// For rules about who may do what, where a request itself may be a pattern. An answer may err on the strict side only:
// `covers` says no where it cannot tell.

extension Glob {
    /// Whether some name matches both patterns. O(pattern · pattern).
    public func overlaps(_ other: Glob) -> Bool {
        let a = Array(pattern.utf8)
        let b = Array(other.pattern.utf8)
        // reach[j]: the rest of `a` and the rest of `b` from j on have a name in common; from the ends to the front.
        var reach = [Bool](repeating: false, count: b.count + 1)
        for i in stride(from: a.count, through: 0, by: -1) {
            let below = reach
            for j in stride(from: b.count, through: 0, by: -1) {
                if i < a.count, a[i] == Self.star {
                    reach[j] = below[j] || (j < b.count && reach[j + 1])
                } else if j < b.count, b[j] == Self.star {
                    reach[j] = reach[j + 1] || (i < a.count && below[j])
                } else if i < a.count, j < b.count {
                    reach[j] = below[j + 1] && (a[i] == b[j] || a[i] == Self.one || b[j] == Self.one)
                } else {
                    reach[j] = i == a.count && j == b.count
                }
            }
        }
        return reach[0]
    }

    /// Whether every name that matches `other` matches this pattern too.
    ///
    /// The other pattern is read as if it were a name whose `*` only a `*` of ours can take in, and whose `?` only a `*`
    /// or a `?`. Runs of both are put in one order first, since `*?` and `?*` mean the same.
    public func covers(_ other: Glob) -> Bool {
        starWalk(
            Self.ordered(pattern), over: Self.ordered(other.pattern), isStar: { $0 == Self.star },
            takes: { $1 != Self.star && ($0 == Self.one || $0 == $1) })
    }

    /// The pattern with each run of `*` and `?` as its `?` first and then one `*`, if it had any.
    private static func ordered(_ pattern: String) -> [UInt8] {
        var result: [UInt8] = []
        var hasStar = false
        for byte in pattern.utf8 {
            if byte == star {
                hasStar = true
                continue
            }
            if byte != one, hasStar {
                result.append(star)
                hasStar = false
            }
            result.append(byte)
        }
        return hasStar ? result + [star] : result
    }
}
