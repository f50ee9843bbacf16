extension Joiner {
  /// What the workflows do, what is wrong in them, and whether several deploy the same push.
  mutating func joinWorkflows() {
    for workflow in facts.workflows {
      draft.dangers += WorkflowDangers.find(workflow)
      let hosts = hosts(workflow)
      let migrates = !workflow.migrations.isEmpty
      draft.workflows.append(
        DraftWorkflow(
          file: workflow.file, hosts: hosts,
          isReplaceable: hosts.contains(where: \.isCarried) || (hosts.isEmpty && migrates),
          secrets: workflow.secrets.keys.filter { $0 != "GITHUB_TOKEN" }.sorted()))
    }
    deployers()
    order()
  }

  /// With those of the workflows it calls.
  private func hosts(_ workflow: Workflow) -> [Host] {
    var found = workflow.deploys.map(\.value)
    for call in workflow.calls {
      let called = facts.workflows.first { $0.file == call.value }
      for host in called?.deploys.map(\.value) ?? [] where !found.contains(host) { found.append(host) }
    }
    return found
  }

  /// Several workflows that put the same push live in several places.
  private mutating func deployers() {
    let automatic = facts.workflows.filter { $0.isAutomatic && !hosts($0).isEmpty }
    guard automatic.count > 1 else { return }
    let carried = automatic.filter { hosts($0).contains(where: \.isCarried) }
    let foreign = automatic.filter { !hosts($0).contains(where: \.isCarried) }
    let places = Set(automatic.flatMap(hosts))
    guard places.count > 1 else { return }
    // Two of shipit's own platforms usually hold two halves of one product.
    let suspects = foreign.isEmpty ? [] : (carried.isEmpty ? Array(foreign.dropFirst()) : foreign)
    for workflow in suspects {
      guard let place = workflow.deploys.first else { continue }
      let other = (carried.first ?? foreign.first)
      guard let other, other.file != workflow.file else { continue }
      draft.dangers.append(
        Danger(
          .twoDeployers, place.evidence,
          "the same push goes to \(place.value.title) here and to \(hosts(other).map(\.title).joined(separator: ", ")) by \(other.file): which one serves people?",
          others: [Evidence(other.file)]))
    }
    // One application, and more than one place for it.
    if facts.units.filter({ $0.host.isCarried && !$0.isBare }).isEmpty, carried.count > 1 {
      for workflow in carried.dropFirst() {
        guard let place = workflow.deploys.first else { continue }
        draft.dangers.append(
          Danger(
            .twoDeployers, place.evidence,
            "the same push goes to \(place.value.title) here and to \(hosts(carried[0]).map(\.title).joined(separator: ", ")) by \(carried[0].file): which one serves people?",
            others: [Evidence(carried[0].file)]))
      }
    }
  }

  /// Two workflows that start from the same event, one for each half of a product.
  private mutating func order() {
    let carried = facts.workflows.filter { $0.isAutomatic && $0.deploys.contains { $0.value.isCarried } }
    for (index, workflow) in carried.enumerated() {
      for earlier in carried[..<index] {
        let isSame =
          workflow.triggers.after == earlier.triggers.after && workflow.triggers.push == earlier.triggers.push
        guard isSame, Set(hosts(workflow)) != Set(hosts(earlier)) else { continue }
        draft.dangers.append(
          Danger(
            .noOrder, Evidence(workflow.file),
            "it starts by the same event as \(earlier.file): nothing says which of the two is live first",
            others: [Evidence(earlier.file)]))
      }
    }
  }
}
