package import Model
import SQLite

extension LocalLedger {
  package func rollouts() async throws(Failure) -> [RolloutRecord] {
    try await read { try Self.rollouts($0) }
  }

  static func rollouts(_ connection: Connection) throws -> [RolloutRecord] {
    try connection.query("SELECT rollout FROM rollouts ORDER BY key").map {
      try value(RolloutRecord.self, from: $0[0])
    }
  }

  package func rollout(_ key: String) async throws(Failure) -> RolloutRecord? {
    try await read { connection in
      try connection.query("SELECT rollout FROM rollouts WHERE key = ?1", [.text(key)]).first.map {
        try value(RolloutRecord.self, from: $0[0])
      }
    }
  }

  package func write(_ rollout: RolloutRecord, lease: Lease?) async throws(Failure) -> Bool {
    let put: @Sendable (Connection) throws -> Bool = { connection in
      let found = try connection.query(
        "SELECT version FROM rollouts WHERE key = ?1", [.text(rollout.key)]
      ).first?[0].int
      guard Int64(rollout.version) == (found ?? 0) + 1 else { return false }
      try Self.insert(rollout, connection)
      return true
    }
    if let lease { return try await write(under: lease, put) }
    return try await transaction(put)
  }

  static func insert(_ rollout: RolloutRecord, _ connection: Connection) throws {
    _ = try connection.execute(
      "INSERT OR REPLACE INTO rollouts (key, version, rollout) VALUES (?1, ?2, ?3)",
      [.text(rollout.key), SQLValue(rollout.version), .text(try text(of: rollout))])
  }
}
