import FoundationEssentials
import Model

/// Records as the files hold them.
extension GitLedger {
  nonisolated func encoded(_ value: some Encodable) throws(Failure) -> [UInt8] {
    do {
      return Array(try text(of: value).utf8)
    } catch {
      throw Failure(.internalError, "a record cannot be written", cause: "\(error)")
    }
  }

  nonisolated func decoded<Value: Decodable>(
    _ type: Value.Type, _ bytes: [UInt8], _ path: String
  ) throws(Failure) -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch {
      throw unreadable(path)
    }
  }

  nonisolated func unreadable(_ path: String) -> Failure {
    Failure(
      .failed, "\(path) in the ledger of \(environment) cannot be read", place: chain.remote.shownURL,
      cause: "it was changed by hand or written by another version of shipit",
      hint: "look at it: `git fetch \(chain.remote.name) \(chain.reference) && git show FETCH_HEAD:\(path)`")
  }
}
