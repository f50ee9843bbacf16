package import Model
import Postgres

extension PostgresLedger {
  package func rollouts() async throws(Failure) -> [RolloutRecord] {
    try await read { try self.rollouts($0) }
  }

  func rollouts(_ connection: PostgresConnection) throws -> [RolloutRecord] {
    try connection.query(
      "SELECT rollout FROM shipit.rollouts WHERE ledger = $1::int ORDER BY key", [.int(id)]
    ).map { try value(RolloutRecord.self, fromJSON: $0["rollout"]) }
  }

  package func rollout(_ key: String) async throws(Failure) -> RolloutRecord? {
    try await read { connection in
      try connection.query(
        "SELECT rollout FROM shipit.rollouts WHERE ledger = $1::int AND key = $2",
        [.int(self.id), .text(key)]
      ).first.map { try value(RolloutRecord.self, fromJSON: $0["rollout"]) }
    }
  }

  package func write(_ rollout: RolloutRecord, lease: Lease?) async throws(Failure) -> Bool {
    let put: @Sendable (PostgresConnection, Bool) throws -> Bool = { connection, isRepeated in
      let found = try connection.query(
        "SELECT version, rollout FROM shipit.rollouts WHERE ledger = $1::int AND key = $2 FOR UPDATE",
        [.int(self.id), .text(rollout.key)]
      ).first
      // The answer to our own success was lost.
      if isRepeated, try found.map({ try value(RolloutRecord.self, fromJSON: $0["rollout"]) }) == rollout {
        return true
      }
      guard Int64(rollout.version) == (found?.int("version") ?? 0) + 1 else { return false }
      return try self.insert(rollout, connection)
    }
    if let lease {
      return try await write(under: lease) { connection, _, isRepeated in try put(connection, isRepeated) }
    }
    return try await transaction(put)
  }

  /// - Returns: false when somebody else has written that version, or a later one, meanwhile.
  @discardableResult
  func insert(_ rollout: RolloutRecord, _ connection: PostgresConnection) throws -> Bool {
    let written = try connection.query(
      """
      INSERT INTO shipit.rollouts (ledger, key, version, rollout) VALUES ($1::int, $2, $3::int, $4::json)
        ON CONFLICT (ledger, key) DO UPDATE SET version = excluded.version, rollout = excluded.rollout
          WHERE shipit.rollouts.version = excluded.version - 1
        RETURNING version
      """, [.int(id), .text(rollout.key), PostgresValue(rollout.version), .text(try text(of: rollout))])
    return !written.isEmpty
  }
}
