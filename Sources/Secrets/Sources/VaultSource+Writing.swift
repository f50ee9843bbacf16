import HTTP
import JSON
import Model

extension VaultSource {
  /// Writes one new version with the values and all that was there, and only upon the version that was read
  /// (`cas`): what somebody else writes meanwhile is not lost.
  /// - Throws: `stale` when somebody else keeps writing; what Vault says.
  func write(_ values: [String: Sensitive]) async throws(Failure) {
    try await withSession { session throws(Failure) in
      // Who loses a race reads the other's version, and writes upon that.
      for _ in 1...3 where try await self.writeOnce(values, session) { return }
      throw Failure(
        .stale, "\(description) was written by somebody else three times while shipit wrote to it",
        hint: "run the command again when that has ended")
    }
  }

  /// - Returns: false when somebody else was faster.
  private func writeOnce(
    _ values: [String: Sensitive], _ session: VaultSession
  ) async throws(Failure) -> Bool {
    let found = try await current(session)
    var changed: [String: JSON] = [:]
    for (name, value) in values { changed[settings.names[name] ?? name] = .string(value.reveal()) }
    if let found, changed.allSatisfy({ found.members[$0.key] == $0.value }) { return true }
    let others = found?.members ?? [:]
    let isText = others.values.allSatisfy { $0.string != nil }
    let options: JSON = ["cas": .int(found?.version ?? 0)]
    // What is no text there is left to Vault, so that no number changes its digits on the way through us.
    let response =
      isText
      ? try await session.send(
        "POST", dataPath,
        ["options": options, "data": .object(others.merging(changed) { _, new in new })])
      : try await session.send(
        "PATCH", dataPath, ["options": options, "data": .object(changed)],
        type: "application/merge-patch+json")
    switch response.status {
    case 200, 204: return true
    case 400 where response.text.contains("check-and-set"): return false
    default: throw try await session.refusal(response, "write")
    }
  }
}
