import Model
import SQLite

extension Failure {
  /// Whatever stopped work on a local ledger, in the ledger's words.
  static func ledger(_ error: any Error, path: String) -> Failure {
    if let failure = error as? Failure { return failure }
    guard let error = error as? SQLiteError else {
      if error is DecodingError {
        return Failure(
          .failed, "a record in the ledger \(path) cannot be read", place: path,
          cause: "it was changed by hand or written by another version of shipit",
          hint: "use the shipit that wrote it; nothing was changed")
      }
      return Failure(.internalError, "the ledger \(path) cannot be used", place: path, cause: "\(error)")
    }
    switch error.code {
    case .full:
      return Failure(
        .failed, "there is no room to write the ledger \(path)", place: path, cause: error.message,
        hint: "free space (or raise the quota or file size limit) and run the same command again; "
          + "what was recorded before is intact")
    case .corrupt:
      return damaged(path, error.message)
    case .notADatabase: return foreignLedger(path)
    case .readOnly, .cannotOpen:
      return Failure(
        .failed, "the ledger \(path) cannot be opened for writing", place: path, cause: error.message,
        hint: "make the file and its directory writable for you: `ls -la` shows whose they are")
    case .busy:
      return Failure(
        .failed, "the ledger \(path) is busy", place: path, cause: error.message,
        hint: "another process writes to it without end; find it with `fuser \(path)`")
    case .constraint, .other:
      return Failure(.failed, "the ledger \(path) refused a record", place: path, cause: error.message)
    }
  }

  static func damaged(_ path: String, _ finding: String) -> Failure {
    Failure(
      .failed, "the ledger \(path) is damaged", place: path, cause: finding,
      hint: "put a copy of it back, or move it aside to begin with an empty history: "
        + "`mv \(path) \(path).damaged`; what runs on the platforms is not touched")
  }

  static func foreignLedger(_ path: String) -> Failure {
    Failure(
      .failed, "\(path) is not a ledger of shipit", place: path,
      cause: "the file was made by another program, or its beginning is damaged",
      hint: "move it aside: `mv \(path) \(path).other`; it was not touched")
  }
}
