// "Did you mean …?": the known name that is nearest to a misspelt one.
//
// The distance is the "optimal string alignment" of two words: what a slip of the finger makes counts as one. Names are
// short, so the plain quadratic table will do.

/// The closest of the known names, or nil when none is close enough to be what was meant.
package func closestName(to name: String, among known: some Sequence<String>) -> String? {
    nearestName(to: name, among: known)?.name
}

/// The closest of the known names that are close enough to be meant, and how far it is; nil: none is.
///
/// Distance counts mistakes of typing, without regard to case, at most a third of the known name's length, at least 1. The
/// beginning of a name, three letters or more, is close to it however long the rest.
package func nearestName(to text: String, among known: some Sequence<String>) -> (name: String, distance: Int)? {
    guard text.utf8.count <= 64 else { return nil }
    let given = Array(text.lowercased().utf8)
    var best: (name: String, distance: Int)?
    for name in known {
        let letters = Array(name.lowercased().utf8)
        let isBeginning = given.count >= 3 && letters.starts(with: given)
        // Each letter more or less is one step.
        let most = max(1, letters.count / 3)
        guard isBeginning || abs(letters.count - given.count) <= most else { continue }
        let distance = isBeginning ? 1 : editDistance(given, letters)
        if distance <= most, distance < best?.distance ?? .max { best = (name, distance) }
    }
    return best
}

/// How many letters must be put in, left out, replaced or swapped with their neighbour (optimal string alignment).
private func editDistance(_ first: [UInt8], _ second: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...second.count)
    for row in 0..<first.count {
        var current = [row + 1]
        for column in 0..<second.count {
            let replaced = last[column] + (first[row] == second[column] ? 0 : 1)
            var cost = min(replaced, last[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, first[row] == second[column - 1], first[row - 1] == second[column] {
                cost = min(cost, beforeLast[column - 1] + 1)
            }
            current.append(cost)
        }
        beforeLast = last
        last = current
    }
    return last[second.count]
}
