import Analysis
package import Concurrency
import Metrics
package import Model

/// Plays what a store kept of some time through the rules, as if a rollout had begun then. Approvals count as given;
/// nothing is changed.
package struct RolloutReplay: Sendable {
  private let parts: RolloutParts

  package init(_ parts: RolloutParts) { self.parts = parts }

  /// What would have come to pass, and what of it could not be played.
  package struct Played: Sendable, Hashable {
    package var events: [RolloutEvent]
    /// Metrics whose source keeps no history: they are left out.
    package var missing: [RolloutReplayGap]
    /// Of healthy services; nil where no metric is a share of failures.
    package var healthy: HealthyRollouts?
  }

  /// - Parameter record: whose release the queries name.
  /// - Throws: `configuration` without a metric that can be played.
  package func run(
    _ record: RolloutRecord, from: Timestamp, to: Timestamp
  ) async throws(Failure) -> Played {
    let measures = try parts.measures(record)
    let missing = measures.filter { !$0.source.hasHistory }.map {
      RolloutReplayGap(metric: $0.target.name, source: $0.source.name)
    }
    let played = measures.filter(\.source.hasHistory)
    var target = parts.target
    target.metrics = played.map(\.target)
    guard let first = target.steps.first, target.metrics.contains(where: { !$0.isObserved }), from < to else {
      let gaps = missing.map { "\($0.source) keeps no history of \($0.metric)" }.joined(separator: "; ")
      throw Failure(
        .configuration, "there is nothing to simulate for rollout \(target.key)",
        cause: gaps.isEmpty ? nil : gaps,
        hint: "it needs metrics of a store that keeps them, and a --from that lies before --to")
    }
    let kept = try await kept(played, from: from, to: to)
    let healthy = HealthyRollouts(target, played, kept: kept)
    return Played(
      events: play(target, played, kept, from: from, to: to, first: first.share), missing: missing,
      healthy: healthy)
  }

  private func play(
    _ target: RolloutTarget, _ measures: [RolloutMeasure], _ kept: [Timestamp: [String: MetricReading]],
    from: Timestamp, to: Timestamp, first: FlagShare
  ) -> [RolloutEvent] {
    var events = [RolloutEvent(at: from, text: "\(first)")]
    var (share, began, progress) = (first, from, StepProgress())
    var metrics: [String: RolloutMetric] = [:]
    for moment in moments(from, to) {
      let rules = target.rules(at: share, isApproved: true)
      let step = RolloutMeasure.Step(began: began, share: share)
      var readings: [String: Harvest.Reading] = [:]
      for measure in measures {
        let name = measure.target.name
        guard let reading = kept[moment]?[name] else { continue }
        var test = metrics[name]?.test
        readings[name] = measure.judged(reading, at: moment, isFilled: true, in: step, &test)
      }
      var tick = Tick(
        at: moment - began, readings: readings.mapValues(\.outcome), window: parts.calendar.window(at: moment)
      )
      if !target.comparedOnce(&readings, tick, progress, rules, kept: metrics) { tick.window = .closed }
      tick.readings = readings.mapValues(\.outcome)
      for (name, reading) in readings {
        metrics[name, default: RolloutMetric()].add(reading.kept)
        metrics[name]?.test = reading.test
      }
      let pausedBefore = progress.paused
      switch progress.tick(tick, rules) {
      case .advance:
        guard let next = target.step(after: share) else {
          return events + [RolloutEvent(at: moment, text: "complete")]
        }
        (share, began, progress, metrics) = (next.share, moment, StepProgress(), [:])
        events.append(RolloutEvent(at: moment, text: "\(share)"))
      case .rollback(let why):
        return events + [RolloutEvent(at: moment, text: "off: \(words(why, progress, metrics, measures))")]
      case .pause(let why):
        events.append(RolloutEvent(at: moment, text: "paused: \(why.rawValue)"))
        guard why.endsByItself else {
          return events + [RolloutEvent(at: moment, text: "a person would have had to look")]
        }
      case .wait(.resumed) where pausedBefore != nil: events.append(RolloutEvent(at: moment, text: "goes on"))
      default: break
      }
    }
    let credit = progress.credit.wholeMilliseconds / 1000
    let bake = (target.step(at: share)?.bake ?? .zero).wholeMilliseconds / 1000
    return events + [RolloutEvent(at: to, text: "still at \(share): \(credit) s of \(bake) s earned")]
  }

  private func moments(_ from: Timestamp, _ to: Timestamp) -> [Timestamp] {
    stride(
      from: from.milliseconds, through: to.milliseconds,
      by: Int(max(parts.target.interval.wholeMilliseconds, 1000))
    ).map { Timestamp(milliseconds: $0) }
  }

  private func kept(
    _ measures: [RolloutMeasure], from: Timestamp, to: Timestamp
  ) async throws(Failure) -> [Timestamp: [String: MetricReading]] {
    var kept: [Timestamp: [String: MetricReading]] = [:]
    for measure in measures {
      let answers: [(at: Timestamp, reading: MetricReading)]
      do throws(CancellationError) { answers = try await measure.source.history(at: moments(from, to)) } catch
      {
        throw Failure(.cancelled, "stopped while \(measure.target.name) was read")
      }
      for (at, reading) in answers { kept[at, default: [:]][measure.target.name] = reading }
    }
    return kept
  }

  private func words(
    _ why: TickAction.Rollback, _ progress: StepProgress, _ metrics: [String: RolloutMetric],
    _ measures: [RolloutMeasure]
  ) -> String {
    guard why == .metric else { return why.rawValue }
    let failed = measures.first { progress.tallies[$0.target.name]?.state == .failed }
    guard let failed, let reading = metrics[failed.target.name]?.readings.last else { return why.rawValue }
    return failed.evidence(reading).words
  }
}
