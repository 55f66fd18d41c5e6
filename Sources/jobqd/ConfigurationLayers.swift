// The layers of the configuration, one over the other, and where each value came from.
//
// Every value is checked when its layer is added, also one that a higher layer hides: a mistake in a file must not
// lie in wait until an option is dropped. Problems are collected, not thrown.

import Glibc
import Wire

/// Where a value was written.
enum ConfigurationOrigin: Sendable, Equatable {
    case builtIn
    case file(path: String, line: Int)
    case environment(String)
    case commandLine

    /// A higher rank hides a lower one.
    var rank: Int {
        switch self {
        case .builtIn: 0
        case .file: 1
        case .environment: 2
        case .commandLine: 3
        }
    }
}

/// One thing that is wrong, as a line for the user.
struct ConfigurationProblem: Equatable {
    let message: String
    /// The command line is at fault (status 64), not a file or the environment (78).
    let isUsage: Bool
}

/// The layers while they are gathered.
struct ConfigurationLayers {
    struct Assigned: Equatable {
        var value: SettingValue
        var origin: ConfigurationOrigin
    }

    private(set) var problems: [ConfigurationProblem] = []
    /// Files that were there, in the order of reading.
    private(set) var filesRead: [String] = []
    /// By rank, then by option.
    private var assigned: [[String: Assigned]] = Array(repeating: [:], count: 4)
    /// The values of lists, in the order they were read.
    private(set) var listed: [(setting: Setting, assigned: Assigned)] = []

    /// The value that counts, or nil when nothing set it. Not of a list.
    func effective(_ setting: Setting) -> Assigned? {
        assigned.reversed().lazy.compactMap { $0[setting.option] }.first
    }

    /// The settings put together. Meaningful when there is no problem.
    var configuration: Configuration {
        var result = Configuration()
        for setting in Setting.all {
            if let found = effective(setting) { assign(setting, found, to: &result) }
        }
        for (setting, found) in listed { assign(setting, found, to: &result) }
        return result
    }

    private func assign(_ setting: Setting, _ found: Assigned, to result: inout Configuration) {
        setting.assign(&result, found.value)
        result.settings[setting.changeName, default: []].append(found.value)
    }

    mutating func addBuiltIn() {
        for setting in Setting.all {
            if let text = setting.standard { set(setting, text, .builtIn, name: setting.option, bareUnitMs: 1000) }
        }
    }

    /// An empty variable counts as one that is not set.
    mutating func add(environment: [String: String]) {
        for setting in Setting.all {
            let found = setting.environment.lazy.compactMap { name in
                environment[name].flatMap { $0.isEmpty ? nil : (name, $0) }
            }.first
            guard let (name, value) = found else { continue }
            // systemd.exec(5): with several directories in StateDirectory= the variable has them all, with colons.
            let text = name == "STATE_DIRECTORY" ? String(value.prefix { $0 != ":" }) : value
            set(setting, text, .environment(name), name: name, bareUnitMs: 1)
        }
    }

    mutating func add(_ commandLine: CommandLineLayer) {
        problems += commandLine.problems.map { .init(message: "jobqd: \($0)", isUsage: true) }
        for (setting, text) in commandLine.values {
            set(setting, text, .commandLine, name: "--\(setting.option)", bareUnitMs: 1)
        }
    }

    /// The main file and its drop-ins. That the default file is missing is no error.
    /// - Parameter defaultFile: for tests, instead of the table's.
    mutating func addFiles(defaultFile: String? = nil) {
        guard let setting = Setting.named(Setting.configFileOption), let main = effective(setting) else { return }
        let isDefault = main.origin == .builtIn
        let (named, isOptional) = Setting.optionalFile(main.value.text)
        let path = isDefault ? defaultFile ?? named : named
        addFile(path, mayBeMissing: isDefault || isOptional)
        do {
            for dropIn in try ConfigurationFiles.dropIns("\(path).d") { addFile(dropIn, mayBeMissing: false) }
        } catch {
            fail("\(path).d: \(error.reason)")
        }
    }

