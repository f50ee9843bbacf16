import Analysis
import Concurrency
import Ledgers
import Metrics
import Model
import Rollouts
import Zones

/// Plays one rollout from its begin to its end, with everything that can come in between.
enum RolloutPlay {
  static let key = "f"

  static func target(_ world: RolloutWorld, needsApproval: Bool) -> RolloutTarget {
    let steps = world.mutation == .skipsStep ? [10_000, 100_000] : RolloutJudge.steps
    var metric = MetricTarget(
      name: "success", question: .written(query: "q", samples: "s"), pass: "> 95", abort: "< 90",
      minSamples: 100)
    metric.limits.noData = 6
    var target = RolloutTarget(
      key: key, flag: FlagTarget(.flagd(file: "flags.json")), store: nil,
      steps: steps.compactMap { thousandths in
        FlagShare(thousandths: thousandths).map {
          RolloutStep(
            share: $0, bake: RolloutJudge.bake, needsApproval: needsApproval && thousandths == 25_000)
        }
      }, metrics: [metric])
    target.interval = RolloutJudge.interval
    target.initialDelay = RolloutJudge.initialDelay
    return target
  }

  /// - Returns: what broke, in words; nil when everything held.
  static func play(seed: UInt64, mutation: RolloutMutation?, isTracing: Bool) async -> (String?, [String]) {
    let world = RolloutWorld(seed: seed, mutation: mutation, isTracing: isTracing)
    drawTruth(world)
    let needsApproval = seed % 4 == 0
    world.approval.withLock { $0 = needsApproval }
    for number in 1...60 {
      if await step(world, number) { break }
    }
    await finish(world)
    let record = await world.ledger.rollout(key)
    let violations = world.state.withLock { state in
      let copy = state
      state.judge.ended(record, copy)
      return state.judge.violations
    }
    return (violations.first.map { "seed \(seed): \($0)" }, world.trace.lines.withLock { $0 })
  }

  private static func drawTruth(_ world: RolloutWorld) {
    let hasBreach = world.chance(300)
    var at = world.now - .seconds(7200)
    var truth: [(from: Timestamp, outcome: Analysis.Outcome)] = []
    while at < world.now + .seconds(4 * 86_400) {
      truth.append((at, .pass))
      at = at + .seconds(world.number(900...9000))
      guard world.chance(500) else { continue }
      let bad: Analysis.Outcome =
        world.chance(300) ? (hasBreach ? .breach : .hold) : world.chance(500) ? .noData : .error
      truth.append((at, bad))
      at = at + .seconds(world.number(120...2400))
    }
    let drawn = truth
    world.state.withLock { $0.truth = drawn }
  }

  // MARK: Troubled times

  /// - Returns: whether it is over.
  private static func step(_ world: RolloutWorld, _ number: Int) async -> Bool {
    let wait =
      world.chance(600)
      ? world.number(280...330) : world.chance(500) ? world.number(5...240) : world.number(600...5400)
    world.advance(.seconds(wait))
    if world.chance(60) { await person(world) }
    await round(world, by: "t\(number)", isInner: false)
    let record = await world.ledger.rollout(key)
    return record?.status.isOver == true && world.chance(500)
  }

  /// One round by a process of its own.
  static func round(_ world: RolloutWorld, by name: String, isInner: Bool) async {
    let skew = isInner || world.chance(900) ? world.number(-40...40) : world.number(-200...200)
    let killAt = !world.state.withLock { $0.isQuiet } && world.chance(250) ? world.number(1...14) : nil
    let process = RolloutProcess(
      world, name, skew: .seconds(world.state.withLock { $0.isQuiet } ? 0 : skew), killAt: killAt,
      isInner: isInner)
    let asked = process.now
    let lease: Lease
    do throws(Failure) {
      lease = try await world.ledger.acquire(
        holder: Holder(name: name, purpose: "rollout tick", process: 1, nonce: "\(name)\(asked.milliseconds)")
      )
    } catch { return world.tell("\(name): \(error.message)") }
    let hold = RolloutHold(
      lease: { lease }, mayAct: { process.now < asked + lease.duration * 2 / 3 })
    do throws(Failure) {
      let parts = try parts(world, process)
      let result: RolloutResult
      if await world.ledger.rollout(key) == nil {
        result = try await RolloutStart(parts, under: hold).run(
          .init(app: "shop", environment: "prod", release: 7, commit: "c0ffee"))
      } else {
        result = try await RolloutRound(parts, under: hold).run()
      }
      world.tell("\(name): \(result.outcome)\(result.failure.map { ", \($0.message)" } ?? "")")
    } catch { world.tell("\(name): \(error.message)") }
    // A dead one gives nothing back.
    if !process.life.withLock({ $0.isDead }) { await world.ledger.release(lease) }
  }

