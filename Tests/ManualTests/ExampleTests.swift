// The examples of the pages, run as a reader would run them.

import Harness
import Testing

/// One example, for the name of its test.
struct PageExample: CustomTestStringConvertible, Sendable {
    let page: String
    let line: Int
    var testDescription: String { "\(page):\(line)" }

    /// Those of all pages with this mark.
    static func all(_ kind: String) -> [PageExample] {
        ManualPages.names.flatMap { name in
            ((try? ManualPage(name))?.displays ?? []).filter { $0.test == kind }.map {
                PageExample(page: name, line: $0.line)
            }
        }
    }

    var display: ManualPage.Display {
        get throws {
            guard let found = try ManualPage(page).displays.first(where: { $0.line == line }) else {
                throw HarnessError("\(testDescription) has no display")
            }
            return found
        }
    }
}

@Suite(.timeLimit(.minutes(3))) struct ExampleTests {
    @Test(arguments: PageExample.all("lines"))
    func requestIsAnsweredAsThePageSays(example: PageExample) throws {
        let daemon = try Daemon(.memory)
        let members = try LineExample(example.display).play(daemon.connect())
        let page = try ManualPage("jobqd-protocol.7")
        let described = Set(page.source.matches(of: /\b(?:Fa|Va|Dv) (\w+)/).map { String($0.1) })
        let unknown = members.subtracting(described).filter { !["fast", "slow", "ok", "event", "id"].contains($0) }
        #expect(unknown.isEmpty, "members of replies that the page does not name")
    }

    /// Where the commands find the programs and the daemon.
    private func environment(_ daemon: Daemon) -> [String: String] {
        let products = Daemon.executable.split(separator: "/").dropLast().joined(separator: "/")
        let path = "/\(products):/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        return ["PATH": path, "JOBQD_SOCKET": daemon.socketPath, "LC_ALL": "C.UTF-8", "NO_COLOR": "1"]
    }

    private func names(_ daemon: Daemon) -> [String: String] {
        [
            "jobqd --": "jobqd --config '\(daemon.directory.file("jobqd.conf"))' --",
            "/run/jobqd/jobqd.sock": daemon.socketPath,
        ]
    }

    @Test(arguments: PageExample.all("shell"))
    func commandPrintsWhatThePageSays(example: PageExample) throws {
        let daemon = try Daemon(.memory)
        try ShellExample(example.display).run(environment: environment(daemon), replacing: names(daemon))
    }

    @Test(arguments: PageExample.all("redis"))
    func commandShowsWhatIsInRedisAsThePageSays(example: PageExample) throws {
        let redis = try RedisServer()
        let daemon = try Daemon(.redis(redis))
        var names = names(daemon)
        names["redis-cli "] = "redis-cli -s \(redis.socketPath) "
        try ShellExample(example.display).run(environment: environment(daemon), replacing: names)
    }

    @Test(arguments: PageExample.all("configuration"))
    func configurationIsValid(example: PageExample) throws {
        let folder = try TemporaryDirectory()
        let file = try folder.write(example.display.lines.joined(separator: "\n") + "\n", to: "jobqd.conf")
        let result = try Program.run(Daemon.executable, ["--config", file, "--check-config"])
        #expect(result.status == 0, "\(result.errors)")
    }

    @Test func everyPageHasExamplesThatAreRun() throws {
        for name in ManualPages.names {
            #expect(try ManualPage(name).displays.contains { $0.test != nil }, "\(name)")
        }
    }
}
