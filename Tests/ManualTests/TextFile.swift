// Files of the package as text: pages, sources, units.

import Foundation
import Harness

enum TextFile {
    static func read(_ path: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path) else { throw HarnessError("cannot read \(path)") }
        return String(decoding: data, as: UTF8.self)
    }

    /// Names of the files in a directory of the package.
    static func names(in directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(BuiltProducts.packageDirectory)/\(directory)").sorted()
    }

    /// The texts of all Swift files below a directory of the package.
    static func sources(below directory: String) throws -> [String] {
        let root = "\(BuiltProducts.packageDirectory)/\(directory)"
        let all = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return try all.filter { $0.hasSuffix(".swift") }.sorted().map { try read("\(root)/\($0)") }
    }
}
