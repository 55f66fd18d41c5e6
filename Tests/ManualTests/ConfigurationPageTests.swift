// jobqd.conf(5) and jobqd(8) against the daemon's table of settings, both ways: sections, keys, options, environment,
// defaults, and what a reload takes over.

import Harness
import Testing

@testable import jobqd

@Suite struct ConfigurationPageTests {
    private let page: ManualPage
    private let daemon: ManualPage

    init() throws {
        page = try ManualPage("jobqd.conf.5")
        daemon = try ManualPage("jobqd.8")
    }

    /// Items of settings, by `[Section] Key`.
    private var settings: [String: ManualPage.Item] {
        let items = page.items("Cm", in: "SETTINGS").filter { $0.depth == 1 }
        return Dictionary(
            items.map { ("\($0.subsection) \($0.names[0].name)", $0) }, uniquingKeysWith: { first, _ in first })
    }

    private static func title(_ setting: Setting) -> String? {
        guard let section = setting.section, let key = setting.key else { return nil }
        return "[\(section)] \(key)"
    }

    /// The last paragraph of a setting's item.
    private static func summary(_ setting: Setting) -> String {
        let environment = setting.environment.joined(separator: " or ")
        let standard = setting.standard.map { "default \($0)" } ?? "not set by default"
        let reload = setting.isReloadable ? "; a reload takes it over" : ""
        return "Option --\(setting.option), environment \(environment), \(standard)\(reload)."
    }

    @Test func everySettingOfAFileIsDescribedAndNoOther() {
        #expect(Set(settings.keys) == Set(Setting.all.compactMap(Self.title)))
    }

    @Test(arguments: Setting.all.filter { $0.key != nil && !$0.environment.isEmpty }.map(\.option))
    func settingNamesItsOptionEnvironmentAndDefault(option: String) throws {
        let setting = try #require(Setting.named(option))
        let item = try #require(settings[Self.title(setting) ?? ""], "\(option) is not described")
        #expect(item.body.hasSuffix("\n\n" + Self.summary(setting)), "\(item.body)")
    }

    @Test(arguments: Setting.all.filter(\.environment.isEmpty).map(\.option))
    func settingOfAFileAloneSaysSo(option: String) throws {
        let setting = try #require(Setting.named(option))
        let item = try #require(settings[Self.title(setting) ?? ""], "\(option) is not described")
        let reload = setting.isReloadable ? "; a reload takes it over" : ""
        #expect(item.body.contains("\n\nOnly in a file\(reload)"))
    }

    @Test func everyOptionIsInTheDaemonsPageAndNoOther() {
        let expected =
            Setting.all.filter { !$0.environment.isEmpty }.map(\.option) + CommandLineLayer.actions.map(\.option)
        let options = daemon.names("Fl").filter { $0 != "h" }.map { String($0.dropFirst()) }
        #expect(options.sorted() == expected.sorted())
    }

    @Test func everyVariableIsInTheDaemonsPageAndNoOther() {
        let ours = Set(
            daemon.names("Ev", in: "ENVIRONMENT").filter { $0.hasPrefix("JOBQD_") || $0 == "STATE_DIRECTORY" })
        #expect(ours == Set(Setting.all.flatMap(\.environment)))
    }

    @Test func everyExitStatusIsInTheDaemonsPageAndNoOther() {
        let statuses = [
            0, Configuration.usageError, Configuration.configurationError, ExitCode.unavailable, ExitCode.osError,
            ExitCode.noProgram, ExitCode.cannotCreate, ExitCode.socketsLost,
        ]
        #expect(daemon.items("", in: "EXIT STATUS").map { $0.names[0].name } == statuses.sorted().map { "\($0)" })
    }
}
