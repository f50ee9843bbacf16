import Analysis
import Testing

/// What the cases of the contract leave out.
@Suite struct StepTests {
  private func rules(
    _ metrics: [String: StepRules.Metric] = ["success": .init()], bake: Int = 1800, maxStep: Int? = nil
  ) -> StepRules {
    StepRules(
      bake: .seconds(bake), interval: .seconds(300), maxStep: maxStep.map { .seconds($0) }, share: 10_000,
      metrics: metrics)
  }

  private func tick(
    _ at: Int, _ readings: [String: Outcome] = [:], order: Tick.Order? = nil, flag: Tick.Flag? = nil
  ) -> Tick {
    Tick(at: .seconds(at), readings: readings, order: order, flag: flag)
  }

  @Test("the round that was just made, made again without new readings, changes nothing")
  func repeated() {
    var progress = StepProgress()
    _ = progress.tick(tick(300, ["success": .pass]), rules())
    let before = progress
    #expect(progress.tick(tick(300), rules()) == .wait(.bake))
    #expect(progress == before)
  }

  @Test("a foreign change that nobody takes back leaves the triggers armed")
  func driftThenBreach() {
    var progress = StepProgress()
    let raised = Tick.Flag(isOn: true, share: 50_000)
    #expect(progress.tick(tick(300, ["success": .pass], flag: raised), rules()) == .pause(.drift))
    #expect(progress.tick(tick(600, ["success": .pass], flag: raised), rules()) == .wait(.paused))
    #expect(progress.tick(tick(900, ["success": .breach], flag: raised), rules()) == .rollback(.metric))
  }

  @Test("a changed rule pauses although the share is ours")
  func changedRule() {
    var progress = StepProgress()
    let changed = Tick.Flag(isOn: true, share: 10_000, isChanged: true)
    #expect(progress.tick(tick(300, flag: changed), rules()) == .pause(.drift))
  }

  @Test("a pause for want of data lasts until every gate has a usable reading again")
  func everyGate() {
    let limits = MetricLimits(noData: 0)
    let rules = rules(["errors": .init(limits), "success": .init(limits)])
    var progress = StepProgress()
    let both: (Outcome, Outcome) -> [String: Outcome] = { ["errors": $0, "success": $1] }
    #expect(progress.tick(tick(300, both(.noData, .noData)), rules) == .pause(.noData))
    #expect(progress.tick(tick(600, both(.pass, .error)), rules) == .wait(.paused))
    #expect(progress.tick(tick(900, both(.pass, .hold)), rules) == .wait(.resumed))
    #expect(progress.paused == nil && progress.credit == .zero)
  }

  @Test("what a person paused does not go on by itself when the data come back")
  func personStays() {
    let rules = rules(["success": .init(MetricLimits(noData: 0))])
    var progress = StepProgress()
    #expect(progress.tick(tick(300, ["success": .noData]), rules) == .pause(.noData))
    #expect(progress.tick(tick(400, order: .pause), rules) == .wait(.paused))
    #expect(progress.tick(tick(600, ["success": .pass]), rules) == .wait(.paused))
    #expect(progress.tick(tick(700, order: .resume), rules) == .wait(.bake))
  }

  @Test("paused time does not count against a step's limit, and a resumed deadline begins anew")
  func deadline() {
    let rules = rules(maxStep: 1000)
    var progress = StepProgress()
    #expect(progress.tick(tick(500, ["success": .hold], order: .pause), rules) == .wait(.paused))
    #expect(progress.tick(tick(5000, ["success": .hold], order: .resume), rules) == .wait(.bake))
    #expect(progress.tick(tick(5500, ["success": .hold]), rules) == .wait(.bake))
    #expect(progress.tick(tick(5501, ["success": .hold]), rules) == .pause(.deadline))
    #expect(progress.tick(tick(9000, ["success": .hold], order: .resume), rules) == .wait(.bake))
    #expect(progress.tick(tick(10_000, ["success": .hold]), rules) == .wait(.bake))
    #expect(progress.tick(tick(10_001, ["success": .hold]), rules) == .pause(.deadline))
  }

  @Test("without gates a step bakes by the clock, with the same most per gap")
  func noGates() {
    let rules = rules(["seen": .init(isObserved: true)], bake: 1200)
    var progress = StepProgress()
    #expect(progress.tick(tick(3000), rules) == .wait(.bake))
    #expect(progress.credit == .seconds(600))
    #expect(progress.tick(tick(3600), rules) == .advance)
    #expect(progress.tick(tick(3900), rules) == .noop)
  }

  @Test("a clock that goes back within a minute earns nothing twice")
  func smallStepBack() {
    var progress = StepProgress()
    _ = progress.tick(tick(300, ["success": .pass]), rules())
    #expect(progress.tick(tick(250, ["success": .pass]), rules()) == .wait(.bake))
    #expect(progress.tick(tick(350, ["success": .pass]), rules()) == .wait(.bake))
    #expect(progress.credit == .seconds(350))
  }
}

@Suite struct ThresholdTests {
  @Test("pass and abort of one metric contradict each other when a value is within both")
  func overlap() throws {
    func overlaps(_ pass: String, _ abort: String) throws -> Bool {
      try #require(Threshold(pass)).overlaps(#require(Threshold(abort)))
    }
    #expect(try !overlaps("> 95", "< 90") && !overlaps("> 95", "< 95") && !overlaps("> 95", "<= 95"))
    #expect(try overlaps(">= 95", "<= 95") && overlaps("> 90", "< 95") && overlaps("> 95", "> 99"))
  }

  @Test(
    "what is no sign with a number is refused", arguments: ["", "95", "> ", "> five", ">> 3", "< inf", "= 4"])
  func mistakes(_ text: String) { #expect(Threshold(text) == nil) }

  @Test("an unreachable store stays an error where samples are demanded")
  func error() {
    let judged = MetricThresholds(minSamples: 500).judged(.error(reason: "timeout"), samples: nil)
    #expect(judged.outcome == .error)
  }
}
