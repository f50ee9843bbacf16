package import Concurrency
package import HTTP
package import JSON
package import Model

/// A flag of LaunchDarkly: plain percentage rollouts by semantic patches, for LaunchDarkly's own gradual releases
/// draw people anew (contract launchdarkly §1.10).
package struct LaunchDarklyFlag: FlagProvider {
  private let client: LaunchDarklyClient
  private let serve: JSON
  private var target: LaunchDarklyTarget { client.target }

  /// - Parameters:
  ///   - serve: the value, or the name, of the variation that is rolled out.
  ///   - version: shipit's own, for the `User-Agent`.
  package init(
    _ target: LaunchDarklyTarget, serve: JSON, http: any HTTPTransport, clock: any TimeSource, version: String
  ) {
    client = LaunchDarklyClient(target: target, http: http, clock: clock, version: version)
    self.serve = serve
  }

  package var name: String { "LaunchDarkly flag \(target.flag) in \(target.project)/\(target.environment)" }
  package var servesShares: Bool { true }

  package func read() async throws(Failure) -> FlagState {
    let (flag, environment): (JSON, JSON)
    do throws(LaunchDarklyError) {
      (flag, environment) = (try await client.flag(), try await client.environment())
    } catch { throw error.failure(name) }
    var state = try answer(flag).get().state
    state.needsApproval = needsApproval(environment, flag)
    // Who it was and whether it is used: a token that may not ask that still rolls out.
    if let entry = try? await client.newestChange() { state.lastChange = author(entry) }
    if let status = try? await client.status() {
      state.lastEvaluated = status["lastRequested"]?.string.flatMap { Timestamp(iso8601: $0) }
      state.usage = status["name"]?.string.flatMap(FlagUsage.init(rawValue:))
    }
    return state
  }

  package func set(
    _ share: FlagShare, expected: FlagState, note: FlagNote
  ) async throws(FlagRefusal) -> FlagState {
    try await write(expected, note, change: change(to: share)) { $0.isOn && $0.share == share }
  }

  /// The last step serves everybody already, without a draw.
  package func complete(expected: FlagState, note: FlagNote) async throws(FlagRefusal) -> FlagState {
    try await set(.everybody, expected: expected, note: note)
  }

  package func off(known: FlagState?, note: FlagNote) async throws(FlagRefusal) -> FlagState {
    let state: FlagState
    if let known { state = known } else { state = try await present().state }
    guard let old = state.whenOff, state.variations.indices.contains(old) else {
      throw FlagRefusal(
        .invalid, Failure(.configuration, "\(name) has no off variation", place: "LaunchDarkly"))
    }
    let instructions: [JSON] = [
      ["kind": "turnFlagOff"], rule(["variationId": .string(state.variations[old].id)]),
    ]
    switch await patch(instructions, note) {
    case .success(let flag): return try confirmed(flag, since: nil) { !$0.isOn }
    case .failure(let error):
      if error.kind == .approvalRequired { return try await ask(instructions, note) { !$0.isOn } }
      if error.isAmbiguous, let found = try? await present().state, !found.isOn { return found }
      throw error.refusal(name)
    }
  }

  // MARK: Writing

  private func change(to share: FlagShare) -> (FlagState) -> [JSON] {
    { state in
      let (wanted, old) = (state.variations[state.wanted].id, state.variations[state.whenOff ?? 0].id)
      guard share != .everybody else {
        return [["kind": "turnFlagOn"], rule(["variationId": .string(wanted)])]
      }
      return [
        ["kind": "turnFlagOn"],
        rule([
          "rolloutContextKind": .string(target.contextKind), "rolloutBucketBy": .string(target.bucketBy),
          "rolloutWeights": [
            wanted: .int(Int64(share.thousandths)), old: .int(Int64(share.rest.thousandths)),
          ].json,
        ]),
      ]
    }
  }

  /// The instruction that changes the rule of this rollout.
  private func rule(_ members: [String: JSON]) -> JSON {
    var members = members
    if let id = target.rule {
      members["kind"] = "updateRuleVariationOrRollout"
      members["ruleId"] = .string(id)
    } else {
      members["kind"] = "updateFallthroughVariationOrRollout"
    }
    return .object(members)
  }

  private func write(
    _ expected: FlagState, _ note: FlagNote, change: (FlagState) -> [JSON],
    isDone: (FlagState) -> Bool
  ) async throws(FlagRefusal) -> FlagState {
    // A second attempt only after a conflict that left the flag as expected.
    for attempt in 1...2 {
      let before = try await present()
      let drift = before.state.draw.difference(from: expected.draw)
      // What is so already is ours, or as good: after an answer that was lost the version has moved on.
      if isDone(before.state), drift == nil { return before.state }
      guard before.state.version == expected.version, drift == nil else {
        throw .changed(name, expected, await withAuthor(before.state))
      }
      guard before.state.draw.contextKind == target.contextKind, before.state.draw.bucketBy == target.bucketBy
      else {
        throw FlagRefusal(
          .invalid,
          Failure(
            .configuration,
            "\(name) draws by \(before.state.draw.bucketBy) of \(before.state.draw.contextKind), not by "
              + "\(target.bucketBy) of \(target.contextKind)", place: "LaunchDarkly patchFeatureFlag",
            hint: "a change would move people: write what it has as `flag.context`, or reset its rule first"))
      }
      let instructions = change(before.state)
      switch await patch(instructions, note) {
      case .success(let flag): return try confirmed(flag, since: before, isDone)
      case .failure(let error):
        switch error.kind {
        case .conflict where attempt == 1: continue
        case .approvalRequired: return try await ask(instructions, note, isDone)
        default: break
        }
        // Not known: it counts when it can be read (contract §10), else the caller looks again later.
        if error.isAmbiguous, let found = try? await present().state, isDone(found),
          found.draw.difference(from: expected.draw) == nil
        {
          return found
        }
        throw error.refusal(name)
      }
    }
    throw LaunchDarklyError(kind: .conflict, words: "twice in a row", operation: "patchFeatureFlag").refusal(
      name)
  }

  /// Reads the whole flag that a patch answers with; the status alone proves nothing (contract §4).
  private func confirmed(
    _ flag: JSON, since before: LaunchDarklyAnswer?, _ isDone: (FlagState) -> Bool
  ) throws(FlagRefusal) -> FlagState {
    let after: LaunchDarklyAnswer
    do throws(Failure) { after = try answer(flag).get() } catch { throw FlagRefusal(.ambiguous, error) }
    let isOurs = before.map { after.version <= $0.version + 1 } ?? true
    let drift = before.flatMap { after.state.draw.difference(from: $0.state.draw) }
    guard isDone(after.state), isOurs, drift == nil else {
      throw .changed(name, before?.state ?? after.state, after.state)
    }
    return after.state
  }

  /// Asks for an approval, or goes on with the one that was asked for earlier.
  private func ask(
    _ instructions: [JSON], _ note: FlagNote, _ isDone: (FlagState) -> Bool
  ) async throws(FlagRefusal) -> FlagState {
    let earlier = try await asked { () throws(LaunchDarklyError) in try await client.approvalRequests() }
      .filter {
        $0["description"]?.string?.contains(note.marker) == true
          && ["pending", "scheduled"].contains($0["status"]?.string ?? "")
          && $0["instructions"] == .array(instructions)
      }.max { ($0["creationDate"]?.int ?? 0) < ($1["creationDate"]?.int ?? 0) }
    var words = "an approval request was made: \(comment(note))"
    if let request = earlier, let id = request["_id"]?.string {
      switch request["reviewStatus"]?.string {
      case "approved":
        let flag = try await asked { () throws(LaunchDarklyError) in
          try await client.apply(id, comment: comment(note))
          return try await client.flag()
        }
        return try confirmed(flag, since: nil, isDone)
      case "declined":
        throw FlagRefusal(
          .approvalDeclined,
          Failure(
            .waiting, "\(name): the change was declined in LaunchDarkly", place: "approval request \(id)",
            cause: request["allReviews"]?.array?.last?["comment"]?.string,
            hint: "`shipit rollout abort`, or ask whoever declined it"))
      default: words = "approval request \(id) waits for a review"
      }
    } else {
      _ = try await asked { () throws(LaunchDarklyError) in
        try await client.requestApproval(instructions, description: comment(note))
      }
    }
    throw LaunchDarklyError(kind: .approvalRequired, words: words, operation: "approval-requests").refusal(
      name)
  }

  private func asked<Answer>(
    _ question: () async throws(LaunchDarklyError) -> Answer
  ) async throws(FlagRefusal) -> Answer {
    do throws(LaunchDarklyError) { return try await question() } catch { throw error.refusal(name) }
  }

  private func patch(_ instructions: [JSON], _ note: FlagNote) async -> Result<JSON, LaunchDarklyError> {
    do throws(LaunchDarklyError) {
      return .success(try await client.patch(instructions, comment: comment(note)))
    } catch { return .failure(error) }
  }

  private func comment(_ note: FlagNote) -> String { "\(note.marker): \(note.text)" }

  // MARK: Reading

  private func answer(_ flag: JSON) -> Result<LaunchDarklyAnswer, Failure> {
    do throws(Failure) {
      return .success(try LaunchDarklyAnswer(flag, target, serve: serve, name: name))
    } catch {
      return .failure(error)
    }
  }

  private func present() async throws(FlagRefusal) -> LaunchDarklyAnswer {
    let flag: JSON
    do throws(LaunchDarklyError) { flag = try await client.flag() } catch {
      // A read that failed has changed nothing.
      var refusal = error.refusal(name)
      if refusal.code == .ambiguous { refusal = FlagRefusal(.unreachable, error.failure(name)) }
      throw refusal
    }
    do throws(Failure) { return try answer(flag).get() } catch { throw FlagRefusal(.invalid, error) }
  }

  private func withAuthor(_ state: FlagState) async -> FlagState {
    var state = state
    if let entry = try? await client.newestChange() { state.lastChange = author(entry) }
    return state
  }

  private func author(_ entry: JSON) -> FlagAuthor? {
    guard let date = entry["date"]?.int else { return nil }
    let member = entry["member"]?["email"]?.string
    return FlagAuthor(
      name: member ?? entry["token"]?["name"]?.string, at: Timestamp(milliseconds: date),
      comment: entry["comment"]?.string)
  }

  private func needsApproval(_ environment: JSON, _ flag: JSON) -> Bool {
    let settings = environment["approvalSettings"]
    let tags = Set((settings?["requiredApprovalTags"]?.array ?? []).compactMap(\.string))
    return settings?["required"]?.bool == true
      || !tags.isDisjoint(with: (flag["tags"]?.array ?? []).compactMap(\.string))
  }
}

extension [String: JSON] {
  fileprivate var json: JSON { .object(self) }
}
