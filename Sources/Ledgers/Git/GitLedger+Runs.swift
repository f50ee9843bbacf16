package import Concurrency
package import Model

extension GitLedger {
  // MARK: Runs

  package func open(_ plan: Plan, by: String, at: Timestamp, lease: Lease) async throws(Failure) -> RunRecord
  {
    try await unstoppable { () async throws(Failure) in
      try await self.begin(plan, by: by, at: at, lease: lease)
    }
  }

  private func begin(_ plan: Plan, by: String, at: Timestamp, lease: Lease) async throws(Failure) -> RunRecord
  {
    var opened: RunRecord?
    try await change(lease, "\(plan.kind.rawValue) \(plan.commit.prefix(12)) begins", patient: false) {
      head throws(Failure) in
      try RunRules.checkOpening(openRun: head.run?.id, environment: environment)
      head.lastRun += 1
      head.lastRelease += 1
      let record = RunRecord(
        id: RunID(head.lastRun), release: head.lastRelease, plan: plan, by: by, startedAt: at)
      head.run = GitHead.OpenRun(id: record.id, release: record.release, entries: 0)
      opened = record
      return [(GitPath.run(record.id), try encoded(record))]
    }
    guard let opened else { throw Failure(.internalError, "the run got no number") }
    if let held { try await local.mirror(opened, journal: [], lease: held.local) }
    follow(opened, [])
    return opened
  }

  /// Prepares for the journal of an open run.
  private func follow(_ record: RunRecord, _ entries: [JournalEntry]) {
    held?.run = record
    held?.announced = []
    held?.traceless = []
    note(record.plan.steps)
    note(entries)
  }

  private func note(_ entries: [JournalEntry]) {
    for case .turned(_, _, let undo) in entries.map(\.fact) { note(undo) }
  }

  private func note(_ steps: [Step]) {
    for step in steps {
      if step.isPointOfNoReturn || !step.isRepeatable { held?.announced.insert(step.id) }
      if case .command = step.action, !step.isRepeatable { held?.traceless.insert(step.id) }
      note(step.undo)
    }
  }

  package func append(_ entries: [JournalEntry], to run: RunID, lease: Lease) async throws(Failure) {
    try await unstoppable { () async throws(Failure) in try await self.write(entries, to: run, lease: lease) }
  }

  /// Durable here at once. On the remote too before a step after which users get other code or a schema is another,
  /// or that must not be done twice, and when the run turns, for the steps it will then do are in no plan.
  private func write(_ entries: [JournalEntry], to run: RunID, lease: Lease) async throws(Failure) {
    guard let mine = held, mine.lease.fence == lease.fence, mine.lease.holder.nonce == lease.holder.nonce
    else {
      // Whose lease it is by now, in the remote's words.
      try await change(lease, "journal of run \(run)", patient: false) { head throws(Failure) in
        try RunRules.checkAppending(entries, to: run, after: head.run?.entries ?? 0, isOpen: nil)
        return []
      }
      return
    }
    try await local.append(entries, to: run, lease: mine.local)
    held?.unpushed += entries
    note(entries)
    let isDoubtful = time.now - mine.confirmedAt >= lease.duration * 2 / 3
    if isDoubtful || entries.contains(where: isPointOfNoReturn) {
      try await change(lease, "journal of run \(run)", patient: true) { _ in [] }
    } else if time.now - mine.confirmedAt >= options.coalescing, !mine.isFlushing {
      held?.isFlushing = true
      // Nobody waits for it. What does not get through goes with the next push.
      Task {
        try? await self.change(lease, "journal of run \(run)", patient: false) { _ in [] }
        self.held?.isFlushing = false
      }
    }
  }

  private func isPointOfNoReturn(_ entry: JournalEntry) -> Bool {
    switch entry.fact {
    case .began(let step, _, _): held?.announced.contains(step) ?? true
    case .ended(let step, _, _): held?.traceless.contains(step) ?? true
    case .turned: true
    default: false
    }
  }

  package func close(_ run: RunID, result: RunResult, release: Release?, lease: Lease) async throws(Failure) {
    try await unstoppable { () async throws(Failure) in
      try await self.end(run, result: result, release: release, lease: lease)
    }
  }

  private func end(_ run: RunID, result: RunResult, release: Release?, lease: Lease) async throws(Failure) {
    let known = held?.run?.id == run ? held?.run : try await self.run(run)
    try await change(lease, "run \(run) ends: \(result.state.rawValue)", patient: true) {
      head throws(Failure) in
      let isOpen = head.run?.id == run ? true : run.number <= head.lastRun && run.number > 0 ? false : nil
      try RunRules.checkClosing(run, isOpen: isOpen, number: known?.release, release: release)
      guard var record = known else { return [] }
      record.result = result
      record.endedAt = release?.endedAt ?? time.now
      head.run = nil
      var files = [(GitPath.run(run), try encoded(record))]
      if let release {
        head.add(release)
        files.append((GitPath.release(release.number), try encoded(release)))
      }
      return files
    }
    held?.run = nil
    // Kept open, it would be taken for a run that goes on; a crash before this is mended by `adopt`.
    if let held { try await local.mirror(nil, journal: [], lease: held.local) }
  }

