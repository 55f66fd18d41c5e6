// Metrics in the text format of Prometheus, version 0.0.4: a family's HELP and TYPE, then its samples, one a line.
//
// https://prometheus.io/docs/instrumenting/exposition_formats/. Times are written from whole microseconds, without a
// detour over floating point. What is measured is not here.

import Reactor

/// Writes metrics; those of one family must be written together.
struct MetricsText {
    /// What an HTTP reply calls this format.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var bytes: [UInt8] = []

    /// A label's name and value.
    typealias Label = (name: String, value: String)

    /// Begins a family.
    mutating func family(_ metric: Metric) {
        add("# HELP \(metric.name) ")
        escaped(metric.help, quotes: false)
        add("\n# TYPE \(metric.name) \(metric.kind.rawValue)\n")
    }

    /// A family of one sample.
    mutating func single(_ metric: Metric, _ value: some BinaryInteger) {
        family(metric)
        sample(metric, [], value)
    }

    mutating func sample(_ metric: Metric, _ values: [String], _ value: some BinaryInteger) {
        line(metric, "", labels(metric, values), "\(value)")
    }

    mutating func sample(_ metric: Metric, _ values: [String], microseconds: UInt64) {
        line(metric, "", labels(metric, values), Self.seconds(microseconds))
    }

    /// The lines of one histogram: its classes, each with those below it, then sum and count.
    mutating func histogram(_ metric: Metric, _ values: [String], _ histogram: Histogram) {
        let labels = labels(metric, values)
        var count: UInt64 = 0
        for (bound, inClass) in zip(histogram.scale.bounds, histogram.counts) {
            count += inClass
            line(metric, "_bucket", labels + [("le", Self.seconds(bound))], "\(count)")
        }
        let all = histogram.count
        line(metric, "_bucket", labels + [("le", "+Inf")], "\(all)")
        line(metric, "_sum", labels, Self.seconds(histogram.sumUs))
        line(metric, "_count", labels, "\(all)")
    }

    /// `1.5` of 1 500 000: decimal, no digit more than needed.
    static func seconds(_ microseconds: UInt64) -> String {
        let (whole, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        if rest == 0 { return "\(whole)" }
        var digits = String(rest)
        digits = String(repeating: "0", count: 6 - digits.count) + digits
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)"
    }

    private func labels(_ metric: Metric, _ values: [String]) -> [Label] {
        precondition(metric.labels.count == values.count, "\(metric.name) has other labels")
        return zip(metric.labels, values).map { ($0, $1) }
    }

    private mutating func line(_ metric: Metric, _ suffix: String, _ labels: [Label], _ value: String) {
        add(metric.name)
        add(suffix)
        for (index, label) in labels.enumerated() {
            add(index == 0 ? "{" : ",")
            add(label.name)
            add("=\"")
            escaped(label.value, quotes: true)
            add("\"")
        }
        add(labels.isEmpty ? " " : "} ")
        add(value)
        add("\n")
    }

    private mutating func add(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// Backslash and line feed are escaped everywhere, quotes in the values of labels.
    private mutating func escaped(_ text: String, quotes: Bool) {
        for byte in text.utf8 {
            switch byte {
            case 0x5C: add("\\\\")
            case 0x0A: add("\\n")
            case 0x22 where quotes: add("\\\"")
            default: bytes.append(byte)
            }
        }
    }
}
