// How a pattern with stars is held against a text: the one walk behind all patterns, whatever their characters are.

/// Whether a pattern takes in the whole text. Never more than O(pattern · text) steps, whatever the pattern.
///
/// A star takes in any run of the text. On a mismatch the last one takes in one element more; earlier ones need no
/// second look.
/// - Parameters:
///   - pattern: an array or a buffer, as is the text: its first index is 0.
///   - isStar: whether an element of the pattern is a star.
///   - takes: whether an element of the pattern, which is no star, takes in one of the text.
public func starWalk<Pattern: RandomAccessCollection<Element>, Text: RandomAccessCollection<Element>, Element>(
    _ pattern: Pattern, over text: Text, isStar: (Element) -> Bool, takes: (Element, Element) -> Bool
) -> Bool where Pattern.Index == Int, Text.Index == Int {
    var (p, t) = (0, 0)
    // Where the last star stands, and how far it reaches.
    var (star, reach) = (-1, 0)
    while t < text.count {
        if p < pattern.count, isStar(pattern[p]) {
            (star, reach) = (p, t)
            p += 1
        } else if p < pattern.count, takes(pattern[p], text[t]) {
            p += 1
            t += 1
        } else if star >= 0 {
            reach += 1
            (p, t) = (star + 1, reach)
        } else {
            return false
        }
    }
    return pattern[p...].allSatisfy(isStar)
}
