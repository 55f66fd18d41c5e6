// `make demo` after its build: it must work, must find that its numbers add up, and must leave nothing behind.

import Foundation
import Harness
import Testing

@Suite(.serialized, .timeLimit(.minutes(3))) struct DemoTests {
    private static let demo = BuiltProducts.packageDirectory + "/examples/demo/demo.py"

    @Test func demoAddsUpAndLeavesNothingBehind() throws {
        let result = try Program.run("python3", [Self.demo], within: 90)
        #expect(result.status == 0, "\(result.output)\n\(result.errors)")
        #expect(result.output.hasSuffix("It adds up.\n"))
        #expect(try leftovers(of: result.output) == [])
    }

    @Test func interruptedDemoLeavesNothingBehind() throws {
        let folder = try TemporaryDirectory()
        let process = try ServerProcess("python3", [Self.demo], log: folder.file("log"))
        try eventually(within: 30, "workers started; \(process.log)") { process.log.contains("workers started") }
        process.send(signal: SIGINT)
        #expect(try process.waitForEnd(within: 15) == .exited(130))
        #expect(try leftovers(of: process.log) == [])
    }

    /// The demo's folder, if it is still there, and the command lines of processes that were started for it.
    private func leftovers(of output: String) throws -> [String] {
        let line = try #require(output.split(separator: "\n").first { $0.contains("jobqd serves on ") })
        let socket = try #require(line.split(separator: " ").first { $0.hasPrefix("/tmp/jobqd-demo-") })
        let folder = (String(socket) as NSString).deletingLastPathComponent
        let processes = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }
            .compactMap { FileManager.default.contents(atPath: "/proc/\($0)/cmdline") }
            .map { String(decoding: $0, as: UTF8.self) }
            .filter { $0.contains(folder) }
        return processes + (FileManager.default.fileExists(atPath: folder) ? [folder] : [])
    }
}
