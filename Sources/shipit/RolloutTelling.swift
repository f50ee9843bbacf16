import Concurrency
import Interface
import Model
import Rollouts
import Zones

/// Tells how rollouts are and what became of a round.
struct RolloutTelling: Sendable {
  let environment: Model.Environment
  let console: Console
  let clock: any TimeSource
  let variables: [String: String]

  func calendar(of target: RolloutTarget) throws(Failure) -> RaiseCalendar {
    let database = ZoneDatabase.system(variables)
    return try RaiseCalendar(target) { name throws(Failure) in
      do throws(ZoneDatabase.Trouble) { return try database.zone(name) } catch {
        throw Failure(
          .configuration, "the time zone \(name) cannot be looked up", place: "rollouts.windows",
          hint: "install tzdata, or set TZDIR to where it lies")
      }
    }
  }

  func line(
    _ target: RolloutTarget, _ record: RolloutRecord?, served: String? = nil, _ result: RolloutResult? = nil
  ) throws(Failure) -> RolloutReport.RolloutLine {
    var outlook: RolloutOutlook?
    if let record {
      outlook = RolloutOutlook(record, target, try calendar(of: target), now: clock.now)
    }
    return RolloutReport.RolloutLine(
      target, record, served: served, nextRound: outlook?.nextRound, earliestRaise: outlook?.earliestRaise,
      wantsApproval: outlook?.wantsApproval, isOverdue: outlook?.isOverdue ?? false, outcome: result?.words,
      notes: result?.notes ?? [], failure: result?.failure)
  }

  func show(_ lines: [RolloutReport.RolloutLine], _ exit: ExitCode) {
    console.result(
      RolloutReport(
        app: environment.app, environment: environment.name, now: clock.now, rollouts: lines, exit: exit))
  }

  /// - Returns: the worst of their codes.
  func show(
    _ results: [(RolloutTarget, RolloutResult)], exit: ExitCode? = nil
  ) throws(Failure) -> ExitCode {
    var lines: [RolloutReport.RolloutLine] = []
    for (target, result) in results { lines.append(try line(target, result.record, result)) }
    let code = exit ?? Self.worst(results.map(\.1.exit))
    show(lines, code)
    return code
  }

  /// One line a rollout, for rounds between the first and the last.
  func follow(_ results: [(RolloutTarget, RolloutResult)]) throws(Failure) {
    guard !console.wantsJSON else {
      _ = try show(results)
      return
    }
    console.result(
      results.map { target, result in
        let share = result.record?.share.map { " at \($0)" } ?? ""
        let readings = target.metrics.compactMap { metric -> String? in
          guard let last = result.record?.metrics[metric.name]?.readings.last else { return nil }
          let value = last.value.map { "\(($0 * 100).rounded() / 100)" } ?? last.outcome
          return "\(metric.name) \(value)"
        }
        let line = ["\(target.key)\(share)  \(result.words)"] + result.notes + readings
        return console.redactor(line.joined(separator: " · "))
      })
  }

  /// Tells those who do not watch; a receiver that is missing or dead is one line.
  func tell(
    _ results: [(before: RolloutRecord?, result: RolloutResult)], root: String, _ variables: [String: String]
  ) async -> String? {
    let isNews = results.contains {
      $0.result.notice(after: $0.before, by: "", link: nil, at: clock.now) != nil
    }
    guard isNews, !environment.notify.isEmpty else { return nil }
    do throws(Failure) {
      return try await Notifying(
        environment, root: root, variables: variables, clock: clock, redact: console.redactor
      ).tell(results)
    } catch { return "not told: \(error.message)" }
  }

  static func worst(_ codes: [ExitCode]) -> ExitCode {
    codes.reduce(.done) { worst, code in
      worst == .done ? code : code == .done ? worst : worst.combined(with: code)
    }
  }
}
