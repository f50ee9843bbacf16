import Concurrency
import Model
import Runner
import TestSupport
import Testing
import Twin

/// One release over Railway, Encore and Vercel, with trouble on several of them at once.
@Suite("Troubles in pairs", .timeLimit(.minutes(10)))
struct TroublePairTests {
  @Test(
    "whatever goes wrong on several platforms at once ends all new, all old, or says exactly what is left",
    arguments: PairRow.all)
  func pairs(_ row: PairRow) async throws {
    let outcome = try await row.live()
    let ends = PairRow.ends.withLock { ends in
      ends[outcome.end, default: 0] += 1
      return ends
    }
    if ends.values.reduce(0, +) == PairRow.all.count {
      for (end, count) in ends.sorted(by: { $0.key < $1.key }) { print("\(count) rows: \(end)") }
    }
    for complaint in outcome.complaints { Issue.record("\(row): \(complaint)\n\(outcome)") }
  }

  @Test("each trouble alone is met by the deploy", arguments: PairRow.alone)
  func alone(_ row: PairRow) async throws {
    let outcome = try await row.live()
    for complaint in outcome.complaints { Issue.record("\(row): \(complaint)\n\(outcome)") }
    switch row.troubles.compactMap(\.self).first {
    case .lostAnswer, .rateLimited, .refused, .badGateway, .hangs: #expect(outcome.metFault, "\(outcome)")
    case .slow:
      #expect(outcome.result.exit == .done && outcome.took > .seconds(120), "\(outcome)")
    default: #expect(outcome.result.exit != .done, "\(outcome)")
    }
  }

  @Test(
    "what somebody else puts live after its service's own watch is seen before the release is called live")
  func foreignAfterTheWatch() async throws {
    try await ReleaseWorld.live(ReleaseWorld.Shape(watched: .seconds(300))) { world in
      _ = try await world.deploy(0)
      try await world.clock.sleep(for: .seconds(60))
      try await world.arrange(.foreign, on: .encore)
      let result = try await world.deploy(1)
      #expect(result.exit == .stale, "\(result.words)")
      #expect(result.result?.failedStep == "jobs.confirm")
      let standings = await world.standings()
      #expect(
        standings == ["api": .old, "jobs": .foreign, "web": .old], "what is somebody else's was replaced")
      #expect(result.shownFailure?.hint?.isEmpty == false)
    }
  }

  @Test("the rows join each trouble of a platform with each trouble of every other one")
  func covers() {
    var pairs: Set<String> = []
    for row in PairRow.latin {
      for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        pairs.insert(
          "\(PairRow.platforms[one]) \(row.troubles[one].map(\.rawValue) ?? "-") "
            + "\(PairRow.platforms[other]) \(row.troubles[other].map(\.rawValue) ?? "-")")
      }
    }
    #expect(pairs.count == 3 * Trouble.allCases.count * Trouble.allCases.count)
  }
}

/// Troubles of one world, by platform; nil: none there.
struct PairRow: Sendable, CustomStringConvertible, CustomTestStringConvertible {
  static let platforms: [PlatformName] = [.railway, .encore, .vercel]

  /// How many rows ended how.
  static let ends = Locked<[String: Int]>([:])

  var troubles: [Trouble?]
  var webReadsAPI: Bool

  /// A Latin square: two columns count through all kinds, the third is their sum, so that each two columns hold
  /// each pair of kinds exactly once.
  static let latin: [PairRow] = {
    let kinds = Trouble.allCases
    return kinds.indices.flatMap { one in
      kinds.indices.map { other in
        PairRow(
          troubles: [kinds[one], kinds[other], kinds[(one + other) % kinds.count]],
          webReadsAPI: (one * kinds.count + other) % 2 == 1)
      }
    }
  }()

  /// One platform in trouble.
  static let alone: [PairRow] = platforms.indices.flatMap { place in
    Trouble.allCases.map { kind in
      var row = PairRow(troubles: [nil, nil, nil], webReadsAPI: false)
      row.troubles[place] = kind
      return row
    }
  }

