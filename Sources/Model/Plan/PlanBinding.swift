/// What a plan's digest is made of, part by part: each name with the digest of what it stands for.
package struct PlanBinding: Sendable, Hashable, Codable {
  /// Such as `commit`, `services.api`, `secret JWT_SECRET`.
  package var parts: [String: String]

  package init(parts: [String: String]) { self.parts = parts }

  /// The names of the parts that are not the same, sorted.
  package func moved(since earlier: PlanBinding) -> [String] {
    Set(parts.keys).union(earlier.parts.keys).filter { parts[$0] != earlier.parts[$0] }.sorted()
  }

  /// A text that is equal exactly when the parts are.
  package var text: String {
    parts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "\n")
  }
}
