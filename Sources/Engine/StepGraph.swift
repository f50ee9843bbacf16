import Concurrency
import Model

/// The steps of one phase: the plan's own, or those that take things back.
///
/// Every event asks about all of them; what is asked stands in small arrays beside the states, which are large.
struct StepGraph {
  /// In the plan's order.
  private(set) var all: [StepState] = []
  /// The longest expected way from a step to the end, in seconds, by place: critical path first.
  private(set) var urgencies: [Double] = []
  private var places: [StepID: Int] = [:]
  /// What each step needs, by place.
  private var needs: [[Int]] = []
  private var standings: [Standing] = []

  /// As much of a step's state as decides what may begin.
  private enum Standing: UInt8 {
    case pending
    case busy
    case unknown
    /// Neither at work nor settled: its end is being written, or its next attempt is to come.
    case between
    case done
    /// Settled and not done.
    case settled
    case failed
    /// A failure that is not settled.
    case failing

    var isSettled: Bool { self == .done || self == .settled || self == .failed }

    init(_ state: StepState) {
      switch state.status {
      case .pending: self = .pending
      case .beginning, .running, .abandoning: self = .busy
      case .unknown: self = .unknown
      case .ended, .unattended, .skipped, .backingOff, .ending:
        // An ambiguous end is a failure, and not settled.
        self =
          state.failure != nil
          ? (state.isSettled ? .failed : .failing)
          : state.isDone ? .done : state.isSettled ? .settled : .between
      }
    }
  }

  init(_ steps: [Step]) {
    for step in steps where places[step.id] == nil {
      places[step.id] = all.count
      all.append(StepState(step))
    }
    var urgency: [StepID: Double] = [:]
    for state in all.reversed() {
      let own = urgency[state.step.id, default: 0] + max(state.step.expected.inSeconds, 0.001)
      urgency[state.step.id] = own
      for need in state.step.needs { urgency[need] = max(urgency[need, default: 0], own) }
    }
    urgencies = all.map { urgency[$0.step.id, default: 0] }
    needs = all.map { $0.step.needs.compactMap { places[$0] } }
    standings = all.map(Standing.init)
  }

  subscript(id: StepID) -> StepState? { places[id].map { all[$0] } }

  /// Changes a step's state in place. False when it is none of these steps.
  mutating func update(_ id: StepID, _ change: (inout StepState) -> Void) -> Bool {
    guard let place = places[id] else { return false }
    change(&all[place])
    standings[place] = Standing(all[place])
    return true
  }

  /// Nothing will change any more in this run.
  var isSettled: Bool { standings.allSatisfy(\.isSettled) }

  var hasUnknown: Bool { standings.contains(.unknown) }

  /// Of the first step in the plan's order that has one.
  var firstFailure: Failure? {
    standings.firstIndex { $0 == .failed || $0 == .failing }.flatMap { all[$0].failure }
  }

  /// The steps that take a place in their lane.
  var busyPlaces: [Int] { standings.indices.filter { standings[$0] == .busy || standings[$0] == .unknown } }

  /// The steps that are to come and have what they need.
  /// - Parameter isLenient: it is enough that what they need is settled.
  func readyPlaces(isLenient: Bool) -> [Int] {
    standings.indices.filter { place in
      standings[place] == .pending
        && needs[place].allSatisfy { isLenient ? standings[$0].isSettled : standings[$0] == .done }
    }
  }
}
