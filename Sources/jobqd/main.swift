// jobqd: options and configuration → a broker → the loop → an exit code.
//
// `main` is synchronous and stays on the main thread: the loop holds it until the end.

import Glibc

let outcome = Configuration.load(
    arguments: Array(CommandLine.arguments.dropFirst()), environment: ProcessEnvironment.current())
switch outcome {
case .run(let configuration):
    exit(Daemon.run(configuration))
case .print(let text, let code):
    print(text, terminator: "")
    exit(code)
case .failure(let message, let code):
    StandardError.write(message)
    exit(code)
}
