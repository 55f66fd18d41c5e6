// The metrics in jobqd(8) against the daemon's table, both ways, in its order and with its words.

import Broker
import Harness
import Testing

@Suite struct MetricsPageTests {
    @Test func everyMetricIsDescribedAndNoOther() throws {
        let items = try ManualPage("jobqd.8").items("Li", in: "THE SERVICE")
        let described = items.map { "\($0.names[0].name) (\($0.note)): \($0.body)" }
        let expected = Metric.all.map { metric in
            let labels = metric.labels.isEmpty ? "" : "; " + metric.labels.joined(separator: ", ")
            return "\(metric.name) (\(metric.kind.rawValue)\(labels)): \(metric.help)"
        }
        #expect(described == expected)
    }
}
