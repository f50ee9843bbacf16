import Concurrency
package import Model

/// What others than the holder may write into the ledger: none of it is a sign of the holder's life.
extension GitLedger {
  package func requestCancel(_ request: CancelRequest) async throws(Failure) -> Lease? {
    try await unstoppable { () async throws(Failure) in try await self.ask(request) }
  }

  private func ask(_ request: CancelRequest) async throws(Failure) -> Lease? {
    await turnstile.enter()
    defer { turnstile.leave() }
    let state = try await refresh()
    guard let lease = state.head.lease, believed(lease) != nil else { return nil }
    if lease.cancel == nil {
      try await swap("\(request.by) asks to cancel", limit: .seconds(30), isHolder: false) {
        head throws(Failure) in
        guard var now = head.lease, now.fence == lease.fence else {
          throw .notAnyMore(lease, now: head.lease, environment: environment)
        }
        now.cancel = now.cancel ?? request
        head.lease = now
        return []
      }
    }
    return known?.head.lease.flatMap(believed)
  }

  package func expel(_ seen: Lease, evenIfRenewed: Bool) async throws(Failure) {
    try await unstoppable { () async throws(Failure) in
      try await self.remove(seen, evenIfRenewed: evenIfRenewed)
    }
  }

  private func remove(_ seen: Lease, evenIfRenewed: Bool) async throws(Failure) {
    await turnstile.enter()
    defer { turnstile.leave() }
    _ = try await refresh()
    try await swap("\(seen.holder.name) is fenced out", limit: .seconds(30), isHolder: false) {
      head throws(Failure) in
      var state = head.state
      state.lease = state.lease.map { watch.believed($0) }
      try state.expel(seen, evenIfRenewed: evenIfRenewed, at: time.now, environment: environment)
      head.fence = state.fence
      head.lease = nil
      return []
    }
    // A holder of this machine keeps others out of the local journal too.
    if let here = try await local.holder(), here.holder.nonce == seen.holder.nonce {
      try await local.expel(here, evenIfRenewed: true)
    }
  }

  private func believed(_ lease: Lease) -> Lease? {
    if let held, held.lease.fence == lease.fence { return held.lease }
    let believed = watch.believed(lease)
    return believed.expires > time.now ? believed : nil
  }
}
