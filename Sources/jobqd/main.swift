// Placeholder so that the configuration can be tried; the daemon's start takes its place.

import Glibc

let outcome = Configuration.load(
    arguments: Array(CommandLine.arguments.dropFirst()), environment: ProcessEnvironment.current())
switch outcome {
case .run(let configuration):
    print(configuration)
case .print(let text, let code):
    print(text, terminator: "")
    exit(code)
case .failure(let message, let code):
    let line = Array((message + "\n").utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(code)
}
