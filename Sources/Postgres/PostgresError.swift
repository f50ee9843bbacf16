/// What the database or the way to it refused, and why. Never holds a parameter or a password.
package struct PostgresError: Error, Sendable, CustomStringConvertible {
  package enum Code: Sendable, Equatable {
    /// The address cannot be read.
    case badAddress
    /// No server answers there, or it refuses the connection.
    case cannotConnect
    /// User, password or certificate are refused, or the database does not exist.
    case authentication
    /// The connection broke; whether the last statement took effect is not known.
    case connectionLost
    /// The server did not answer in time, or a lock was held too long.
    case timeout
    /// The user may not do this.
    case permission
    /// Two transactions were in each other's way; the same one can be tried again.
    case conflict
    /// A rule of a table was broken.
    case constraint
    case other
  }

  package let code: Code
  /// The server's five letters, where it was the server that spoke.
  package let state: String?
  /// In the words of the server or of libpq, without the password.
  package let message: String
  /// The server's advice.
  package let hint: String?
  /// How many statements of a text had ended before the one that failed.
  package internal(set) var statement: Int?
  /// The character of the text that the server points at, from 1.
  package let position: Int?

  package init(
    code: Code, state: String? = nil, message: String, hint: String? = nil, statement: Int? = nil,
    position: Int? = nil
  ) {
    self.code = code
    self.state = state
    self.message = message
    self.hint = hint
    self.statement = statement
    self.position = position
  }

  package var description: String { state.map { "\(message) (SQLSTATE \($0))" } ?? message }

  /// Trying the same transaction again on a new connection may help.
  package var isPassing: Bool { code == .connectionLost || code == .conflict }

  /// PostgreSQL's appendix A: what the five letters mean to us.
  static func code(ofState state: String) -> Code {
    switch state {
    case "3D000": .authentication
    case "42501": .permission
    case "55P03", "57014": .timeout
    case "57P01", "57P02", "57P03", "25P03", "57P05": .connectionLost
    case "40001", "40P01": .conflict
    default:
      switch state.prefix(2) {
      case "28": .authentication
      case "08": .connectionLost
      case "23": .constraint
      default: .other
      }
    }
  }
}
