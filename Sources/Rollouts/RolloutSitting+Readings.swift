import Analysis
import Concurrency
import Metrics
import Model

/// What the metrics said in a round.
struct Harvest {
  /// One reading, judged.
  struct Reading {
    var outcome: Analysis.Outcome
    var kept: RolloutReading
    /// What the metric's test has counted up to here.
    var test: RolloutTest?
  }

  var at: Timestamp
  /// Missed readings, from the stores' history.
  var past: [Timestamp: [String: Reading]] = [:]
  var present: [String: Reading] = [:]
  /// A store's clock and ours are more than a minute apart.
  var isSkewed = false
}

extension RolloutSitting {
  /// Takes every reading that is due, all of the same moment.
  /// - Parameter filling: readings that were missed are asked for too, where the store has a history.
  mutating func read(
    since began: Timestamp, at now: Timestamp, filling: Bool
  ) async throws(RoundStop) -> Harvest {
    let measures: [RolloutMeasure]
    do throws(Failure) { measures = try parts.measures(record) } catch { throw .failed(error) }
    var wanted: [(measure: RolloutMeasure, missed: [Timestamp])] = []
    for measure in measures {
      guard let due = due(measure.target, since: began), due <= now else { continue }
      let interval = measure.target.interval ?? target.interval
      var missed: [Timestamp] = []
      var slot = due
      while filling, measure.source.hasHistory, interval > .zero, slot + interval <= now {
        missed.append(slot)
        slot = slot + interval
      }
      wanted.append((measure, missed))
    }
    let answers = await withTaskGroup(of: (Int, Answer)?.self) { group in
      for (index, (measure, missed)) in wanted.enumerated() {
        group.addTask { try? (index, await Self.ask(measure.source, missed, at: now)) }
      }
      return await group.reduce(into: [Int: Answer]()) { found, next in
        if let (index, answer) = next { found[index] = answer }
      }
    }
    guard answers.count == wanted.count else {
      throw .failed(Failure(.cancelled, "stopped while the metrics were read; nothing was decided"))
    }
    var harvest = Harvest(at: now)
    let step = RolloutMeasure.Step(began: began, share: record.share ?? .nobody)
    for (index, (measure, _)) in wanted.enumerated() {
      guard let answer = answers[index] else { continue }
      let name = measure.target.name
      var test = record.metrics[name]?.test
      for (at, reading) in answer.past.sorted(by: { $0.at < $1.at }) {
        harvest.past[at, default: [:]][name] = measure.judged(
          reading, at: at, isFilled: true, in: step, &test)
      }
      harvest.present[name] = measure.judged(answer.present, at: now, isFilled: false, in: step, &test)
      note(missedBy: measure, since: began, at: now)
      if let failure = answer.present.answer.failure, harvest.present[name]?.outcome == .error {
        notes.append("\(name): \(failure.message)")
      }
      if let store = answer.present.answer.storeTime, (store - now).magnitude > .seconds(60) {
        harvest.isSkewed = true
        notes.append(
          "the clocks of \(measure.source.name) and of this machine differ by more than a minute: nothing is raised"
        )
      }
    }
    return harvest
  }

  /// Readings that nobody took and that nobody can fill in are said: they earn nothing.
  private mutating func note(missedBy measure: RolloutMeasure, since began: Timestamp, at now: Timestamp) {
    let interval = measure.target.interval ?? target.interval
    guard !measure.source.hasHistory, interval > .zero, let due = due(measure.target, since: began) else {
      return
    }
    let missed = (now - due).wholeMilliseconds / interval.wholeMilliseconds
    guard missed > 0 else { return }
    notes.append(
      "\(measure.target.name): \(missed) missed reading\(missed == 1 ? "" : "s") cannot be filled in, \(measure.source.name) keeps no history"
    )
  }

  private struct Answer: Sendable {
    var past: [(at: Timestamp, reading: MetricReading)]
    var present: MetricReading
  }

  private nonisolated static func ask(
    _ source: any MetricSource, _ missed: [Timestamp], at now: Timestamp
  ) async throws(CancellationError) -> Answer {
    let past = missed.isEmpty ? [] : try await source.history(at: missed)
    return Answer(past: past, present: try await source.read(at: now))
  }

  /// When a metric is to be read next.
  func due(_ metric: MetricTarget, since began: Timestamp) -> Timestamp? {
    record.due(metric, target, since: began)
  }
}

extension RolloutRecord {
  /// When a metric is to be read next; nil when it is not read any more.
  func due(_ metric: MetricTarget, _ target: RolloutTarget, since began: Timestamp) -> Timestamp? {
    let last = metrics[metric.name]?.readings.last.flatMap { reading in
      Analysis.Outcome(rawValue: reading.outcome).map { (at: reading.at - began, outcome: $0) }
    }
    return target.schedule(of: metric).next(stepStarted: .zero, last: last).map { began + $0 }
  }
}

extension Duration {
  fileprivate var magnitude: Duration { self < .zero ? .zero - self : self }
}
