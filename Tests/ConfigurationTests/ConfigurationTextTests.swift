// --help, --version, --check-config, --dump-config, and that the table is whole.

import Testing

@testable import jobqd

struct ConfigurationTextTests {
    @Test func dumpReadBackGivesTheSameConfiguration() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("[Limits]\nLineBytes=1500\n[Redis]\nRequestTimeoutSec=1min 30s\nUrl=unix:///r\n")
        let arguments = ["--admin-socket", "/a", "--socket-group=mail", "--request-timeout-ms", "2500"]
        let before = try sandbox.configuration(arguments)
        let dump = try sandbox.printed(arguments + ["--dump-config"])
        try sandbox.write(dump)
        #expect(try sandbox.configuration() == before)
    }

    @Test func dumpNamesTheOriginOfEachValue() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("[Limits]\nInFlight=5\n")
        let dump = try sandbox.printed(
            ["--dump-config", "--socket", "/s"], environment: ["JOBQD_LOG_LEVEL": "error"])
        #expect(dump.contains("# command line\nSocket=/s\n"))
        #expect(dump.contains("# \(sandbox.mainFile):2\nInFlight=5\n"))
        #expect(dump.contains("# environment: JOBQD_LOG_LEVEL\nLevel=error\n"))
        #expect(dump.contains("# default\nLineBytes=1M\n"))
        #expect(dump.contains("# not set\n#AdminSocket=\n"))
    }

    @Test func checkNamesWhatWasRead() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("")
        try sandbox.write("", to: "jobqd.conf.d/1.conf")
        let report = try sandbox.printed(["--check-config"])
        #expect(report == "the configuration is valid; read \(sandbox.mainFile), \(sandbox.mainFile).d/1.conf\n")
    }

    @Test func helpAndVersionWorkBesideAnyMistake() {
        let version = Configuration.load(arguments: ["--version", "--nonsense"], environment: [:])
        #expect(version == .print("jobqd \(Configuration.version)\n", exitCode: 0))
        guard case .print(let help, exitCode: 0) = Configuration.load(arguments: ["stray", "-h"], environment: [:])
        else {
            Issue.record("no help")
            return
        }
        for setting in Setting.all {
            let name = setting.isOption ? "--\(setting.option) " : "[\(setting.section!)] \(setting.key!)="
            #expect(help.contains("\(name)\(setting.placeholder)\n"))
        }
        #expect(help.split(separator: "\n").allSatisfy { $0.count <= 110 })
    }

    @Test func tableHasEachNameOnceAndDocumentsEverything() {
        let settings = Setting.all
        #expect(Set(settings.map(\.option)).count == settings.count)
        #expect(Set(settings.flatMap(\.environment)).count == settings.flatMap(\.environment).count)
        let keys = settings.compactMap(\.key)
        #expect(Set(keys).count == keys.count)
        for setting in settings {
            #expect(!setting.documentation.isEmpty)
            #expect(setting.isOption == (setting.environment.first?.hasPrefix("JOBQD_") ?? false))
            #expect((setting.key == nil) == (setting.option == Setting.configFileOption))
        }
    }

    @Test func defaultsAreValidValues() {
        var layers = ConfigurationLayers()
        layers.addBuiltIn()
        #expect(layers.problems.isEmpty)
    }
}

struct DurationTextTests {
    @Test(arguments: [
        ("5", 5000), ("0.25", 250), ("500ms", 500), ("5s", 5000), ("1min 30s", 90_000), ("1h1ms", 3_600_001),
        ("1.5h", 5_400_000), ("0s", 0),
    ])
    func timesAreReadInTheirUnits(text: String, milliseconds: Int64) {
        #expect(DurationText.parse(text, bareUnitMs: 1000) == milliseconds)
    }

    @Test(arguments: [
        "", " ", "s", "5 s", "-1", "+1", "1.", ".5", "0.5ms", "1e3", "5d", "5S", "1,5s", "9223372036854775807h",
        "9223372036854775807ms 1ms", "٣s",
    ])
    func whatIsNoTimeInWholeMillisecondsIsRefused(text: String) {
        #expect(DurationText.parse(text, bareUnitMs: 1000) == nil)
    }

    @Test(arguments: [0, 1, 999, 1000, 90_000, 3_600_000, 3_600_001])
    func writtenTimeIsReadBack(milliseconds: Int64) {
        let text = DurationText.format(milliseconds)
        #expect(DurationText.parse(text, bareUnitMs: 1000) == milliseconds)
    }
}
