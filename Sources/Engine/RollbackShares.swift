import Concurrency
import Model

/// How long taking things back may last, and how that time is shared among its steps, which go one after
/// the other.
///
/// A step's share: for a restore three times what it is expected to take and a minute at least, ten minutes
/// where the old source is built or rolled out again; for a proof what `health.within` allows; for anything else three times
/// what it is expected to take and half a minute at least. Together at least five minutes and at most thirty;
/// where the shares come to more, each is cut by the same part.
struct RollbackShares {
  static let least = Duration.seconds(300)
  static let most = Duration.seconds(1800)
  /// A step gets this much even when those before it have used everything up.
  static let leastStep = Duration.seconds(10)

  /// For all steps together.
  let total: Duration
  private let part: Double

  init(_ steps: [Step]) {
    let wanted = steps.reduce(Duration.zero) { $0 + RollbackShares.wanted($1) }
    total = min(max(wanted, RollbackShares.least), RollbackShares.most)
    part = wanted > RollbackShares.most ? RollbackShares.most / wanted : 1
  }

  /// What some of the steps have together.
  func sum(of steps: [Step]) -> Duration {
    steps.reduce(.zero) { $0 + RollbackShares.wanted($1) } * part
  }

  private static func wanted(_ step: Step) -> Duration {
    switch step.action {
    case .restore(let restore):
      restore.mode == .rebuild || restore.mode == .redeploy
        ? .seconds(600) : max(step.expected * 3, .seconds(60))
    case .prove(let proof), .soak(let proof): proof.health.within
    default: max(step.expected * 3, .seconds(30))
    }
  }
}
