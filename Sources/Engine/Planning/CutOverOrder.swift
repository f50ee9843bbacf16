package import Model

/// Orders go-live over all services (DESIGN §6): first everything staged is built and proven dark, then gated
/// and stop-first services go live, then what is staged is promoted. A failed build or gate of the first two is
/// thereby seen by nobody who asks a staged service.
///
/// What a service itself needs comes first: an order that would close a circle is left out.
package struct CutOverOrder {
  private let staged: [ServiceName]
  private let others: [ServiceName]

  init(services: [PlannedService]) {
    self.init(
      staged: services.filter { $0.cutOver == .staged }.map(\.service),
      others: services.filter { $0.cutOver != .staged }.map(\.service))
  }

  /// - Parameters:
  ///   - staged: services that are proven dark and promoted.
  ///   - others: services that go live when they are deployed.
  package init(staged: [ServiceName], others: [ServiceName]) {
    self.staged = staged
    self.others = others
  }

  /// The steps with the needs that the order adds.
  package func arranged(_ steps: [Step]) -> [Step] {
    guard !staged.isEmpty, !others.isEmpty else { return steps }
    var steps = steps
    var places: [StepID: Int] = [:]
    for (index, step) in steps.enumerated() { places[step.id] = index }

    func reaches(_ from: StepID, _ wanted: StepID) -> Bool {
      var seen: Set<StepID> = []
      var open = [from]
      while let id = open.popLast() {
        if id == wanted { return true }
        guard seen.insert(id).inserted, let place = places[id] else { continue }
        open += steps[place].needs
      }
      return false
    }
    func order(_ later: StepID, after earlier: StepID) {
      guard let place = places[later], places[earlier] != nil, !steps[place].needs.contains(earlier),
        !reaches(earlier, later)
      else { return }
      steps[place].needs.append(earlier)
    }

    for gated in others {
      // What only writes configuration waits too: it would be put back for nothing.
      for step in ["settings", "variables", "deploy"] {
        for dark in staged { order(StepID("\(gated).\(step)"), after: StepID("\(dark).verify")) }
      }
    }
    for dark in staged {
      for gated in others { order(StepID("\(dark).promote"), after: StepID("\(gated).prove")) }
    }
    return steps
  }
}
