import Concurrency
import FoundationEssentials
import Model
import SQLite

/// The lease as its table keeps it.
struct LeaseRow {
  var state: LeaseState
  /// The machine of the holder: only there the kernel lock tells whether it lives.
  var machine: String?
  /// The holder has a kernel lock; some file systems give none.
  var isLocked: Bool

  static func read(_ connection: Connection) throws -> LeaseRow {
    guard let row = try connection.query("SELECT * FROM lease WHERE id = 1").first,
      let fence = row["fence"].int
    else { throw SQLiteError(code: .corrupt, message: "the lease is missing", path: connection.path) }
    var state = LeaseState(fence: fence)
    if let holder = row["holder"].text, let since = row["since"].int, let expires = row["expires"].int,
      let duration = row["duration"].int, let heartbeat = row["heartbeat"].int
    {
      state.lease = Lease(
        holder: try JSONDecoder().decode(Holder.self, from: Data(holder.utf8)), fence: fence,
        since: Timestamp(milliseconds: since), expires: Timestamp(milliseconds: expires),
        duration: .milliseconds(duration), heartbeat: .milliseconds(heartbeat),
        cancel: row["cancel"].isNull ? nil : try value(CancelRequest.self, from: row["cancel"]))
    }
    return LeaseRow(state: state, machine: row["machine"].text, isLocked: row["locked"] == 1)
  }

  func write(_ connection: Connection) throws {
    let lease = state.lease
    try connection.execute(
      """
      UPDATE lease SET fence = ?1, holder = ?2, machine = ?3, locked = ?4, since = ?5, expires = ?6,
        duration = ?7, heartbeat = ?8, cancel = ?9 WHERE id = 1
      """,
      [
        .int(state.fence), SQLValue(try lease.map { try text(of: $0.holder) }), SQLValue(machine),
        SQLValue(isLocked), SQLValue(lease?.since.milliseconds), SQLValue(lease?.expires.milliseconds),
        SQLValue(lease?.duration.wholeMilliseconds), SQLValue(lease?.heartbeat.wholeMilliseconds),
        SQLValue(try lease?.cancel.map { try text(of: $0) }),
      ])
  }
}

/// A record as JSON text.
func text(of value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// A record from JSON text.
func value<Value: Decodable>(_ type: Value.Type, from column: SQLValue) throws -> Value {
  try JSONDecoder().decode(type, from: Data((column.text ?? "").utf8))
}
