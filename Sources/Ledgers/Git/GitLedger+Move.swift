import Crypto
package import Model

extension GitLedger: MovableLedger {
  package func acquireForMove(holder: Holder) async throws(Failure) -> Lease {
    try await acquire(holder, evenIfMoved: true)
  }

  package func contents() async throws(Failure) -> LedgerContents {
    let key = try await fingerprintKey()
    return try await reading { state throws(Failure) in
      var contents = LedgerContents(
        runs: [], journals: [:], releases: [], hold: state.head.hold, bad: state.head.bad,
        decisions: state.head.decisions ?? [], rollouts: [], fingerprintKey: key)
      guard let tip = state.tip else { return contents }
      let files = try await chain.files([GitPath.runs, GitPath.journals, GitPath.releases], at: tip)
      // Journals come after the runs whose numbers their folders bear.
      for (path, bytes) in files.sorted(by: { $0.key < $1.key }) {
        if path.hasPrefix(GitPath.runs) {
          contents.runs.append(try decoded(RunRecord.self, bytes, path))
        } else if path.hasPrefix(GitPath.releases) {
          contents.releases.append(try decoded(Release.self, bytes, path))
        } else if let run = GitPath.run(ofJournal: path) {
          for line in bytes.split(separator: 10) {
            contents.journals[run, default: []].append(try decoded(JournalEntry.self, Array(line), path))
          }
        }
      }
      contents.rollouts = try await records(of: (state.head.rollouts ?? [:]).keys.sorted(), state)
      contents.runs.sort { $0.id < $1.id }
      contents.releases.sort { $0.number < $1.number }
      return contents
    }
  }

  package func replace(with contents: LedgerContents, lease: Lease) async throws(Failure) {
    let files = try files(of: contents)
    var fresh = GitHead(app: app, environment: environment)
    fresh.lastRun = contents.runs.last?.id.number ?? 0
    fresh.lastRelease = contents.runs.map(\.release).max() ?? 0
    fresh.hold = contents.hold
    fresh.bad = contents.bad
    fresh.decisions = contents.decisions
    if !contents.rollouts.isEmpty {
      fresh.rollouts = Dictionary(
        contents.rollouts.map { ($0.key, $0.version) }, uniquingKeysWith: { _, last in last })
    }
    for release in contents.releases { fresh.add(release) }
    let moved = fresh
    try await unstoppable { () async throws(Failure) in
      try await self.change(
        lease, "\(contents.runs.count) runs moved here by \(lease.holder.name)", patient: true, isWhole: true
      ) { head throws(Failure) in
        let (fence, lease) = (head.fence, head.lease)
        head = moved
        (head.fence, head.lease) = (fence, lease)
        return files
      }
    }
  }

  private nonisolated func files(of contents: LedgerContents) throws(Failure) -> [(
    path: String, bytes: [UInt8]
  )] {
    var files = [(GitPath.key, Array(Hex.encode(contents.fingerprintKey).utf8))]
    for run in contents.runs {
      files.append((GitPath.run(run.id), try encoded(run)))
      guard let entries = contents.journals[run.id], let first = entries.first else { continue }
      var lines: [UInt8] = []
      for entry in entries { lines += try encoded(entry) + [10] }
      files.append((GitPath.journal(run.id, from: first.sequence), lines))
    }
    for release in contents.releases { files.append((GitPath.release(release.number), try encoded(release))) }
    for rollout in contents.rollouts { files.append((GitPath.rollout(rollout.key), try encoded(rollout))) }
    return files
  }

  package func moved() async throws(Failure) -> LedgerMove? { try await reading { $0.head.moved } }

  package func leave(for move: LedgerMove, lease: Lease) async throws(Failure) {
    try await unstoppable { () async throws(Failure) in
      try await self.change(lease, "moved to \(move.to.yaml)", patient: true) {
        $0.moved = move
        $0.version = GitHead.version
        return []
      }
    }
  }
}