    private mutating func addFile(_ path: String, mayBeMissing: Bool) {
        do {
            let file = ConfigurationFile(bytes: try ConfigurationFiles.read(path)) { section, key in
                Setting.all.contains { $0.section == section && $0.key == key && $0.type.isList }
            }
            filesRead.append(path)
            for error in file.errors { fail("\(path):\(error.line): \(error.message)") }
            for entry in file.entries { add(entry, path) }
        } catch {
            if !(error.isMissing && mayBeMissing) { fail("\(path): \(error.reason)") }
        }
    }

    private mutating func add(_ entry: ConfigurationEntry, _ path: String) {
        let place = "\(path):\(entry.line)"
        let inSection = Setting.all.filter { $0.section == entry.section }
        guard !inSection.isEmpty else {
            let sections = Setting.all.compactMap(\.section)
            let hint = closestName(to: entry.section, among: sections).map { " (did you mean [\($0)]?)" } ?? ""
            return fail("\(place): unknown section [\(entry.section.printable)]\(hint)")
        }
        guard let setting = inSection.first(where: { $0.key == entry.key }) else {
            return fail("\(place): unknown key \"\(entry.key.printable)\"\(Self.hint(entry, inSection))")
        }
        let origin = ConfigurationOrigin.file(path: path, line: entry.line)
        if entry.value.isEmpty, setting.type.isList {
            listed.removeAll { $0.setting.section == setting.section }
        } else if entry.value.isEmpty {
            assigned[origin.rank][setting.option] = nil
        } else {
            set(setting, entry.value, origin, name: "\(place): \(entry.key)", bareUnitMs: 1000)
        }
    }

    /// Where the key may have been meant: the same section first, then the key's own section.
    private static func hint(_ entry: ConfigurationEntry, _ inSection: [Setting]) -> String {
        if let name = closestName(to: entry.key, among: inSection.compactMap(\.key)) {
            return " (did you mean \"\(name)\"?)"
        }
        guard let elsewhere = Setting.all.first(where: { $0.key == entry.key }), let section = elsewhere.section else {
            return ""
        }
        return " (it belongs to [\(section)])"
    }

    /// systemd puts a credential into this directory; without one there is no password file.
    mutating func addCredential(environment: [String: String]) {
        guard let setting = Setting.named("redis-password-file"), effective(setting) == nil,
            let directory = environment["CREDENTIALS_DIRECTORY"], !directory.isEmpty
        else { return }
        let path = "\(directory)/jobqd.redis-password"
        if let url = configuration.redisURL, RedisURLText.hasPassword(url) { return }
        if access(path, F_OK) == 0 {
            set(setting, path, .environment("CREDENTIALS_DIRECTORY"), name: "$CREDENTIALS_DIRECTORY", bareUnitMs: 1)
        }
    }

    /// Rules that concern more than one setting.
    mutating func checkTogether() {
        let result = configuration
        if let url = result.redisURL, RedisURLText.hasPassword(url), result.redisPasswordFile != nil {
            fail("the Redis URL has a password and a password file is set too: leave one of them out")
        }
        if result.adminSocket == result.socket {
            fail("the socket and the admin socket are the same: \(result.socket)")
        }
        if result.memoryBytes < 4 * result.lineBytes {
            fail("MemoryBytes must be at least four times LineBytes, which is \(result.lineBytes) bytes")
        }
        if let place = result.metricsListen, place == result.socket || place == result.adminSocket {
            fail("the metrics are to be served on another's socket: \(place)")
        }
    }

    private mutating func set(
        _ setting: Setting, _ text: String, _ origin: ConfigurationOrigin, name: String, bareUnitMs: Int64
    ) {
        do {
            let value = try setting.type.parse(text, bareUnitMs: bareUnitMs)
            let found = Assigned(value: value, origin: origin)
            if setting.type.isList {
                listed.append((setting, found))
            } else {
                assigned[origin.rank][setting.option] = found
            }
        } catch {
            // Not the text of a URL: a mistyped one may hold a password. What is wrong with a rule is a word of it.
            var shown = ", not \"\(text.printable)\""
            switch setting.type {
            case .redisURL, .rule: shown = ""
            default: break
            }
            problems.append(
                .init(message: "\(prefix(origin))\(name) \(error.reason)\(shown)", isUsage: origin == .commandLine))
        }
    }

    private func prefix(_ origin: ConfigurationOrigin) -> String {
        if case .file = origin { return "" }
        return "jobqd: "
    }

    private mutating func fail(_ message: String) { problems.append(.init(message: message, isUsage: false)) }
}
