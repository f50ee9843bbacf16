import Simulation
import Testing

/// Kills at every effect, two at a time, clocks that are off, missing rounds, people in between.
@Suite(.timeLimit(.minutes(10)))
struct RolloutSimulationTests {
  @Test func noStepIsSkippedAndNoCreditInvented() async {
    for seed in 0..<UInt64(400) {
      let broken = await RolloutSweep.play(seed: seed)
      #expect(broken == nil)
      if broken != nil { return }
    }
  }

  @Test(arguments: RolloutMutation.allCases)
  func aBrokenRoundIsNoticed(_ mutation: RolloutMutation) async {
    for seed in 0..<UInt64(600) where await RolloutSweep.play(seed: seed, mutation: mutation) != nil {
      return
    }
    Issue.record("\(mutation) was not noticed")
  }
}
