// The store in Redis and the reference model, side by side under random sequences of operations: every reply and the
// whole state must be the same. JOBQD_MODEL_SEED repeats a run, JOBQD_MODEL_STEPS makes it longer,
// JOBQD_MODEL_CHECKPOINT=1 compares the state after each step.

import Foundation
import Testing

@Suite(.serialized) struct ModelTests {
    private static func setting(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }
    private let seed = setting("JOBQD_MODEL_SEED") ?? .random(in: 0...999_999_999)
    private let checkpoint = setting("JOBQD_MODEL_CHECKPOINT").map { Int($0) }
    private let steps = Int(setting("JOBQD_MODEL_STEPS") ?? 20_000)

    @Test(.timeLimit(.minutes(60))) func theScriptsDoWhatTheModelDoes() throws {
        print("model test: seed \(seed), \(steps) steps")
        try ModelRun(seed: seed, shape: .init()).run(steps: steps, checkpoint: checkpoint ?? 25)
    }

    /// Hundreds of jobs at once, so that steps reach their bounds.
    @Test(.timeLimit(.minutes(60))) func theScriptsDoWhatTheModelDoesInLargeBatches() throws {
        print("model test in large batches: seed \(seed), \(steps / 20) steps")
        let shape = ModelGenerator.Shape(queues: ["large"], ids: 1_500, keys: 100, mortal: 0.8, batch: 250)
        try ModelRun(seed: seed, shape: shape).run(steps: steps / 20, checkpoint: checkpoint ?? 50)
    }
}
