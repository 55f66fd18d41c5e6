// "Did you mean …?": the known name that is nearest to a misspelt one.
//
// The distance is the "optimal string alignment" of two words: what a slip of the finger makes counts as one. Names are
// few and short, so the plain quadratic table will do.

/// The closest of the known names, or nil when none is close enough to be what was meant.
///
/// Distance counts mistakes of typing, without regard to case, at most a third of the name's length, at least 1.
package func closestName(to name: String, among known: [String]) -> String? {
    let distances = known.map { (name: $0, distance: editDistance(name.lowercased(), $0.lowercased())) }
    guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(1, min(name.count, best.name.count) / 3) ? best.name : nil
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one text to the other.
private func editDistance(_ from: String, _ to: String) -> Int {
    let source = Array(from)
    let target = Array(to)
    var rows = [Array(0...target.count)]
    for i in source.indices {
        var row = [i + 1]
        for j in target.indices {
            let replaced = rows[i][j] + (source[i] == target[j] ? 0 : 1)
            var best = min(replaced, rows[i][j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, source[i] == target[j - 1], source[i - 1] == target[j] {
                best = min(best, rows[i - 1][j - 1] + 1)
            }
            row.append(best)
        }
        rows.append(row)
    }
    return rows[source.count][target.count]
}
