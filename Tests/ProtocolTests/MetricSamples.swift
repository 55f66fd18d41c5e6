// The text of the metrics read back, for tests: each sample by its name and labels as they stand there.

import Harness

/// What a daemon says of itself.
struct MetricSamples {
    let text: String
    /// `name{labels}` → value.
    private let values: [String: Double]
    /// The families, in the order in which they come.
    let families: [String]

    init(_ text: String) throws {
        self.text = text
        var values: [String: Double] = [:]
        var families: [String] = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.hasPrefix("# TYPE ") { families.append(String(words[2])) }
            if line.hasPrefix("#") { continue }
            guard words.count == 2, let value = Double(words[1]), values[String(words[0])] == nil else {
                throw HarnessError("no sample, or there twice: \(line)")
            }
            values[String(words[0])] = value
        }
        self.values = values
        self.families = families
    }

    init(of client: LineClient) throws {
        let reply = try client.call("metrics")
        guard reply["content_type"] == "text/plain; version=0.0.4; charset=utf-8", let text = reply["text"].string
        else {
            throw HarnessError("\(reply)")
        }
        try self.init(text)
    }

    subscript(_ sample: String) -> Double? { values[sample] }

    /// Whether promtool has nothing to say about it.
    func passesPromtool() throws -> Bool {
        let checked = try Program.run("promtool", ["check", "metrics"], input: text)
        guard checked.status == 0, checked.output.isEmpty, checked.errors.isEmpty else {
            throw HarnessError("promtool: \(checked.output)\(checked.errors)\n\(text)")
        }
        return true
    }
}

/// Asks until the condition holds: the text is kept for a second.
func eventualMetrics(_ client: LineClient, _ condition: (MetricSamples) throws -> Bool) throws -> MetricSamples {
    try eventualValue(within: 5, "the metrics") {
        let found = try MetricSamples(of: client)
        return try condition(found) ? found : nil
    }
}
