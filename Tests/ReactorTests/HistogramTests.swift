// Times and their classes.

import Reactor
import Testing

@Suite struct HistogramTests {
    @Test(arguments: [Histogram.Scale.short, .turns, .long])
    func aTimeAtABoundIsBelowItAndOneMicrosecondMoreIsNot(scale: Histogram.Scale) {
        #expect(scale.bounds == scale.bounds.sorted() && Set(scale.bounds).count == scale.bounds.count)
        for (index, bound) in scale.bounds.enumerated() {
            var histogram = Histogram(scale)
            histogram.observe(microseconds: bound)
            histogram.observe(microseconds: bound + 1)
            #expect(histogram.counts[index] == 1 && histogram.counts[index + 1] == 1)
            #expect(histogram.sumUs == 2 * bound + 1 && histogram.count == 2)
        }
    }
}
