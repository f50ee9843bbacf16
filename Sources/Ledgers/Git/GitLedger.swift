package import Concurrency
import Crypto
import FoundationEssentials
package import Model
import Processes

/// The ledger of one environment as commits under `refs/shipit/ENV` of the project's remote.
///
/// Every write is a compare-and-swap push. The journal is written through a local one, which is durable at
/// once; it is pushed before each cut-over and each step that must not be repeated, with every renewal, and else at most every 15 s.
package actor GitLedger: Ledger {
  /// The chain's end as we know it. Without a tip there is no ledger yet.
  struct Known: Sendable {
    var tip: String?
    var head: GitHead
    /// The last sign of life of whoever holds the lease.
    var beat: String? { head.beat ?? tip }
  }

  /// What the holder knows.
  struct Held {
    var lease: Lease
    /// The same process's lease of the local journal, which keeps others of this machine out at once.
    var local: Lease
    /// By our own clock, when the last successful push was asked for.
    var confirmedAt: Timestamp
    var run: RunRecord?
    /// Steps of the open run that must not begin before the remote knows: users get other code by them, or they
    /// must not be done twice.
    var announced: Set<StepID> = []
    /// Those of them that leave nothing that could be found: their end is told at once too.
    var traceless: Set<StepID> = []
    /// Durable here, not yet on the remote.
    var unpushed: [JournalEntry] = []
    var isFlushing = false
  }

  nonisolated let environment: String
  nonisolated let app: String
  nonisolated let time: any TimeSource
  nonisolated let options: Options
  nonisolated let chain: LedgerChain
  nonisolated let local: LocalLedger
  nonisolated let turnstile = Turnstile()
  private nonisolated let tell: @Sendable (String) -> Void
  private(set) var known: Known?
  private var lookedAt: Timestamp?
  private(set) var watch = LeaseWatch()
  var held: Held?

  /// Opens the ledger. The remote is asked when something is wanted of it.
  /// - Parameters:
  ///   - root: the project's root, in a git repository with the remote.
  ///   - process: the variables of this process, of which git gets few.
  ///   - tell: gets a line when a wait begins.
  /// - Throws: `configuration` without git, repository or remote; `failed` when `.shipit` cannot be used.
  package static func open(
    root: String, app: String, environment: String, time: any TimeSource, process: [String: String],
    remote: String = "origin", options: Options = Options(),
    tell: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws(Failure) -> GitLedger {
    let file = try LedgerFile(root: root, environment: environment, folder: "git")
    guard environment.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") })
    else {
      throw Failure(
        .configuration, "\(environment) cannot be the name of an environment with `state: git`",
        hint: "use letters, digits and hyphens")
    }
    let git = LedgerGit(process: process)
    let found = try await LedgerRemote.find(remote, in: root, git: git)
    let local = try await LocalLedger.open(file, environment: environment, time: time, timing: options.timing)
    let chain = try await LedgerChain(
      remote: found, environment: environment, directory: file.directory, git: git)
    return GitLedger(
      environment: environment, app: app, time: time, options: options, chain: chain, local: local, tell: tell
    )
  }

  private init(
    environment: String, app: String, time: any TimeSource, options: Options, chain: LedgerChain,
    local: LocalLedger, tell: @escaping @Sendable (String) -> Void
  ) {
    self.environment = environment
    self.app = app
    self.time = time
    self.options = options
    self.chain = chain
    self.local = local
    self.tell = tell
  }

  // MARK: Lease

  package func acquire(holder: Holder) async throws(Failure) -> Lease {
    try await acquire(holder, evenIfMoved: false)
  }

  func acquire(_ holder: Holder, evenIfMoved: Bool) async throws(Failure) -> Lease {
    var mine = try await local.acquire(holder: holder)
    do throws(Failure) {
      let start = time.now
      var seen: String??
      while true {
        let answer = try await attempt(holder, evenIfMoved: evenIfMoved, local: mine)
        guard case .held(let lease, let beat) = answer else { break }
        let patience = options.patience ?? lease.duration + .seconds(1)
        // A reference that its holder moved has a living one behind it.
        guard seen == nil || seen == .some(beat), time.now - start < patience else {
          throw .held(lease, environment: environment, at: time.now)
        }
        if seen == nil {
          let limit = max(1, (lease.expires - time.now).wholeMilliseconds / 1000)
          tell(
            "\(lease.holder.name) holds \(environment): \(lease.holder.purpose); watching for \(limit) s whether it lives"
          )
        }
        seen = .some(beat)
        let poll = max(.milliseconds(100), lease.heartbeat / 20)
        do {
          try await time.sleep(until: min(time.now + poll, max(lease.expires, time.now + .milliseconds(10))))
        } catch {
          throw Failure(.cancelled, "stopped while waiting for the lease of \(environment)")
        }
        mine = try await local.renew(mine)
      }
      guard let lease = held?.lease else {
        throw Failure(.internalError, "the lease of \(environment) was taken and forgotten")
      }
      try await adopt()
      return lease
    } catch {
      if let lease = held?.lease { await release(lease) } else { await local.release(mine) }
      throw error
    }
  }

  private enum Attempt {
    case taken
    /// Its end is the moment until which it has to be believed.
    case held(Lease, beat: String?)
  }

  private func attempt(_ holder: Holder, evenIfMoved: Bool, local mine: Lease) async throws(Failure)
    -> Attempt
  {
    await turnstile.enter()
    defer { turnstile.leave() }
    let state: Known
    if let known, let lease = known.head.lease, watch.believed(lease).expires <= time.now {
      // Watched to its end: no need to look once more, for the push wins only where nothing has moved.
      state = known
    } else {
      state = try await refresh()
    }
    if let lease = state.head.lease.map({ watch.believed($0) }), lease.expires > time.now {
      return .held(lease, beat: state.beat)
    }
    let askedAt = time.now
    var taken: Lease?
    do throws(Failure) {
      try await swap("\(holder.purpose) by \(holder.name)", limit: .seconds(30)) { head throws(Failure) in
        if !evenIfMoved, let move = head.moved { throw .moved(move, environment: environment) }
        var state = head.state
        state.lease = state.lease.map { watch.believed($0) }
        let lease = try state.acquire(
          holder, timing: options.timing, at: askedAt, environment: environment, isDead: { _ in false })
        head.fence = state.fence
        head.lease = lease
        taken = lease
        return []
      }
    } catch {
      // Somebody was faster.
      guard error.kind == .leaseHeld, let lease = known?.head.lease else { throw error }
      return .held(watch.believed(lease), beat: known?.beat)
    }
    guard let taken else { throw Failure(.internalError, "the lease was written without being taken") }
    held = Held(lease: taken, local: mine, confirmedAt: askedAt)
    return .taken
  }

  package func renew(_ lease: Lease) async throws(Failure) -> Lease {
    try await unstoppable { () async throws(Failure) in try await self.beat(lease) }
  }

  private func beat(_ lease: Lease) async throws(Failure) -> Lease {
    let askedAt = time.now
    var asked: CancelRequest?
    try await change(lease, "renewed by \(lease.holder.name)", patient: false) {
      asked = $0.lease?.cancel
      return []
    }
    if let local = held?.local { held?.local = try await self.local.renew(local) }
    var renewed = lease
    renewed.expires = askedAt + lease.duration
    renewed.cancel = asked
    held?.lease = renewed
    return renewed
  }

  package func release(_ lease: Lease) async {
    // What cannot be recorded does no harm: the lease expires.
    try? await unstoppable { () async throws(Failure) in
      try await self.change(lease, "given back by \(lease.holder.name)", patient: false, limit: .seconds(3)) {
        $0.lease = nil
        return []
      }
    }
    if let held, held.lease.fence == lease.fence, held.lease.holder.nonce == lease.holder.nonce {
      await local.release(held.local)
      self.held = nil
    }
  }

  package func holder() async throws(Failure) -> Lease? {
    await turnstile.enter()
    defer { turnstile.leave() }
    let state = try await refresh()
    guard let lease = state.head.lease else { return nil }
    if let held, held.lease.fence == lease.fence { return held.lease }
    let believed = watch.believed(lease)
    return believed.expires > time.now ? believed : nil
  }

  // MARK: Writing

  /// Changes the head under the lease, and pushes what the local journal has gathered along with it.
  /// - Parameters:
  ///   - patient: while the remote is silent, try again as long as the lease surely stands.
  ///   - limit: for the push.
  ///   - isWhole: `body` gives all files; those of before go.
  ///   - body: gives the files that change besides the head. It may run several times.
  /// - Throws: `stale` when the lease was lost; `failed` when the remote cannot be reached.
  func change(
    _ lease: Lease, _ message: String, patient: Bool, limit: Duration = .seconds(30), isWhole: Bool = false,
    _ body: (inout GitHead) throws(Failure) -> [(path: String, bytes: [UInt8])]
  ) async throws(Failure) {
    await turnstile.enter()
    defer { turnstile.leave() }
    let askedAt = time.now
    let isHeld = held?.lease.fence == lease.fence && held?.lease.holder.nonce == lease.holder.nonce
    // Who does not hold it here has to ask: it may be the taker of a lease that was ours.
    if !isHeld { _ = try await refresh() }
    let unpushed = isHeld ? held?.unpushed ?? [] : []
    let until = patient ? (held?.confirmedAt ?? askedAt) + lease.duration * 2 / 3 : askedAt
    do throws(Failure) {
      try await swap(message, until: until, limit: limit, isWhole: isWhole) { head throws(Failure) in
        try head.state.verify(lease, environment: environment)
        let files = try journalFile(unpushed, &head)
        return files + (try body(&head))
      }
    } catch {
      if isHeld, error.kind == .stale, let lost = held {
        held = nil
        await local.release(lost.local)
      }
      throw error
    }
    guard isHeld else { return }
    held?.confirmedAt = askedAt
    if let last = unpushed.last { held?.unpushed.removeAll { $0.sequence <= last.sequence } }
  }

  private func journalFile(
    _ entries: [JournalEntry], _ head: inout GitHead
  ) throws(Failure) -> [(path: String, bytes: [UInt8])] {
    guard let run = head.run else { return [] }
    let fresh = entries.filter { $0.sequence > run.entries }
    guard let first = fresh.first, let last = fresh.last else { return [] }
    head.run?.entries = last.sequence
    var lines: [UInt8] = []
    for entry in fresh { lines += try encoded(entry) + [10] }
    return [(GitPath.journal(run.id, from: first.sequence), lines)]
  }

  /// Applies a change to the newest state until a push of it wins, or the change does not hold any more.
  /// - Parameter isHolder: it is the holder who writes, or becomes it: a sign of life.
  func swap(
    _ message: String, until: Timestamp = Timestamp(milliseconds: 0), limit: Duration,
    isWhole: Bool = false, isHolder: Bool = true,
    _ body: (inout GitHead) throws(Failure) -> [(path: String, bytes: [UInt8])]
  ) async throws(Failure) {
    var attempted: String?
    var tries = 0
    while true {
      do throws(Failure) {
        // After a push that did not win: did it win unseen, and if not, on what is to be built?
        if known == nil || attempted != nil {
          let state = try await refresh(limit: limit)
          if let attempted, state.tip == attempted { return }
        }
        let base = known ?? Known(tip: nil, head: GitHead(app: app, environment: environment))
        var head = base.head
        head.beat = isHolder ? nil : base.beat
        var files = try body(&head)
        if base.tip == nil, !isWhole { files.append((GitPath.key, Array(Hex.encode(randomBytes(32)).utf8))) }
        if head != base.head || base.tip == nil || isWhole { files.append((GitPath.head, try encoded(head))) }
        let commit = try await chain.commit(
          on: base.tip, files, message: message, at: time.now, isWhole: isWhole)
        attempted = commit
        switch try await chain.push(commit, replacing: base.tip, limit: limit) {
        case .accepted:
          let state = Known(tip: commit, head: head)
          known = state
          watch.see(state.beat, at: time.now)
          return
        case .refused(let reason):
          let state = try await refresh(limit: limit)
          if state.tip == commit { return }
          if state.tip == base.tip { throw refusal(reason) }
        case .lost, .unheard: break
        }
        tries += 1
        guard tries < 40 else { throw crowded() }
        try? await time.sleep(for: .milliseconds(Int64.random(in: 20...40) * Int64(min(tries, 10))))
      } catch {
        guard error.kind == .failed || error.kind == .timeout, time.now < until else { throw error }
        try? await time.sleep(for: .seconds(1))
      }
    }
  }

  /// Writes without the lease, onto whatever the state is. A holder whose push comes second builds on it.
  func note(_ subject: String, _ change: @Sendable (inout GitHead) -> Void) async throws(Failure) {
    await turnstile.enter()
    defer { turnstile.leave() }
    try await swap(subject, limit: .seconds(30)) { head in
      change(&head)
      return []
    }
  }

  private func refusal(_ reason: String) -> Failure { chain.refused(reason) }

  private func crowded() -> Failure {
    Failure(
      .failed, "the ledger of \(environment) could not be written: others always came first",
      place: chain.remote.shownURL, hint: "try again")
  }

  // MARK: Reading

  /// Runs `body` on the present state; the holder's own knowledge is the present state.
  func reading<Value>(_ body: (Known) async throws(Failure) -> Value) async throws(Failure) -> Value {
    await turnstile.enter()
    defer { turnstile.leave() }
    if let known, isCertain || lookedAt.map({ time.now - $0 < options.freshness }) ?? false {
      return try await body(known)
    }
    return try await body(try await refresh())
  }

  /// Our lease surely stands, so nobody else has written.
  private var isCertain: Bool {
    guard let held else { return false }
    return time.now - held.confirmedAt < held.lease.duration * 2 / 3
  }

  /// Asks the remote, and reads the head when it has moved.
  func refresh(limit: Duration = .seconds(20)) async throws(Failure) -> Known {
    var tip = try await chain.tip(limit: limit)
    if known == nil || known?.tip != tip {
      if tip != nil { tip = try await chain.fetch() }
      var head = GitHead(app: app, environment: environment)
      if let tip { head = try await readHead(tip) }
      known = Known(tip: tip, head: head)
    }
    lookedAt = time.now
    let state = known ?? Known(tip: nil, head: GitHead(app: app, environment: environment))
    watch.see(state.beat, at: time.now)
    return state
  }

  private func readHead(_ tip: String) async throws(Failure) -> GitHead {
    let bytes = try await chain.files([GitPath.head], at: tip)[GitPath.head] ?? []
    struct Version: Decodable { var version: Int }
    let version = try decoded(Version.self, bytes, GitPath.head).version
    guard version <= GitHead.version else {
      throw Failure(
        .failed, "the ledger of \(environment) was written by a newer shipit", place: chain.remote.shownURL,
        cause: "its layout has version \(version), this shipit knows \(GitHead.version)",
        hint: "install that shipit or a later one; nothing was touched")
    }
    let head = try decoded(GitHead.self, bytes, GitPath.head)
    guard head.app == app, head.environment == environment else {
      throw Failure(
        .configuration,
        "\(chain.reference) is the ledger of \(head.environment) of \(head.app), not of \(app)",
        place: chain.remote.shownURL,
        hint: "give one of them another environment name: they share the remote `\(chain.remote.name)`")
    }
    return head
  }

  /// The key of fingerprints; made with the ledger.
  package func fingerprintKey() async throws(Failure) -> [UInt8] {
    if try await reading({ $0.tip }) == nil {
      await turnstile.enter()
      defer { turnstile.leave() }
      try await swap("the ledger of \(environment) begins", limit: .seconds(30)) { _ in [] }
    }
    return try await reading { state throws(Failure) in
      guard let tip = state.tip, let text = try await chain.files([GitPath.key], at: tip)[GitPath.key],
        let key = Hex.decode(String(decoding: text, as: UTF8.self)), key.count == 32
      else { throw unreadable(GitPath.key) }
      return key
    }
  }
}