  /// Two platforms in trouble and one well, so that no third trouble hides what two do together.
  static let two: [PairRow] = {
    let kinds = Trouble.allCases
    return [(0, 1), (0, 2), (1, 2)].flatMap { places in
      kinds.indices.flatMap { one in
        kinds.indices.map { other in
          var row = PairRow(troubles: [nil, nil, nil], webReadsAPI: (one + other) % 2 == 1)
          row.troubles[places.0] = kinds[one]
          row.troubles[places.1] = kinds[other]
          return row
        }
      }
    }
  }()

  /// All of them take minutes of two processors: without `SHIPIT_LONG=1` only a third of the square, which still
  /// has every trouble on every platform.
  static let all: [PairRow] =
    Checkout.isLong ? latin + two : latin.enumerated().filter { $0.offset % 3 == 0 }.map(\.element)

  var description: String {
    let parts = zip(PairRow.platforms, troubles).map { "\($0) \($1.map(\.rawValue) ?? "well")" }
    return parts.joined(separator: ", ") + (webReadsAPI ? ", web reads api" : "")
  }

  var testDescription: String { description }

  /// From an empty account over a first release to the end of the second deploy.
  func live() async throws -> PairOutcome {
    try await ReleaseWorld.live(ReleaseWorld.Shape(webReadsAPI: webReadsAPI)) { world in
      let first = try await world.deploy(0)
      guard first.exit == .done else { throw Failure(.internalError, "no first release: \(first.words)") }
      try await world.clock.sleep(for: .seconds(60))
      for (platform, trouble) in zip(PairRow.platforms, troubles) {
        if let trouble { try await world.arrange(trouble, on: platform) }
      }
      let visits = world.spawn { await world.visitWeb() }
      let began = world.clock.now
      let result = try await world.deploy(1)
      let ended = world.clock.now
      let inFlight = await world.inFlight()
      let standings = await world.standings()
      visits.cancel()
      let told = await world.everythingTold()
      let events = world.events.withLock { $0.filter { $0.at >= began } }
      return PairOutcome(
        row: self, result: result, events: events, took: ended - began,
        forward: events.first { if case .turned = $0.kind { true } else { false } }.map { $0.at - began },
        standings: standings, inFlight: inFlight,
        made: await world.made(), metFault: await world.metFault(), visits: await world.visits(),
        unpromoted: await world.servedUnpromoted(),
        secrets: [Worlds.token, Worlds.secret].count { told.contains($0) })
    }
  }
}

/// What a row ended with, by the command and by the twins.
struct PairOutcome: Sendable, CustomStringConvertible {
  var row: PairRow
  var result: OperationResult
  /// Of the second deploy.
  var events: [RunEvent]
  var took: Duration
  /// When it turned back; nil when it did not.
  var forward: Duration?
  var standings: [String: Standing]
  var inFlight: Set<String>
  var made: [String: Int]
  /// A scripted fault of requests was met.
  var metFault: Bool
  /// How often users were answered at the front end's address.
  var visits: Int
  var unpromoted: [String]
  /// How many planted values were told or recorded.
  var secrets: Int

  var description: String {
    let states = standings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    let said = result.result
    return "\(result.words)\nserved: \(states); in flight: \(inFlight.sorted()); made: \(made); "
      + "unattended: \(said?.unattended.map(\.rawValue) ?? []); failure: \(said?.failure, default: "-"); "
      + "rollback failure: \(said?.rollbackFailure, default: "-"); took \(took)"
  }

