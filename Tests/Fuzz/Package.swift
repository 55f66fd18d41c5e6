// swift-tools-version:6.2
// libFuzzer targets for the modules that read bytes from strangers. A package of its own, because its flags must not touch
// the others. Built and run by `run.sh`; what each target checks is in Tests/FuzzBodies, shared with the unit tests.

import PackageDescription

/// A fuzz target has no main of its own: libFuzzer brings one.
func fuzzTarget(_ name: String) -> Target {
    .executableTarget(
        name: name, dependencies: [.product(name: "FuzzBodies", package: "jobqd")],
        swiftSettings: [.unsafeFlags(["-parse-as-library"])])
}

let package = Package(
    name: "Fuzz",
    dependencies: [.package(name: "jobqd", path: "../..")],
    targets: [
        fuzzTarget("FuzzFramer"), fuzzTarget("FuzzRequest"), fuzzTarget("FuzzRoundTrip"), fuzzTarget("FuzzHTTP"),
    ],
    swiftLanguageModes: [.v6]
)
