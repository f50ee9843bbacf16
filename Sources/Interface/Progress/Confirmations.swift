import Model

extension Step {
  /// The last look at a service before a release is called live. All of them together are one line to people.
  var isConfirmation: Bool {
    if case .soak(let request) = action { request.health.soak == .zero } else { false }
  }
}

/// The last looks of a plan as the one step that people see.
enum Confirmations {
  static let title = "look at all once more"
}

extension RunPicture {
  private var confirmations: [StepPicture] {
    order.compactMap { steps[$0] }.filter { $0.step.isConfirmation && !$0.isUndo }
  }

  /// The step under which its own line stands, for the last looks all under the first.
  func line(of id: StepID) -> StepPicture? {
    guard let step = steps[id] else { return nil }
    guard step.step.isConfirmation, !step.isUndo, case let all = confirmations, all.count > 1,
      let first = all.first
    else { return step }
    // One that fails speaks for itself.
    if case .failed = step.phase { return step }
    var folded = first
    folded.step.title = Confirmations.title
    folded.beganAt = all.compactMap(\.beganAt).min()
    folded.progress = nil
    folded.log = []
    if all.allSatisfy({ if case .done = $0.phase { true } else { false } }) {
      folded.endedAt = all.compactMap(\.endedAt).max()
      folded.phase = .done(StepResult(summary: "still as proven"))
    } else {
      folded.endedAt = nil
      folded.phase = folded.beganAt == nil ? .waiting : .running
    }
    return folded
  }

  /// Whether an event of the step is told: of the last looks, that the first begins and that all have ended well,
  /// or what went wrong.
  func isTold(_ id: StepID, begins: Bool) -> Bool {
    guard let step = steps[id], step.step.isConfirmation, !step.isUndo, case let all = confirmations,
      all.count > 1
    else { return true }
    if begins { return all.count { $0.beganAt != nil } == 1 }
    switch step.phase {
    case .failed, .unknown, .retrying: return true
    case .done: return all.allSatisfy { if case .done = $0.phase { true } else { false } }
    case .waiting, .running, .probing, .stopped, .cancelled: return false
    }
  }

  /// What is shown of several steps, each line once.
  func lines(of pictures: [StepPicture]) -> [StepPicture] {
    var isShown = false
    return pictures.compactMap { picture in
      guard picture.step.isConfirmation, !picture.isUndo, let line = line(of: picture.step.id) else {
        return picture
      }
      if case .failed = picture.phase { return picture }
      defer { isShown = true }
      return isShown ? nil : line
    }
  }
}
