// The examples for monitoring: promtool accepts them, the alerts fire when they should, and they use only what exists.

import Broker
import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(1))) struct MonitoringExampleTests {
    private static let folder = BuiltProducts.packageDirectory + "/examples/monitoring"

    private func text(_ name: String) throws -> String {
        try String(contentsOfFile: "\(Self.folder)/\(name)", encoding: .utf8)
    }

    private func promtool(_ arguments: String...) throws -> Program { try Program.run("promtool", arguments) }

    @Test func promtoolAcceptsTheRulesAndTheConfiguration() throws {
        for arguments in [["check", "rules", "jobqd.rules.yml"], ["check", "config", "prometheus.yml"]] {
            let checked = try promtool(arguments[0], arguments[1], "\(Self.folder)/\(arguments[2])")
            #expect(checked.status == 0, "\(checked.output)\(checked.errors)")
        }
    }

    @Test func everyAlertFiresWhenItShouldAndNotOtherwise() throws {
        let tested = try promtool("test", "rules", "\(Self.folder)/jobqd.rules.test.yml")
        #expect(tested.status == 0, "\(tested.output)\(tested.errors)")
        let alerts = try text("jobqd.rules.yml").matches(of: #/- alert: (\w+)/#).map { String($0.1) }
        let tests = try text("jobqd.rules.test.yml")
        #expect(alerts.count == Set(alerts).count && alerts.count >= 10)
        for alert in alerts {
            let cases = tests.components(separatedBy: "alertname: \(alert)\n").dropFirst()
            let silent = cases.count { $0.hasPrefix("        exp_alerts: []\n") }
            #expect(silent >= 1 && cases.count > silent, "\(alert)")
        }
    }

    @Test func aWrongExpectationWouldBeNoticed() throws {
        let folder = try TemporaryDirectory()
        try folder.write(text("jobqd.rules.yml"), to: "jobqd.rules.yml")
        let changed = try text("jobqd.rules.test.yml").replacingOccurrences(of: "[]", with: "[{exp_labels: {a: b}}]")
        #expect(try promtool("test", "rules", folder.write(changed, to: "changed.yml")).status != 0)
    }

    @Test(arguments: ["jobqd.rules.yml", "jobqd.rules.test.yml", "dashboard.json", "prometheus.yml", "README.md"])
    func onlyMetricsThatExistAreUsed(file: String) throws {
        var known = Set(Metric.all.map(\.name))
        for metric in Metric.all where metric.kind == .histogram {
            for suffix in ["_bucket", "_sum", "_count"] { known.insert(metric.name + suffix) }
        }
        let used = try text(file).matches(of: #/\b(?:jobqd|process)_[a-z_]*[a-z]\b/#).map { String($0.0) }
        for name in used { #expect(known.contains(name), "\(name)") }
        if file.contains("rules") || file.hasSuffix("json") { #expect(Set(used).count >= 10) }
    }

    @Test func everyQueryOfTheDashboardIsValidAndNamesItsSource() throws {
        let dashboard = try JSON(parsing: text("dashboard.json").utf8)
        let panels = dashboard["panels"].array
        #expect(Set(panels.compactMap { $0["id"].int }).count == panels.count && panels.count > 15)
        var rules = "groups:\n  - name: dashboard\n    rules:\n"
        var queries = 0
        for panel in panels where panel["type"] != "row" {
            #expect(panel["datasource"]["uid"] == "${datasource}")
            #expect(panel["gridPos"]["x"].int! + panel["gridPos"]["w"].int! <= 24)
            #expect(!panel["targets"].array.isEmpty, "\(panel["title"])")
            for target in panel["targets"].array {
                // As Grafana would fill it in.
                let query = target["expr"].string!.replacingOccurrences(of: "$__rate_interval", with: "1m")
                    .replacingOccurrences(of: "$job", with: ".+").replacingOccurrences(of: "$queue", with: ".+")
                #expect(!query.contains("$"), "\(query)")
                rules += "      - record: dashboard:query:\(queries)\n        expr: '\(query)'\n"
                queries += 1
            }
        }
        let folder = try TemporaryDirectory()
        let checked = try promtool("check", "rules", folder.write(rules, to: "queries.yml"))
        #expect(
            checked.status == 0 && checked.output.contains("\(queries) rules found"),
            "\(checked.output)\(checked.errors)")
    }
}
