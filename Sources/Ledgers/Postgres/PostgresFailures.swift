import Model
import Postgres

extension Failure {
  /// Whatever stopped work on a ledger in PostgreSQL, in the ledger's words.
  static func ledger(_ error: any Error, of environment: String, at place: String) -> Failure {
    if let failure = error as? Failure { return failure }
    guard let error = error as? PostgresError else {
      if error is DecodingError {
        return Failure(
          .failed, "a record in the ledger at \(place) cannot be read", place: place,
          cause: "it was changed by hand or written by another version of shipit",
          hint: "use the shipit that wrote it; nothing was changed")
      }
      return Failure(.internalError, "the ledger at \(place) cannot be used", place: place, cause: "\(error)")
    }
    switch error.code {
    case .badAddress:
      return Failure(
        .configuration, "the address of the ledger cannot be read", place: "state.postgres.url",
        cause: error.message,
        hint: "look at the secret that `state:` names; characters of a password that mean something in an "
          + "address are written with percent signs: %40 for @, %2F for /")
    case .authentication:
      return Failure(
        .authentication, "the ledger's database at \(place) refuses us", place: place,
        cause: error.description,
        hint: "check user, password, database and TLS in the secret that `state:` names")
    case .permission:
      return Failure(
        .authentication, "the ledger's user may not do this at \(place)", place: place,
        cause: error.description,
        hint: "as the database's owner: GRANT CREATE ON DATABASE … TO …, or let the owner run shipit once: "
          + "it makes the schema `shipit`; then grant all on it")
    case .cannotConnect:
      return Failure(
        .failed, "the ledger's database at \(place) cannot be reached", place: place, cause: error.message,
        hint: "nothing is started without the lease; check the network and the database. In an emergency: "
          + "`shipit rollback \(environment) --without-ledger`")
    case .connectionLost, .timeout, .conflict:
      return Failure(
        .failed, "the ledger's database at \(place) did not answer in time", place: place,
        cause: error.description, hint: "try again; what was recorded before is intact")
    case .constraint, .other:
      return Failure(
        .failed, "the ledger at \(place) refused a record", place: place, cause: error.description)
    }
  }
}
