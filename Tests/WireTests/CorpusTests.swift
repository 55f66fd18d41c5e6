// Every input that fuzzing found worth keeping goes through the same checks in each test run.

import Foundation
import FuzzBodies
import Testing
import Wire

@Suite struct CorpusTests {
    /// The files of a fuzz target's corpus.
    private static func corpus(_ target: String) throws -> [(name: String, bytes: [UInt8])] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let directory = tests.appending(path: "Fuzz/corpus/\(target)")
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        return try names.map { ($0, Array(try Data(contentsOf: directory.appending(path: $0)))) }
    }

    private func run(_ target: String, _ check: (UnsafeRawBufferPointer) throws -> Void) throws {
        let files = try Self.corpus(target)
        #expect(files.count > 3 && files.count <= 100)
        for file in files {
            #expect(throws: Never.self, "\(target)/\(file.name)") { try file.bytes.withUnsafeBytes(check) }
        }
    }

    @Test func theFramersCorpusHasNoFindings() throws {
        try run("framer") { try FramerBody.check($0) }
    }

    @Test func theRequestDecodersCorpusHasNoFindings() throws {
        try run("request") { try RequestBody.check($0) }
    }

    @Test func theRoundTripsCorpusHasNoFindings() throws {
        try run("roundtrip") { try RoundTripBody.check($0) }
    }

    @Test func theHTTPReadersCorpusHasNoFindings() throws {
        try run("http") { try HTTPRequestBody.check($0) }
    }

    @Test func textsOfTheRequestCorpusSurviveEveryCutAndEveryReplacedByte() throws {
        for file in try Self.corpus("request") where file.bytes.count < 120 {
            for end in 0..<file.bytes.count {
                try Array(file.bytes[..<end]).withUnsafeBytes { try RequestBody.check($0) }
                var bytes = file.bytes
                bytes[end] = 0x22
                try bytes.withUnsafeBytes { try RequestBody.check($0) }
            }
        }
    }
}
