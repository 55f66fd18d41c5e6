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

    /// The payload of a job: the argument, or with `-` standard input, all of it. Without an argument what a pipe or a file on
    /// standard input has, if there is one; a terminal is not read from.
    static func payload(_ argument: String?) throws -> [UInt8] {
        if argument == "-" { return try LineReader.standardInput.readAll() }
        if let argument { return Array(argument.utf8) }
        let bytes = LineReader.isFed ? try LineReader.standardInput.readAll() : []
        return LineReader.isBlank(bytes) ? Array("null".utf8) : bytes
    }

    static func read(_ text: String, _ what: String) throws -> JSONDocument { try read(Array(text.utf8), what) }
}
