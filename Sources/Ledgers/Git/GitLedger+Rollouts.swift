package import Model

/// Records of rollouts: a file each, and their versions in the head, by which a push knows whether it comes too late.
extension GitLedger {
  package func rollouts() async throws(Failure) -> [RolloutRecord] {
    let state = try await present()
    return try await records(of: (state.head.rollouts ?? [:]).keys.sorted(), state)
  }

  package func rollout(_ key: String) async throws(Failure) -> RolloutRecord? {
    let state = try await present()
    guard state.head.rollouts?[key] != nil else { return nil }
    return try await records(of: [key], state).first
  }

  /// Asked anew, also by the holder of the lease: a person's word needs none.
  private func present() async throws(Failure) -> Known {
    await turnstile.enter()
    defer { turnstile.leave() }
    return try await refresh()
  }

  func records(of keys: [String], _ state: Known) async throws(Failure) -> [RolloutRecord] {
    guard let tip = state.tip, !keys.isEmpty else { return [] }
    let files = try await chain.files(keys.map(GitPath.rollout), at: tip)
    var records: [RolloutRecord] = []
    for path in keys.map(GitPath.rollout) {
      guard let bytes = files[path] else { throw unreadable(path) }
      records.append(try decoded(RolloutRecord.self, bytes, path))
    }
    return records
  }

  package func write(_ rollout: RolloutRecord, lease: Lease?) async throws(Failure) -> Bool {
    try await unstoppable { () async throws(Failure) in try await self.put(rollout, lease: lease) }
  }

  private func put(_ rollout: RolloutRecord, lease: Lease?) async throws(Failure) -> Bool {
    let bytes = try encoded(rollout)
    let subject = "rollout \(rollout.key): \(rollout.status.rawValue)"
    var isWritten = false
    let change: (inout GitHead) -> [(path: String, bytes: [UInt8])] = { head in
      isWritten = rollout.version == (head.rollouts?[rollout.key] ?? 0) + 1
      guard isWritten else { return [] }
      head.rollouts = (head.rollouts ?? [:]).merging([rollout.key: rollout.version]) { $1 }
      return [(GitPath.rollout(rollout.key), bytes)]
    }
    if let lease {
      try await self.change(lease, subject, patient: true) { change(&$0) }
      return isWritten
    }
    await turnstile.enter()
    defer { turnstile.leave() }
    // Nothing is pushed on top of a state that is known to be another already.
    guard rollout.version == (try await refresh().head.rollouts?[rollout.key] ?? 0) + 1 else { return false }
    try await swap(subject, limit: .seconds(30), isHolder: false) { change(&$0) }
    return isWritten
  }
}
