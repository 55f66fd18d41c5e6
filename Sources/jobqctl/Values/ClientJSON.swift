// JSON that people give on a command line or in a file: checked here, so that a typing mistake gets an answer about the
// JSON and not about the request, and handed on byte for byte.

import Wire

enum ClientJSON {
    /// - Parameter what: for the message, as in `the payload`.
    static func read(_ bytes: [UInt8], _ what: String) throws -> JSONDocument {
        do {
            return try JSONDocument(bytes)
        } catch {
            throw DataProblem(description: "\(what) is not JSON: \(error)")
        }
    }

    static func read(_ text: String, _ what: String) throws -> JSONDocument { try read(Array(text.utf8), what) }
}