  private static func parts(
    _ world: RolloutWorld, _ process: RolloutProcess
  ) throws(Failure) -> RolloutParts {
    let target = target(world, needsApproval: world.approval.withLock { $0 })
    let hasHistory = world.history.withLock { $0 }
    return RolloutParts(
      target, flag: SimulatedFlag(process: process),
      measures: { _ in
        target.metrics.map {
          RolloutMeasure($0, from: SimulatedMetric(process: process, hasHistory: hasHistory))
        }
      }, calendar: try RaiseCalendar(target) { _ in .utc }, ledger: SimulatedRollouts(process: process),
      clock: process, by: process.name, digest: "d1")
  }

  // MARK: People

  static func person(_ world: RolloutWorld) async {
    guard await world.ledger.rollout(key)?.status.isOver == false else { return }
    switch world.number(0...9) {
    case 0:
      touch(world, "raises") {
        $0.isOn = true; $0.share = 40_000
      }
    case 1:
      touch(world, "lowers") {
        $0.isOn = true; $0.share = 5_000
      }
    case 2:
      touch(world, "switches off") {
        $0.isOn = false; $0.share = 0
      }
    case 3: touch(world, "shuffles") { $0.salt += "x" }
    case 4: touch(world, "looks in") { _ in }
    case 5, 6: await say(world, .pause)
    case 7: await say(world, .resume)
    case 8: await approve(world)
    default: await abort(world)
    }
  }

  private static func touch(
    _ world: RolloutWorld, _ what: String, _ change: (inout RolloutWorld.Flag) -> Void
  ) {
    world.state.withLock { state in
      change(&state.flag)
      state.flag.by = "ann"
      state.flag.version += 1
      state.judge.foreignChange()
    }
    world.tell("ann \(what)")
  }

  private static func word(_ world: RolloutWorld) -> RolloutWord {
    RolloutWord(world.ledger, clock: WorldClock(state: world.state), by: "bo")
  }

  private static func say(_ world: RolloutWorld, _ kind: RolloutOrder.Kind) async {
    world.tell("bo: \(kind.rawValue)")
    let isDrift = await world.ledger.rollout(key)?.pause?.why == "drift"
    guard (try? await word(world).say(kind, of: key, reason: "look")) != nil, kind == .resume, isDrift
    else { return }
    world.state.withLock { state in
      let copy = state
      state.judge.resumed(copy)
    }
  }

  private static func approve(_ world: RolloutWorld) async {
    let target = target(world, needsApproval: world.approval.withLock { $0 })
    _ = try? await word(world).approve(nil, of: key, target: target, digest: "d1")
  }

  private static func abort(_ world: RolloutWorld) async {
    guard world.chance(300) else { return }
    world.state.withLock { $0.judge.abortAsked() }
    let process = RolloutProcess(world, "bo", skew: .zero, killAt: nil, isInner: true)
    world.tell("bo: abort")
    do throws(Failure) {
      _ = try await word(world).abort(key, flag: SimulatedFlag(process: process), reason: "enough")
      world.state.withLock { state in
        let copy = state
        state.judge.abortDone(copy)
      }
    } catch { world.tell("bo: \(error.message)") }
  }

  // MARK: Quiet times

  private static func finish(_ world: RolloutWorld) async {
    world.state.withLock { state in
      state.isQuiet = true
      state.now = state.now + .seconds(300)
      state.truth.removeAll { $0.from >= state.now }
      state.truth.append((state.now, .pass))
    }
    world.tell("all is quiet")
    for number in 1...150 {
      let record = await world.ledger.rollout(key)
      if let record, record.status.isOver, record.abortOrder == nil { return }
      if let why = record?.pause?.why, why != "blind", why != "no_data" { await say(world, .resume) }
      if record?.status == .ready, world.state.withLock({ $0.flag.isOn && $0.flag.by != nil }) {
        touch(world, "switches off") {
          $0.isOn = false; $0.share = 0
        }
      }
      await approve(world)
      world.advance(.seconds(300))
      await round(world, by: "q\(number)", isInner: false)
    }
  }
}

/// Plays many of them.
package enum RolloutSweep {
  /// - Parameter trace: gets every line of what happened.
  /// - Returns: what broke, in words; nil when everything held.
  package static func play(
    seed: UInt64, mutation: RolloutMutation? = nil, trace: ((String) -> Void)? = nil
  ) async -> String? {
    let (words, lines) = await RolloutPlay.play(seed: seed, mutation: mutation, isTracing: trace != nil)
    for line in lines { trace?(line) }
    return words
  }
}