  /// After the lease was taken: the open run's journal is the remote's, or the longer one of this machine when
  /// it goes on from there, for then this is where it was interrupted.
  func adopt() async throws(Failure) {
    guard let mine = held else { return }
    guard let record = try await openRun() else {
      return try await local.mirror(nil, journal: [], lease: mine.local)
    }
    let pushed = try await reading { state throws(Failure) in try await entries(of: record.id, state) }
    if try await local.openRun() == record {
      let here = try await local.journal(of: record.id)
      if here.starts(with: pushed) {
        follow(record, here)
        held?.unpushed = Array(here.dropFirst(pushed.count))
        return
      }
    }
    try await local.mirror(record, journal: pushed, lease: mine.local)
    follow(record, pushed)
  }

  package func openRun() async throws(Failure) -> RunRecord? {
    try await reading { state throws(Failure) in
      guard let open = state.head.run else { return nil }
      if let record = held?.run, record.id == open.id { return record }
      return try await records([open.id], state).first
    }
  }

  package func run(_ id: RunID) async throws(Failure) -> RunRecord? {
    try await reading { state throws(Failure) in try await records([id], state).first }
  }

  package func runs(limit: Int) async throws(Failure) -> [RunRecord] {
    try await reading { state throws(Failure) in
      let oldest = max(1, state.head.lastRun - max(0, limit) + 1)
      guard limit > 0, oldest <= state.head.lastRun else { return [] }
      return try await records((oldest...state.head.lastRun).reversed().map { RunID($0) }, state)
    }
  }

  private func records(_ ids: [RunID], _ state: Known) async throws(Failure) -> [RunRecord] {
    guard let tip = state.tip else { return [] }
    let wanted = ids.filter { $0.number > 0 && $0.number <= state.head.lastRun }.map { GitPath.run($0) }
    let files = try await chain.files(wanted, at: tip)
    var records: [RunRecord] = []
    for path in wanted {
      if let bytes = files[path] { records.append(try decoded(RunRecord.self, bytes, path)) }
    }
    return records
  }

  package func journal(of run: RunID) async throws(Failure) -> [JournalEntry] {
    if held?.run?.id == run { return try await local.journal(of: run) }
    let (pushed, isOpen) = try await reading { state throws(Failure) in
      (try await entries(of: run, state), state.head.run?.id == run)
    }
    // On the machine where the run goes on, or was interrupted, more is known.
    guard isOpen, let record = try await local.openRun(), record.id == run, try await openRun() == record
    else {
      return pushed
    }
    let here = try await local.journal(of: run)
    return here.starts(with: pushed) ? here : pushed
  }

  private func entries(of run: RunID, _ state: Known) async throws(Failure) -> [JournalEntry] {
    guard let tip = state.tip, run.number > 0 else { return [] }
    var entries: [JournalEntry] = []
    let files = try await chain.files([GitPath.journal(run)], at: tip)
    for (path, bytes) in files.sorted(by: { $0.key < $1.key }) {
      for line in bytes.split(separator: 10) {
        entries.append(try decoded(JournalEntry.self, Array(line), path))
      }
    }
    return entries
  }

  // MARK: Releases

  package func releases(limit: Int) async throws(Failure) -> [Release] {
    try await reading { state throws(Failure) in
      if limit <= state.head.releases.count || state.head.releases.count < GitHead.keptReleases {
        return Array(state.head.releases.prefix(max(0, limit)))
      }
      guard let tip = state.tip else { return [] }
      let paths = try await chain.list([GitPath.releases], at: tip).sorted(by: >).prefix(limit)
      let files = try await chain.files(Array(paths), at: tip)
      var releases: [Release] = []
      for path in paths { releases.append(try decoded(Release.self, files[path] ?? [], path)) }
      return releases
    }
  }

  package func release(number: Int) async throws(Failure) -> Release? {
    try await reading { state throws(Failure) in
      if let release = state.head.releases.first(where: { $0.number == number }) { return release }
      guard let tip = state.tip, number > 0, number <= state.head.lastRelease else { return nil }
      let path = GitPath.release(number)
      guard let bytes = try await chain.files([path], at: tip)[path] else { return nil }
      return try decoded(Release.self, bytes, path)
    }
  }

  // MARK: Hold, bad commits

  package func hold() async throws(Failure) -> Hold? { try await reading { $0.head.hold } }

  package func setHold(_ hold: Hold?, lease: Lease?) async throws(Failure) {
    let subject = hold == nil ? "hold lifted" : "on hold"
    try await unstoppable { () async throws(Failure) in
      guard let lease else { return try await self.note(subject) { $0.hold = hold } }
      try await self.change(lease, subject, patient: true) {
        $0.hold = hold
        return []
      }
    }
  }

  package func badCommits() async throws(Failure) -> [String: Int] { try await reading { $0.head.bad } }

  package func markBad(_ commit: String, release: Int, lease: Lease) async throws(Failure) {
    try await unstoppable { () async throws(Failure) in
      try await self.change(lease, "commit \(commit.prefix(12)) is bad", patient: true) {
        $0.bad[commit] = release
        return []
      }
    }
  }

  package func clearBad(_ commit: String, lease: Lease) async throws(Failure) {
    try await unstoppable { () async throws(Failure) in
      try await self.change(lease, "commit \(commit.prefix(12)) is not bad any more", patient: true) {
        $0.bad[commit] = nil
        return []
      }
    }
  }

  // MARK: Decisions

  package func decisions(limit: Int) async throws(Failure) -> [Decision] {
    try await reading { Array(($0.head.decisions ?? []).prefix(max(0, limit))) }
  }

  package func record(_ decision: Decision) async throws(Failure) {
    try await unstoppable { () async throws(Failure) in
      try await self.note("\(decision.kind.rawValue) by \(decision.by)") { $0.add(decision) }
    }
  }
}
