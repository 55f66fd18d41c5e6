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

    /// Begins a family.
    mutating func family(_ metric: Metric) {
        add("# HELP \(metric.name) ")
        Self.escape(metric.help, quotes: false, into: &bytes)
        add("\n# TYPE \(metric.name) \(metric.kind.rawValue)\n")
    }

    /// A family of one sample.
    mutating func single(_ metric: Metric, _ value: some BinaryInteger) {
        family(metric)
        sample(metric, [], value)
    }

    mutating func sample(_ metric: Metric, _ values: [String], _ value: some BinaryInteger) {
        line(metric, "", Self.labels(metric, values), "\(value)")
    }

    mutating func sample(_ metric: Metric, _ values: [String], microseconds: UInt64) {
        line(metric, "", Self.labels(metric, values), Self.seconds(microseconds))
    }

    /// The lines of one histogram: its classes, each with those below it, then sum and count.
    mutating func histogram(_ metric: Metric, _ values: [String], _ histogram: Histogram) {
        let labels = Self.labels(metric, values)
        let before = labels.isEmpty ? labels : labels + [0x2C]
        var count: UInt64 = 0
        for (bound, inClass) in zip(histogram.scale.bounds, histogram.counts) {
            count += inClass
            line(metric, "_bucket", before + Array("le=\"\(Self.seconds(bound))\"".utf8), "\(count)")
        }
        let all = "\(histogram.count)"
        line(metric, "_bucket", before + Array("le=\"+Inf\"".utf8), all)
        line(metric, "_sum", labels, Self.seconds(histogram.sumUs))
        line(metric, "_count", labels, all)
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

    /// `name="value",name="value"`
    private static func labels(_ metric: Metric, _ values: [String]) -> [UInt8] {
        precondition(metric.labels.count == values.count, "\(metric.name) has other labels")
        var bytes: [UInt8] = []
        for (name, value) in zip(metric.labels, values) {
            if !bytes.isEmpty { bytes.append(0x2C) }
            bytes.append(contentsOf: name.utf8)
            bytes.append(contentsOf: "=\"".utf8)
            escape(value, quotes: true, into: &bytes)
            bytes.append(0x22)
        }
        return bytes
    }

    private mutating func line(_ metric: Metric, _ suffix: String, _ labels: [UInt8], _ value: String) {
        add(metric.name)
        add(suffix)
        if !labels.isEmpty {
            bytes.append(0x7B)
            bytes.append(contentsOf: labels)
            bytes.append(0x7D)
        }
        bytes.append(0x20)
        add(value)
        bytes.append(0x0A)
    }

    private mutating func add(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// Backslash and line feed are escaped everywhere, quotes in the values of labels.
    private static func escape(_ text: String, quotes: Bool, into bytes: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case 0x5C: bytes.append(contentsOf: [0x5C, 0x5C])
            case 0x0A: bytes.append(contentsOf: [0x5C, 0x6E])
            case 0x22 where quotes: bytes.append(contentsOf: [0x5C, 0x22])
            default: bytes.append(byte)
            }
        }
    }
}