  /// What a user would have to complain of.
  var complaints: [String] {
    var complaints = judgeEnd()
    if visits < Int(took.components.seconds) / 2 { complaints.append("nobody visited: \(visits)") }
    complaints += unpromoted.prefix(1).map { "served before its promotion: \($0)" }
    for (name, count) in made.sorted(by: { $0.key < $1.key }) where count > 1 {
      complaints.append("\(name) was deployed \(count) times")
    }
    // Somebody else's deployment is told, whatever the run failed at, and nothing else is called so.
    let foreign = Set(standings.filter { $0.value == .foreign }.keys)
    let named = Set((result.result?.foreign ?? [:]).keys.map(\.rawValue))
    if let state = result.result?.state, [.unchanged, .rolledBack, .mixed].contains(state), named != foreign {
      complaints.append("\(foreign.sorted()) is somebody else's, named is \(named.sorted())")
    }
    if secrets > 0 { complaints.append("a planted secret was told or recorded") }
    if result.exit != .done, result.shownFailure?.hint?.isEmpty != false {
      complaints.append("no next command")
    }
    // The deadline bounds the way forward; the way back has at most half an hour of its own (docs/exit-codes.md),
    // after two minutes at most in which what runs is stopped.
    if let deadline = result.plan?.deadline {
      if (forward ?? took) > deadline { complaints.append("went forward beyond the deadline of \(deadline)") }
      if let forward, took > forward + .seconds(1800 + 120 + 20) {
        complaints.append("the way back lasted \(took - forward)")
      }
    }
    return complaints
  }

  private func judgeEnd() -> [String] {
    // What somebody else put live is theirs: it is left alone.
    let ours = standings.filter { $0.value != .foreign }
    var complaints: [String] = []
    switch result.exit {
    case .done:
      if standings.values.contains(where: { $0 != .new }) { complaints.append("exit 0 and not all new") }
    case .failedClean, .deadline, .stale:
      if ours.values.contains(where: { $0 != .old }) {
        complaints.append("exit \(result.exit.rawValue) and not all old")
      }
    case .failedMixed:
      let told = moved.union(result.result?.unattended.map(service) ?? [])
      for (name, standing) in ours where standing != .old && !told.contains(name) {
        complaints.append("\(name) serves the \(standing) revision, and nothing tells so")
      }
    default: complaints.append("ended with exit \(result.exit.rawValue)")
    }
    // What goes on without us is listed, and nothing else is.
    let unattended = Set(result.result?.unattended.map(service) ?? [])
    // Encore lists no rollouts: of a trigger without an answer nobody can tell whether it made one.
    let unanswered: [Trouble?] = [.lostAnswer, .badGateway, .hangs]
    let open = inFlight.union(unanswered.contains(row.troubles[1]) ? ["jobs"] : [])
    if !inFlight.subtracting(unattended).isEmpty {
      complaints.append("in flight and not listed: \(inFlight.subtracting(unattended).sorted())")
    }
    if !unattended.subtracting(open).isEmpty {
      complaints.append("listed, and at its end: \(unattended.subtracting(open).sorted())")
    }
    // A mixed end names per service what runs.
    if let release = result.release, result.exit != .done {
      for (name, standing) in ours {
        let recorded = release.services[ServiceName(rawValue: name)]?.commit
        let known = Worlds.commits.firstIndex { $0 == recorded }
        if standing == .old && known != 0 || standing == .new && known != 1 {
          complaints.append(
            "\(name) serves the \(standing) commit, the release says \(Worlds.letter(recorded))")
        }
      }
    }
    return complaints
  }

  /// Exit and state, for the count of all rows.
  var end: String {
    "exit \(result.exit.rawValue) \(result.result.map { "\($0.state)" } ?? "before a run")"
  }

  /// Services whose new code the run tells to have gone live.
  private var moved: Set<String> {
    var moved: Set<String> = []
    for event in events {
      guard case .stepEnded(let id, .done) = event.kind, let step = result.plan?.step(id), step.isCutOver,
        let name = step.service
      else { continue }
      moved.insert(name.rawValue)
    }
    return moved
  }

  /// `undo.jobs.deploy` and `jobs.deploy` are about `jobs`.
  private func service(_ step: StepID) -> String {
    let parts = step.rawValue.split(separator: ".").map(String.init)
    return parts.first { standings[$0] != nil } ?? step.rawValue
  }
}
