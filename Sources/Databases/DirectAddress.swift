package import Model
import Postgres

/// Where a database is reached from here: direct, for session locks and settings do not survive a transaction
/// pooler (contract migrations §4).
struct DirectAddress: Sendable {
  let address: PostgresAddress

  /// Host, port and database; never the password.
  var place: String { address.description }

  /// - Throws: `Failure` of kind configuration for a missing value, what is no address, and a pooler.
  init(_ database: DatabaseTarget, _ secrets: SecretValues) throws(Failure) {
    let place = database.addressPlace
    let text = try database.address(secrets)
    // Not one of libpq's parameters: it would only say that the address cannot be read.
    if text.contains("pgbouncer=true") { throw Self.pooler(database, "it says `pgbouncer=true`", place) }
    do throws(PostgresError) { address = try PostgresAddress(text) } catch {
      throw Failure(
        .configuration, "the address of the database \(database.key) cannot be read", place: place,
        cause: error.message, hint: "write it like postgres://USER:PASSWORD@HOST:5432/DATABASE")
    }
    if let why = Self.pooled(address) { throw Self.pooler(database, why, place) }
  }

  /// Why an address leads through a transaction pooler; nil: it seems direct.
  static func pooled(_ address: PostgresAddress) -> String? {
    if address.part("port") == "6543" { return "port 6543 is Supabase's pooler" }
    for host in (address.part("host") ?? "").split(separator: ",") {
      let label = host.prefix { $0 != "." }
      if label.hasSuffix("-pooler") { return "\(label) is a pooler's host" }
      if label.lowercased().contains("pgbouncer") { return "\(label) is a PgBouncer" }
    }
    return nil
  }

  private static func pooler(_ database: DatabaseTarget, _ why: String, _ place: String) -> Failure {
    Failure(
      .configuration, "the database \(database.key) is reached through a transaction pooler: \(why)",
      place: place, cause: "there session locks leak and time limits are lost",
      hint: "give the direct address, as the provider shows it beside the pooled one")
  }
}

extension DatabaseTarget {
  /// Where the environment file has the address.
  var addressPlace: String { "databases.\(key).url" }

  /// The address as it is written, with its password.
  /// - Throws: `configuration` when its secret has no value.
  func address(_ secrets: SecretValues) throws(Failure) -> String {
    switch url {
    case .text(let written): return written
    case .unreached:
      throw Failure(
        .configuration, "nothing here reaches the database \(key): it has no `url`", place: addressPlace,
        hint: "write databases.\(key).url: {secret: NAME}")
    case .secret(let name):
      guard let value = secrets[name], !value.isEmpty else {
        throw Failure(
          .configuration, "the secret \(name), which says where the database \(key) is, has no value",
          place: addressPlace, hint: "set \(name) in the environment of shipit")
      }
      return value.reveal()
    }
  }
}

/// What of a database's address must never be shown.
package enum AddressSecrets {
  /// The password as it is written and decoded; empty when the text is no address.
  package static func passwords(in address: Sensitive) -> [Sensitive] {
    if let redis = RedisAddress(address.reveal()) { return redis.hidden.map { Sensitive($0) } }
    guard let read = try? PostgresAddress(address.reveal()) else { return [] }
    return read.hidden.map { Sensitive($0) }
  }
}
