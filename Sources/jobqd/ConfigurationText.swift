// What the daemon says about its configuration: --help, --check-config and --dump-config, all from the table.
//
// The dump is a file that means the same again, but for the password of a URL, which is masked.

extension Setting {
    static var helpText: String {
        var text = """
            Usage: jobqd [OPTION]...

            Serves job queues over a Unix socket and keeps them in Redis.

            """
        for setting in all where setting.isOption {
            text += "\n  --\(setting.option) \(setting.placeholder)\n"
            text += wrapped(setting.documentation)
            text += wrapped(setting.alternatives)
        }
        for action in CommandLineLayer.actions { text += "\n  --\(action.option)\n" + wrapped(action.documentation) }
        text += "\nOnly in a file:\n"
        for setting in all where !setting.isOption {
            text += "\n  [\(setting.section ?? "")] \(setting.key ?? "")=\(setting.placeholder)\n"
            text += wrapped(setting.documentation) + wrapped(setting.reloadable)
        }
        text += """

            An option comes before the environment, that before FILE.d/*.conf, that before FILE. Sizes take K, M and G,
            times ms, s, min and h. Exit status: 0, 64 for a wrong command line, 78 for a wrong configuration.

            """
        return text
    }

    /// The other ways to set it, and the default.
    private var alternatives: String {
        var parts = environment.map { "$\($0)" }
        if let section, let key { parts.append("[\(section)] \(key)=") }
        let reload = isReloadable ? "; \(reloadable)" : ""
        return parts.joined(separator: ", ") + (standard.map { "; default \($0)" } ?? "") + reload
    }

    private var reloadable: String { isReloadable ? "a reload (SIGHUP) takes it over" : "" }

    /// Lines of at most 90 characters and the indent.
    private static func wrapped(_ text: String) -> String {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.count + word.count + 1 > 90 {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " \(word)"
        }
        return (lines + [line]).map { "        \($0)\n" }.joined()
    }
}

extension ConfigurationLayers {
    func checkReport() -> String {
        let files = filesRead.isEmpty ? "no file was there to read" : "read \(filesRead.joined(separator: ", "))"
        return "the configuration is valid; \(files)\n"
    }

    /// The configuration in the form of a file.
    func dump() -> String {
        var text = "# Configuration of jobqd \(Configuration.version). Main file: \(configuration.configFile)\n"
        text += filesRead.isEmpty ? "# No file was there to read.\n" : ""
        for file in filesRead { text += "# Read: \(file)\n" }
        var section = ""
        for setting in Setting.all {
            guard let name = setting.section, let key = setting.key else { continue }
            if name != section {
                text += "\n[\(name)]\n"
                for (entry, found) in listed where entry.section == name { text += line(entry, found) }
            }
            section = name
            if setting.type.isList {
                if !listed.contains(where: { $0.setting.option == setting.option }) { text += "# none\n#\(key)=\n" }
                continue
            }
            if let found = effective(setting) {
                text += line(setting, found)
            } else {
                text += "# not set\n#\(key)=\n"
            }
        }
        return text
    }

    private func line(_ setting: Setting, _ found: Assigned) -> String {
        "# \(describe(found.origin))\n\(setting.key ?? "")=\(setting.type.format(found.value))\n"
    }

    private func describe(_ origin: ConfigurationOrigin) -> String {
        switch origin {
        case .builtIn: "default"
        case .file(let path, let line): "\(path):\(line)"
        case .environment(let name): "environment: \(name)"
        case .commandLine: "command line"
        }
    }
}
